"""Kernels of convolutions whose windows begin at every element: products with rows of the image, without columns.

See NOTE [Columns] in `ops.conv.kernels` for how an image with its border lies in memory, and NOTE [Tiles].
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .compiled import kernel
from .numbers import STRICT
from .products import PAD, ROWS, add_product, rounded, rows_of

IMAGES, FLAT, PLACES = "F[:, :, :, ::1]", "F[::1]", "int64[::1]"


@register_jitable(**STRICT)
def put_inside(image: Any, first: Any, wide: Any, plane: Any, out: Any) -> None:
    """An image (C, H, W) between its borders."""
    for c in range(image.shape[0]):
        for i in range(image.shape[1]):
            start = c * plane + first + i * wide
            for j in range(image.shape[2]):
                out[start + j] = image[c, i, j]


@register_jitable(**STRICT)
def put_turned(rows: Any, held: Any, out: Any) -> None:
    """`rows` as columns, by way of `held`: rows that are images apart may all compete for one line of the cache."""
    held[:] = rows
    for j in range(rows.shape[1]):
        for c in range(len(rows)):
            out[j, c] = held[c, j]


@kernel(IMAGES, FLAT, FLAT, PLACES, "int64", "int64", "int64", IMAGES)
def convolve_images(x: Any, w: Any, b: Any, taps: Any, first: Any, wide: Any, plane: Any, out: Any) -> None:
    """`b` is empty where there is no bias."""
    channels, high, across = out.shape[1:]
    run = (high - 1) * wide + across
    line = rounded(run, PAD)
    image, sums = np.zeros(x.shape[1] * plane + PAD, x.dtype), np.zeros(rounded(channels, ROWS) * line, x.dtype)
    kernels, to = rows_of(channels, taps.size, True), rows_of(channels, line, False)
    for n in range(len(x)):
        put_inside(x[n], first, wide, plane, image)
        for c in range(channels):
            sums[c * line : (c + 1) * line] = b[c] if b.size else x.dtype.type(0)
        add_product(w, kernels, image, taps, run, sums, to)
        for c in range(channels):
            for i in range(high):
                start = c * line + i * wide
                for j in range(across):
                    out[n, c, i, j] = sums[start + j]


@kernel(IMAGES, IMAGES, PLACES, "int64", "int64", "int64", "F[:, ::1]")
def correlate_images(x: Any, y: Any, taps: Any, first: Any, wide: Any, plane: Any, out: Any) -> None:
    """`y` is turned, so that the sums of all its channels at a place lie in one vector."""
    channels, high, across = y.shape[1:]
    run, line = (high - 1) * wide + across, rounded(channels, PAD)
    rows = np.empty(rounded(taps.size, ROWS), np.int64)
    rows[:] = taps[-1]
    rows[: taps.size] = taps
    image, sums = np.zeros(x.shape[1] * plane + PAD, x.dtype), np.zeros(rows.size * line, x.dtype)
    beside, held = np.zeros((run, line), x.dtype), np.empty((channels, across), x.dtype)
    at, to = np.arange(run) * line, np.arange(rows.size) * line
    for n in range(len(x)):
        put_inside(x[n], first, wide, plane, image)
        for i in range(high):
            put_turned(y[n, :, i], held, beside[i * wide : i * wide + across])
        add_product(image, rows, beside.reshape(-1), at, line, sums, to)
    for c in range(channels):
        for k in range(taps.size):
            out[c, k] = sums[k * line + c]


@lru_cache(256)
def in_the_plane(size: Any, kernel: Any, padding: Any, dilation: Any) -> tuple[Any, ...]:
    """Where the taps of a window lie, where an image begins, and how far apart rows and images lie.

    A line is an image of one row.
    """
    (high, across), (down, right), (down_by, right_by) = (_as_pair(n, 1) for n in (size, kernel, dilation))
    above, before = _as_pair(padding, 0)
    wide = across + before
    taps = np.add.outer(np.arange(down) * down_by * wide, np.arange(right) * right_by).reshape(-1)
    return taps, above * wide + before, wide, (high + 2 * above + (before > 0)) * wide


def _as_pair(sizes: Any, least: int) -> Any:
    return sizes if len(sizes) == 2 else (least, *sizes)


def _as_images(x: Any) -> Any:
    return np.ascontiguousarray(x).reshape((*x.shape[:2], *_as_pair(x.shape[2:], 1)))


def _taps(within: Any, channels: int, plane: int) -> Any:
    return np.add.outer(np.arange(channels) * plane, within).reshape(-1)


def _is_served(geo: Any, groups: int, *arrays: Any) -> bool:
    first = arrays[0].dtype
    if not geo.dense or len(geo.size) > 2 or groups != 1 or first.char not in "fd":
        return False
    return all(a.__class__ is np.ndarray and a.size and a.dtype == first for a in arrays if a is not None)


def _convolved(x: Any, w: Any, b: Any, out: tuple[int, ...], padding: Any, dilation: Any) -> Any:
    found = np.empty((x.shape[0], w.shape[0], *out), x.dtype)
    within, *steps = in_the_plane(x.shape[2:], w.shape[2:], padding, dilation)
    flat, bias = np.ascontiguousarray(w).reshape(-1), x.reshape(-1)[:0] if b is None else np.ascontiguousarray(b)
    convolve_images(_as_images(x), flat, bias, _taps(within, w.shape[1], steps[-1]), *steps, _as_images(found))
    return found


def convolve(x: Any, w: Any, b: Any, geo: Any, groups: int) -> Any:
    if not _is_served(geo, groups, x, w, b):
        return None
    return _convolved(x, w, b, geo.out, geo.padding, geo.dilation)


def spread(y: Any, w: Any, b: Any, geo: Any, groups: int) -> Any:
    """A convolution with windows the other way round, if it has no negative border."""
    border = tuple(d * (k - 1) - p for d, k, p in zip(geo.dilation, geo.kernel, geo.padding, strict=True))
    if min(border) < 0 or not _is_served(geo, groups, y, w, b):
        return None
    turned = np.flip(w.swapaxes(0, 1), tuple(range(2, w.ndim)))
    return _convolved(y, turned, b, geo.size, border, geo.dilation)


def correlate(x: Any, y: Any, geo: Any, groups: int) -> Any:
    if not _is_served(geo, groups, x, y):
        return None
    within, *steps = in_the_plane(geo.size, geo.kernel, geo.padding, geo.dilation)
    out = np.empty((y.shape[1], x.shape[1] * within.size), x.dtype)
    correlate_images(_as_images(x), _as_images(y), _taps(within, x.shape[1], steps[-1]), *steps, out)
    return out.reshape((y.shape[1], x.shape[1], *geo.kernel))
