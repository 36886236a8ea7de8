"""The windows of an image as columns, and columns put back together as an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.conv.kernels import Geometry, bordered, geometry, windows
from nbautograd.ops.samples import Make, through

Sizes = tuple[int, ...]

UNFOLDED: tuple[tuple[Sizes, dict[str, Any]], ...] = (
    ((1, 1, 3, 3), {"kernel_size": 2}),
    ((2, 3, 4, 5), {"kernel_size": 2}),
    ((2, 3, 4, 5), {"kernel_size": (2, 3)}),
    ((2, 2, 4, 4), {"kernel_size": 2, "stride": 2}),
    ((1, 2, 5, 4), {"kernel_size": 3, "padding": 1}),
    ((1, 2, 5, 4), {"kernel_size": (3, 2), "padding": (1, 0), "stride": (2, 1)}),
    ((1, 2, 5, 6), {"kernel_size": 2, "dilation": 2}),
    ((2, 1, 5, 6), {"kernel_size": 2, "dilation": (1, 3), "stride": 2, "padding": 1}),
    ((0, 2, 3, 3), {"kernel_size": 2}),
    ((2, 2, 3, 3), {"kernel_size": 3}),
    ((2, 1, 4, 3), {"kernel_size": 2}),
    ((1, 1, 4, 4), {"kernel_size": 1, "stride": 3}),
    ((2, 1, 3, 3), {"kernel_size": 1}),
)


def _unfolded(make: Make) -> Any:
    for shape, settings in UNFOLDED:
        yield make(*shape), settings


def _folded(make: Make) -> Any:
    for shape, settings in UNFOLDED:
        given = {"stride": 1, "padding": 0, "dilation": 1, **settings}
        geo = geometry(shape[-2:], *(_pair(given[n]) for n in ("kernel_size", "stride", "padding", "dilation")))
        columns = (shape[-3] * geo.area, math.prod(geo.out))
        yield make(*shape[:-3], *columns), {"output_size": shape[-2:], **settings}


class Im2col(Op):
    """What is under every window of an image, window by window as a column.

    Shape: x (N, C, H, W) → (N, C · kernel, windows)
    """

    node_name = "Im2ColBackward0"
    title = "unfold"
    promote = "none"
    tex = {"x": "\\text{added up where windows overlap}"}
    samples = through("unfold", _unfolded)

    def forward(x, *, kernel, stride, padding, dilation):
        geo = geometry(x.shape[2:], kernel, stride, padding, dilation)
        under = windows(bordered(xp.ascontiguousarray(x), slice(0, x.shape[0]), geo), geo, grid=True)
        found = xp.moveaxis(under, len(kernel) + 1, 0)
        return xp.array(found, order="C").reshape((x.shape[0], x.shape[1] * math.prod(kernel), math.prod(geo.out)))

    def dx(g, x_shape, kernel, stride, padding, dilation):
        size = tuple(x_shape[2:])
        return xp.col2im(g, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


class Col2im(Op):
    """Columns added up where their windows lie in an image: the transpose of `im2col`.

    Shape: x (N, C · kernel, windows) → (N, C, *size)
    """

    node_name = "Col2ImBackward0"
    title = "fold"
    promote = "none"
    tex = {"x": "\\text{what lies under each window}"}
    samples = through("fold", _folded)

    def forward(x, *, size, kernel, stride, padding, dilation):
        geo = geometry(size, kernel, stride, padding, dilation)
        channels = x.shape[1] // math.prod(kernel)
        parts = xp.moveaxis(x.reshape((x.shape[0], channels, *kernel, *geo.out)), 0, len(kernel) + 1)
        full = xp.zeros((channels, x.shape[0], *geo.padded), dtype=x.dtype)
        under = windows(full, geo, grid=True)
        for tap in np.ndindex(*kernel):
            under[(slice(None), *tap)] += parts[(slice(None), *tap)]
        return xp.ascontiguousarray(xp.swapaxes(full[geo.inner], 0, 1))

    def dx(g, kernel, stride, padding, dilation):
        return xp.im2col(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


def _pair(value: Any) -> Sizes:
    return (value, value) if isinstance(value, int) else tuple(value)


@public(top=False, method=False, functional=True)
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """What is under every window of an image, window by window as a column.

    Shape: input (N, C, H, W) or (C, H, W) → (N, C · kernel, windows)
    Raises: RuntimeError when the image is smaller than the kernel.
    """
    kernel, dilation, padding, stride = (_pair(v) for v in (kernel_size, dilation, padding, stride))
    if input.ndim not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(input.shape)}"
        )
    batch = input if input.ndim == 4 else input.unsqueeze(0)
    geo = geometry(tuple(batch.shape[2:]), kernel, stride, padding, dilation)
    if min(geo.out) < 1:
        raise RuntimeError(
            f"Given input with spatial size {_shown(batch.shape[2:])}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, calculated shape of the array of sliding blocks as {_shown(geo.out)}, but its "
            "components must be at least one."
        )
    out = Im2col.call(batch, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return out if batch is input else out.squeeze(0)


@public(top=False, method=False, functional=True)
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns added up where their windows lie in an image of `output_size`; what overlaps is summed.

    Shape: input (N, C · kernel, windows) or (C · kernel, windows) → (N, C, *output_size)
    Raises: RuntimeError when the columns do not fit the windows.
    """
    size, kernel, dilation, padding, stride = (_pair(v) for v in (output_size, kernel_size, dilation, padding, stride))
    if input.ndim not in (2, 3):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    batch = input if input.ndim == 3 else input.unsqueeze(0)
    geo = geometry(size, kernel, stride, padding, dilation)
    _check_columns(tuple(batch.shape), size, geo)
    out = Col2im.call(batch, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return out if batch is input else out.squeeze(0)


def _check_columns(shape: Sizes, size: Sizes, geo: Geometry) -> None:
    if shape[1] % geo.area:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={shape[1]} and kernel_size={geo.kernel}."
        )
    if shape[2] != math.prod(geo.out) or min(geo.out) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={geo.kernel}, dilation={geo.dilation}, padding={geo.padding}, "
            f"stride={geo.stride}, expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {' * '.join(str(n) for n in geo.out)} = {math.prod(geo.out)}, but got input.size(2)={shape[2]}."
        )


def _shown(sizes: Any) -> str:
    return f"({', '.join(str(n) for n in sizes)})"
