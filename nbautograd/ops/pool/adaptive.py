"""torch's signatures: pools that are told how many windows there shall be, and pools undone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.pool.bins import AdaptiveMaxPool2d, AdaptiveMaxPool3d
from nbautograd.ops.pool.functions import sizes_of
from nbautograd.ops.pool.means import AdaptiveAvgPool2d, AdaptiveAvgPool3d
from nbautograd.ops.pool.places import flat_places, rows_of
from nbautograd.ops.samples import Make, through


def bins_of(output_size: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    """How many bins each dimension gets; None leaves it as it is.

    Raises: ValueError when more sizes are given than there are dimensions.
    """
    n = len(size)
    wanted = (output_size,) * n if isinstance(output_size, int) or output_size is None else tuple(output_size)
    if len(wanted) == 1:
        wanted = wanted * n
    return tuple(int(old if new is None else new) for new, old in zip(wanted, size))


def _checked(name: str, n: int, input: Any, output_size: Any) -> tuple[int, ...]:
    if isinstance(output_size, tuple | list) and len(output_size) >= input.ndim:
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    if input.ndim not in (n + 1, n + 2):
        if n == 1:
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' "
                f"(while checking arguments for {name})"
            )
        got = ": " if "max" in name else " "
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got{got}{list(input.shape)}")
    for d, size in enumerate(input.shape[input.ndim - n - 1 :], input.ndim - n - 1):
        if size == 0 and (d or input.ndim == n + 1):
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(input.shape)} with dimension {d} being empty"
            )
    return bins_of(output_size, tuple(input.shape[input.ndim - n :]))


def _publish_max(n: int) -> None:
    name = f"adaptive_max_pool{n}d"
    op = AdaptiveMaxPool3d if n == 3 else AdaptiveMaxPool2d

    def adaptive_max_pool(input, output_size, return_indices=False):
        out, index = op.call(input, bins=_checked(name, n, input, output_size))
        return (out, index) if return_indices else out

    adaptive_max_pool.__doc__ = op.__doc__
    _named(adaptive_max_pool, name, top=False)


def _publish_mean(n: int) -> None:
    name = f"adaptive_avg_pool{n}d"
    op = AdaptiveAvgPool3d if n == 3 else AdaptiveAvgPool2d

    def adaptive_avg_pool(input, output_size):
        out = _checked(name, n, input, output_size)
        if n > 1 and set(out) == {1}:
            return input.mean(tuple(range(-n, 0)), keepdim=True)
        maps = tuple(("adaptive", a, b) for a, b in zip(input.shape[input.ndim - n :], out))
        return op.call(input, maps=maps)

    adaptive_avg_pool.__doc__ = f"{op.__doc__}\n\n    Shape: x (N, C, *size) → (N, C, *output_size)"
    _named(adaptive_avg_pool, name, top=n == 1)


def _named(function: Any, name: str, top: bool) -> None:
    function.__name__ = function.__qualname__ = name
    public(name, method=False, top=top, functional=True)(function)


# --- max pools undone ---------------------------------------------------------------------------------------------


def _unpooled(make: Make, spatial: int) -> Any:
    sizes = {2: ((2, 2), (1, 3), (3, 1), (2, 3)), 3: ((1, 2, 1), (2, 1, 2), (1, 1, 3), (2, 2, 1))}[spatial]
    for size in sizes:
        for lead in ((1, 1), (2, 3), (2,)):
            count = math.prod(2 * n for n in size)
            places = [make.distinct(count).argsort()[: math.prod(size)] for _ in range(math.prod(lead))]
            index = np.asarray(places).reshape((*lead, *size))
            yield make(*lead, *size), {"index": index, "size": tuple(2 * n for n in size)}


class MaxUnpool2d(Op):
    """Zeros, with the elements put where a max pool took them from."""

    node_name = "MaxUnpool2DBackward0"
    title = "max unpool"
    tex = {"x": "\\text{taken from there}"}
    promote = "none"
    holds = ("index",)
    samples = through("", lambda make: _unpooled(make, 2))

    def forward(x, *, index, size):
        count = math.prod(size)
        lead = x.shape[: x.ndim - len(size)]
        out = xp.zeros(math.prod(lead) * count, dtype=x.dtype)
        out[flat_places(rows_of(index, len(size)), count)] = x.reshape(-1)
        return out.reshape((*lead, *size))

    def dx(g, index, size):
        return xp.take_at(g, index=index, spatial=len(size))


class MaxUnpool3d(MaxUnpool2d):
    """Zeros, with the elements put where a max pool of a volume took them from."""

    node_name = "MaxUnpool3DBackward0"
    samples = through("", lambda make: _unpooled(make, 3))


def _publish_unpool(n: int) -> None:
    name = f"max_unpool{n}d"
    op = MaxUnpool3d if n == 3 else MaxUnpool2d

    def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = sizes_of(kernel_size, n, "kernel_size", name)
        stride = kernel if stride is None else sizes_of(stride, n, "stride", name)
        padding = sizes_of(padding, n, "padding", name)
        size = _unpooled_size(tuple(input.shape[input.ndim - n :]), kernel, stride, padding, output_size)
        _check_indices(input, indices, size)
        return op.call(input, index=indices, size=size)

    max_unpool.__doc__ = f"{op.__doc__}\n\n    Raises: RuntimeError for indices that are not within the output."
    _named(max_unpool, name, top=False)


def _unpooled_size(old: Any, kernel: Any, stride: Any, padding: Any, output_size: Any) -> tuple[int, ...]:
    usual = tuple((a - 1) * s + k - 2 * p for a, k, s, p in zip(old, kernel, stride, padding))
    if output_size is None:
        return usual
    if len(output_size) == len(usual) + 2:
        output_size = output_size[2:]
    if len(output_size) != len(usual):
        raise ValueError(
            "output_size should be a sequence containing "
            f"{len(usual)} or {len(usual) + 2} elements, but it has a length of '{len(output_size)}'"
        )
    for d, (size, middle, s) in enumerate(zip(output_size, usual, stride)):
        if not middle - s < size < middle + s:
            shown = tuple(output_size)
            raise ValueError(f'invalid output_size "{shown}" (dim {d} must be between {middle - s} and {middle + s})')
    return tuple(output_size)


def _check_indices(input: Any, indices: Any, size: tuple[int, ...]) -> None:
    if indices._data.dtype != "int64":
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype.tensor_type}")
    if tuple(indices.shape) != tuple(input.shape):
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    wrong = indices._data[(indices._data < 0) | (indices._data >= math.prod(size))]
    if wrong.size:
        volumes = "x".join(str(n) for n in size)
        raise RuntimeError(
            f"Found an invalid max index: {wrong.reshape(-1)[0]} (output volumes are of size {volumes})"
            "\n  hint: give kernel_size, stride and padding of the pool that the indices come from, and, where its "
            "windows did not fit, output_size"
        )


for _n in (1, 2, 3):
    _publish_max(_n)
    _publish_mean(_n)
    _publish_unpool(_n)
