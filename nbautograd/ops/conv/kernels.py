"""How convolutions are computed: windows of the input as columns of a matrix, a block of samples at a time.

NOTE [Columns]
A convolution is one matrix product once every window of the input stands in a column. All columns at once would take
many times the input's memory, and be slow for it: they are made a block at a time, in a buffer that fits the cache and
is used again. With stride 1 a window moves along a padded row as one long slice, border elements included, so a column
matrix is copied in long runs. It has a few columns too many, the windows that wrap round a border; what comes of them
is left out when the product is copied to its place, which has to be done anyhow, to add the bias and to bring the
channels behind the samples. Neighbouring rows share a border: what lies right of one lies left of the next.

The three kernels are the three derivatives of one form, Σ g · conv(x, w), by g, x and w: each one's derivatives are the
other two.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.op import xp
from nbautograd.fast import serve
from nbautograd.ops.conv.pointwise import mixed, summed_products

BLOCK = 1 << 18
"""How many elements a block of columns has: the best of 2¹⁵ … 2¹⁹ for float32 on 1 MiB of second-level cache."""
GPU_BLOCK = 1 << 26
KEPT = 1 << 22
"""Buffers up to this many elements are kept for the next call."""


_ALL = slice(None)


class _Buffers(threading.local):
    """Work space of this thread, by purpose and dtype."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, Any], Any] = {}


_buffers = _Buffers()


def buffer(purpose: str, shape: tuple[int, ...], like: Any) -> Any:
    """An uninitialised array of the dtype and on the device of `like`, valid until the next call asks for it."""
    count = math.prod(shape)
    if like.__class__ is not ndarray or count > KEPT:
        return xp.empty(shape, dtype=like.dtype)
    key = (purpose, like.dtype)
    found = _buffers.held.get(key)
    if found is None or found.size < count:
        found = _buffers.held[key] = np.empty(count, like.dtype)
    return found[:count].reshape(shape)


class Geometry:
    """Where the windows of a convolution lie; sizes are per spatial dimension, `out` is how many there are."""

    def __init__(
        self,
        size: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        out: tuple[int, ...],
    ) -> None:
        self.size, self.kernel, self.stride, self.padding, self.dilation = size, kernel, stride, padding, dilation
        self.out = out

    @cached_property
    def padded(self) -> tuple[int, ...]:
        """The input with its border, as it lies in memory (NOTE [Columns])."""
        end = 1 if any(self.padding[1:]) else 0  # the last row's right border has no row behind it to lie in
        first = self.size[0] + 2 * self.padding[0] + end
        return (first, *(n + p for n, p in zip(self.size[1:], self.padding[1:])))

    @cached_property
    def inner(self) -> tuple[slice, ...]:
        """Where the input lies within its border, as an index of (C, N, *padded)."""
        return (_ALL, _ALL, *(slice(p, p + n) for p, n in zip(self.padding, self.size)))

    @cached_property
    def step(self) -> tuple[int, ...]:
        """How many elements apart neighbours along each padded dimension lie in memory."""
        return steps(self.padded)

    @cached_property
    def taps(self) -> tuple[int, ...]:
        """How many elements apart neighbours under a window lie."""
        return tuple(n * d for n, d in zip(self.step, self.dilation))

    @cached_property
    def moves(self) -> tuple[int, ...]:
        """How many elements apart the first ones of neighbouring windows lie."""
        return tuple(n * s for n, s in zip(self.step, self.stride))

    @cached_property
    def dense(self) -> bool:
        """Whether windows start at every element, so that columns are runs (NOTE [Columns])."""
        return all(s == 1 for s in self.stride)

    @cached_property
    def pointwise(self) -> bool:
        """Whether each window is one element, and each element a window: no more than a product of matrices."""
        return self.dense and self.area == 1 and not any(self.padding)

    @cached_property
    def run(self) -> tuple[int, ...]:
        """The shape that the columns have: one run, or a grid."""
        if not self.dense:
            return self.out
        return (1 + sum((n - 1) * step for n, step in zip(self.out, self.step)),)

    @cached_property
    def area(self) -> int:
        """How many elements a kernel has."""
        return math.prod(self.kernel)


@lru_cache(256)
def geometry(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Geometry:
    """The windows of an input whose spatial dimensions are `size`."""
    figures = zip(size, kernel, stride, padding, dilation)
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in figures)
    return Geometry(size, kernel, stride, padding, dilation, out)


