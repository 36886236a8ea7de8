"""Images and volumes read at any place: `grid_sample`, and the grids that affine maps give."""

from __future__ import annotations

import itertools
import operator
import warnings
from functools import reduce
from typing import Any

from nbautograd.core.errors import user_depth
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.ops.pool.places import TakeAt
from nbautograd.ops.resample.axes import cubic_shares

DEFAULT_CHANGED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


@public("grid_sample", top=False, method=False, functional=True)
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """An image or a volume read at the places of `grid`, which go from −1 to 1 along each dimension, x first.

    Modes: 'bilinear' (of a volume: trilinear), 'nearest', 'bicubic' (images only).
    Beyond the border lie 'zeros', the 'border' element itself, or a 'reflection'.

    Shape: input (N, C, *size), grid (N, *out, 2 or 3) → (N, C, *out)
    Source: Jaderberg et al. 2015, *Spatial transformer networks*
    """
    if align_corners is None:
        warnings.warn(DEFAULT_CHANGED, stacklevel=user_depth())
        align_corners = False
    _check(input, grid, mode, padding_mode)
    size = tuple(input.shape[2:])
    if mode != "bicubic" and min(size) == 0:
        raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, got {list(size)}")
    places = [_unnormalised(grid[..., -1 - d], n, align_corners) for d, n in enumerate(size)]
    if mode == "bicubic":
        return _cubic(input, places, padding_mode, align_corners)
    places = [_within(p, n, padding_mode, align_corners) for p, n in zip(places, size)]
    if mode == "nearest":
        return _mixed(input, [p.detach().round() for p in places], [(None,)] * len(places))
    lefts = [p.detach().floor() for p in places]
    shares = [(1 - (p - left), p - left) for p, left in zip(places, lefts)]
    return _mixed(input, lefts, shares)


def _cubic(input: Any, places: Any, padding_mode: str, align_corners: bool) -> Any:
    lefts = [p.detach().floor() for p in places]
    shares = [cubic_shares(p - left) for p, left in zip(places, lefts)]
    return _mixed(input, [left - 1 for left in lefts], shares, lambda p, n: _within(p, n, padding_mode, align_corners))


def _mixed(input: Any, first: Any, shares: Any, inside: Any = None) -> Any:
    """The sum over all neighbours, counted from `first` along each dimension, of element times shares."""
    found = []  # along each dimension, for each neighbour
    for place, parts, n in zip(first, shares, input.shape[2:]):
        steps = [place + t if inside is None else inside(place + t, n) for t in range(len(parts))]
        found.append([_along(step, part, n) for step, part in zip(steps, parts)])
    return sum(_read(input, neighbour) for neighbour in itertools.product(*found))


def _along(place: Any, share: Any, n: int) -> tuple[Any, Any]:
    """Which of `n` elements lies at a whole-numbered place, and its share (None: all), which is zero for none."""
    within = (place >= 0) & (place <= n - 1)
    return place.nan_to_num(-1.0).clamp(0, n - 1).long(), within if share is None else share * within


def _read(input: Any, neighbour: Any) -> Any:
    """Elements times their shares, given along each dimension."""
    index = 0
    for (number, _), n in zip(neighbour, input.shape[2:]):
        index = index * n + number
    shape = (input.shape[0], input.shape[1], *index.shape[1:])
    values = TakeAt.call(input, index=index.unsqueeze(1).expand(*shape), spatial=len(neighbour))
    return values * reduce(operator.mul, [share for _, share in neighbour]).unsqueeze(1)


def _unnormalised(x: Any, n: int, align_corners: bool) -> Any:
    """Places from −1 to 1 as places among `n` elements."""
    return (x + 1) / 2 * (n - 1) if align_corners else ((x + 1) * n - 1) / 2


def _within(place: Any, n: int, padding_mode: str, align_corners: bool) -> Any:
    """Places beyond the border brought back as `padding_mode` says."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        low, high = (0.0, n - 1.0) if align_corners else (-0.5, n - 0.5)
        if high == low:
            return place * 0
        place = (place - low).abs()
        turns = (place.detach() / (high - low)).floor()
        rest = place - turns * (high - low)
        place = FUNCTIONS["where"](turns % 2 == 0, rest, (high - low) - rest) + low
    return place.clamp(0, n - 1)


def _check(input: Any, grid: Any, mode: str, padding_mode: str) -> None:
    name = "nn.functional.grid_sample(): expected "
    for x in (input, grid):
        if x.dtype.is_complex:
            kernel = f"grid_sampler_{input.ndim - 2}d_cpu_kernel_impl"
            raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.tensor_type}'")
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"{name}mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"{name}padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'")
    shapes = f"input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, but got {shapes}")
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if input.ndim not in (4, 5) or input.ndim != grid.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got " + shapes
        )
    if mode == "bicubic" and input.ndim != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


@public("affine_grid", top=False, method=False, functional=True)
def affine_grid(theta, size, align_corners=None):
    """The places that an affine map brings the elements of an image or a volume to: the `grid` of `grid_sample`.

    Shape: theta (N, 2, 3), size (N, C, H, W) → (N, H, W, 2); theta (N, 3, 4), size (N, C, D, H, W) → (N, D, H, W, 3)
    """
    if align_corners is None:
        warnings.warn(DEFAULT_CHANGED, stacklevel=user_depth())
        align_corners = False
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {_size_text(size)}."
        )
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {_size_text(size)}. "
            f"Got {theta.shape}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {_size_text(size)}")
    axes = [_line(theta, k, align_corners) for k in size[2:]]
    grids = FUNCTIONS["meshgrid"](*axes, indexing="ij")[::-1]
    places = FUNCTIONS["stack"]([*grids, grids[0] * 0 + 1], -1).reshape(1, -1, n + 1)
    return (places @ theta.transpose(1, 2)).reshape(theta.shape[0], *size[2:], n)


def _line(theta: Any, count: int, align_corners: bool) -> Any:
    """`count` places from −1 to 1: of the outermost elements' middles, or of their edges."""
    if count == 1:
        return theta.new_zeros((1,))
    line = FUNCTIONS["linspace"](-1, 1, count, dtype=theta.dtype, device=theta.device)
    return line if align_corners else line * ((count - 1) / count)


def _size_text(size: Any) -> str:
    return f"({', '.join(str(int(n)) for n in size)})"