@lru_cache(256)
def band_of(geo: Geometry, rows: int) -> Geometry:
    """The same with fewer windows along the first dimension."""
    if rows == geo.out[0]:
        return geo
    return Geometry(geo.size, geo.kernel, geo.stride, geo.padding, geo.dilation, (rows, *geo.out[1:]))


def steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many elements apart neighbours along each dimension lie in memory."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def windows(padded: Any, geo: Geometry, row: int = 0, grid: bool = False) -> Any:
    """A view (C, *kernel, N, *run) of what is under the windows from `row` on, for `padded` of shape (C, N, *size).

    With `grid` the last dimensions are those of the windows, not a run.
    """
    item, size = padded.itemsize, padded.strides
    run, moves = (geo.run, (1,)) if geo.dense and not grid else (geo.out, geo.moves)
    shape = (padded.shape[0], *geo.kernel, padded.shape[1], *run)
    strides = (size[0], *[item * n for n in geo.taps], size[1], *[item * n for n in moves])
    return strided(padded, shape, strides, row * geo.stride[0])


def on_grid(runs: Any, geo: Geometry) -> Any:
    """A view (C, N, *out) of columns (C, N, *run) without those that wrap round a border."""
    if not geo.dense or geo.run == geo.out:
        return runs
    step = [runs.itemsize * n for n in geo.step]
    return strided(runs, (*runs.shape[:2], *geo.out), (*runs.strides[:2], *step))


def strided(array: Any, shape: tuple[int, ...], strides: tuple[int, ...], row: int = 0) -> Any:
    """A view of `array` (C, N, …), contiguous as it is or with its first dimensions exchanged, from `row` on."""
    if array.__class__ is ndarray:  # eight times faster than `as_strided`
        whole = array if array.flags.c_contiguous else array.swapaxes(0, 1)
        return ndarray(shape, array.dtype, whole, row * array.strides[2], strides)
    return xp.lib.stride_tricks.as_strided(array[:, :, row:] if row else array, shape, strides)


def blocks(count: int, height: int, geo: Geometry, like: Any) -> Iterator[tuple[slice, list[tuple[int, Geometry]]]]:
    """Slices of `count` samples, each with its bands of windows (first row, geometry), that keep columns in bounds."""
    per_window = max(1, height * math.prod(geo.run) // geo.out[0])  # along the first dimension
    rows = max(1, (BLOCK if like.__class__ is ndarray else GPU_BLOCK) // per_window)
    samples = max(1, min(count, rows // geo.out[0]))
    bands = [(row, band_of(geo, min(rows, geo.out[0] - row))) for row in range(0, geo.out[0], rows)]
    for first in range(0, count, samples):
        yield slice(first, min(first + samples, count)), bands


def bordered(x: Any, part: slice, geo: Geometry) -> Any:
    """Samples `part` of `x` as (C, N, *size), with zeros round them."""
    inside = x[part].swapaxes(0, 1)
    if not any(geo.padding):
        return inside
    full = buffer("border", (x.shape[1], part.stop - part.start, *geo.padded), x)
    full[...] = 0
    full[geo.inner] = inside
    return full


def columns(padded: Any, geo: Geometry, row: int, groups: int) -> Any:
    """What is under the windows from `row` on, as a matrix (groups, C/groups · kernel, N · run)."""
    view = windows(padded, geo, row)
    out = buffer("columns", view.shape, padded)
    xp.copyto(out, view)
    return out.reshape((groups, view.shape[0] // groups * geo.area, -1))


def by_columns(y: Any, part: slice, geo: Geometry, row: int, groups: int) -> Any:
    """The rows from `row` on of samples `part` of `y`, as (groups, O/groups, N · run); zeros where columns wrap."""
    shown = y[(part, slice(None), slice(row, row + geo.out[0]))].swapaxes(0, 1)
    runs = buffer("runs", (*shown.shape[:2], *geo.run), y)
    if runs.shape != shown.shape:
        runs[...] = 0
    on_grid(runs, geo)[...] = shown
    return runs.reshape((groups, shown.shape[0] // groups, -1))


def in_single(*arrays: Any) -> Any:
    """Arrays of half precision in single precision: sums of many products would drown in half of it."""
    return [a if a is None or a.dtype.itemsize > 2 else a.astype("float32") for a in arrays]


def convolve(x: Any, w: Any, b: Any, geo: Geometry, groups: int) -> Any:
    """Each output is the sum of products of `w` and the window under it."""
    if geo.pointwise:
        return mixed(w.reshape((groups, w.shape[0] // groups, w.shape[1])), x, b)
    x = xp.ascontiguousarray(x)
    out = xp.empty((x.shape[0], w.shape[0], *geo.out), dtype=x.dtype)
    kernels = w.reshape((groups, w.shape[0] // groups, -1))
    for part, bands in blocks(x.shape[0], math.prod(w.shape[1:]) * groups, geo, x):
        padded = bordered(x, part, geo)
        for row, band in bands:
            run = band.run
            sums = buffer("sums", (w.shape[0], part.stop - part.start, *run), x)
            matrix = sums.reshape((groups, w.shape[0] // groups, -1))
            xp.matmul(kernels, columns(padded, band, row, groups), out=matrix)
            if b is not None:  # here, where rows are long and in the cache
                matrix += b.reshape((groups, -1, 1))
            target = out[(part, slice(None), slice(row, row + band.out[0]))]
            target.swapaxes(0, 1)[...] = on_grid(sums, band)
    return out


convolve = serve("convolve", convolve)


def spread(y: Any, w: Any, b: Any, geo: Geometry, groups: int) -> Any:
    """Each element of `y` adds `w`, scaled, to the window under it: the transpose of `convolve`."""
    if geo.pointwise:
        return mixed(w.reshape((groups, w.shape[0] // groups, w.shape[1])).swapaxes(1, 2), y, b)
    if geo.dense and w.shape[0] <= w.shape[1] * groups and (back := _backwards(geo)) is not None:
        return convolve(y, _turned(w, groups), b, back, groups)
    channels = w.shape[1] * groups
    out = xp.empty((y.shape[0], channels, *geo.size), dtype=y.dtype)
    kernels = w.reshape((groups, w.shape[0] // groups, -1)).swapaxes(1, 2)
    for part, bands in blocks(y.shape[0], math.prod(w.shape[1:]) * groups, geo, y):
        count = part.stop - part.start
        full = buffer("border", (channels, count, *geo.padded), y)
        full[...] = 0
        for row, band in bands:
            shape = (channels, *geo.kernel, count, *band.run)
            found = buffer("columns", shape, y)
            matrix = found.reshape((groups, kernels.shape[1], -1))
            multiplied = xp.matmul if kernels.shape[2] > 1 else xp.multiply  # many times faster, as in `mixed`
            multiplied(kernels, by_columns(y, part, band, row, groups), out=matrix)
            under = windows(full, band, row)
            for tap in product(*map(range, geo.kernel)):
                under[(slice(None), *tap)] += found[(slice(None), *tap)]
        target, inside = out[part].swapaxes(0, 1), full[geo.inner]
        target[...] = inside if b is None else inside + b.reshape((-1,) + (1,) * (inside.ndim - 1))
    return out


spread = serve("spread", spread)


@lru_cache(256)
def _backwards(geo: Geometry) -> Geometry | None:
    """The convolution over the outputs of a dense one that leads back to its inputs, if it has no negative border."""
    border = tuple(d * (k - 1) - p for d, k, p in zip(geo.dilation, geo.kernel, geo.padding))
    return None if min(border) < 0 else geometry(geo.out, geo.kernel, geo.stride, border, geo.dilation)


def _turned(w: Any, groups: int) -> Any:
    """Weights with inputs and outputs exchanged and every kernel the other way round."""
    parts = w.reshape((groups, w.shape[0] // groups, *w.shape[1:])).swapaxes(1, 2)
    turned = xp.flip(parts, tuple(range(3, parts.ndim))).reshape((-1, w.shape[0] // groups, *w.shape[2:]))
    return xp.ascontiguousarray(turned)  # BLAS takes no steps backwards


def correlate(x: Any, y: Any, geo: Geometry, groups: int) -> Any:
    """For each tap of the kernel the sum of products of `y` and what lies under that tap."""
    height = x.shape[1] // groups * geo.area
    if geo.pointwise:
        return summed_products(x, y, groups).reshape((y.shape[1], height, *geo.kernel))
    x = xp.ascontiguousarray(x)
    out = xp.zeros((groups, height, y.shape[1] // groups), dtype=x.dtype)
    for part, bands in blocks(x.shape[0], height * groups, geo, x):
        padded = bordered(x, part, geo)
        for row, band in bands:
            met = by_columns(y, part, band, row, groups).swapaxes(1, 2)
            out += xp.matmul(columns(padded, band, row, groups), met)
    return xp.ascontiguousarray(out.swapaxes(1, 2)).reshape((y.shape[1], x.shape[1] // groups, *geo.kernel))


correlate = serve("correlate", correlate)
