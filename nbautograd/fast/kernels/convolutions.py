"""Kernels of convolutions: products with rows of the image, without columns.

See NOTE [Planes] for how an image with its border lies in memory, and NOTE [Tiles]. A line is an image of one row, and
an image a volume of one sheet.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .compiled import ANY_ORDER, dot, kernel
from .moves import peek, poke, put_every_second, put_run, put_turned
from .numbers import STRICT
from .plans import plan
from .products import PAD, ROWS, add_product, rounded, rows_of

VOLUMES, FLAT, PLACES, TABLE = "F[:, :, :, :, ::1]", "F[::1]", "int64[::1]", "int64[:, ::1]"
THREE, FIVE = "UniTuple(int64, 3)", "UniTuple(int64, 5)"
WIDE = 4
"""From here on strides leave runs too short."""
FEW = 3
"""Up to so many channels are cheaper one by one: a tile has `ROWS` of them."""


@register_jitable(**STRICT)
def spaced(n: Any) -> Any:
    """`n`, or a little more: rows that lie powers of two apart compete for the same lines of the cache."""
    return n + PAD if n % 128 == 0 else n


@register_jitable(**STRICT)
def put_inside(
    x: Any, size: Any, start: Any, copy: Any, apart: Any, to: Any, sheet: Any, wide: Any, image: Any
) -> None:
    """The elements of one plane of the volume that begins at `start`, between its borders."""
    step, count = apart[2], copy[6]
    for z in range(copy[4]):
        for i in range(copy[5]):
            row = (copy[1] + z * apart[0]) * size[1] + copy[2] + i * apart[1]
            first, at = start + row * size[2] + copy[3], to + copy[0] + z * sheet + i * wide
            if step == 1:
                put_run(x, first, image, at, count)
            elif step == 2:
                put_every_second(x, first, image, at, count)
            else:
                for j in range(count):
                    poke(image, at + j, peek(x, first + step * j))


@register_jitable(**STRICT)
def put_all_inside(
    x: Any, n: Any, count: Any, first: Any, channels: Any, copies: Any, apart: Any, lie: Any, image: Any
) -> None:
    """`count` samples from `n` on, `channels` channels from `first` on."""
    _, plane, space, sheet, wide = lie
    size = x.shape[2:]
    volume = size[0] * size[1] * size[2]
    for c in range(channels):
        for p in range(len(copies)):
            for s in range(count):
                start, to = ((n + s) * x.shape[1] + first + c) * volume, (c * len(copies) + p) * plane + s * space
                put_inside(x, size, start, copies[p], apart, to, sheet, wide, image)


@register_jitable(**STRICT)
def run_of(count: Any, place: Any, lie: Any) -> Any:
    """How many elements apart the first and the last output of `count` samples lie, both included."""
    return (count - 1) * lie[2] + (place[5] - 1) * lie[3] + (place[6] - 1) * lie[4] + place[7]


@register_jitable(**STRICT)
def take_out(sums: Any, start: Any, sheet: Any, wide: Any, place: Any, step: Any, out: Any, to: Any, size: Any) -> None:
    """What was summed for the outputs of one part, to where they belong in the volume that begins at `to`."""
    apart, count = step[2], place[7]
    for z in range(place[5]):
        for i in range(place[6]):
            row = (place[2] + z * step[0]) * size[1] + place[3] + i * step[1]
            first, at = to + row * size[2] + place[4], start + z * sheet + i * wide
            if apart == 1:
                put_run(sums, at, out, first, count)
            else:
                for j in range(count):
                    poke(out, first + j * apart, peek(sums, at + j))


@register_jitable(**STRICT)
def fill(out: Any, start: Any, count: Any, value: Any) -> None:
    for j in range(count):
        poke(out, start + j, value)


@register_jitable(**ANY_ORDER)
def add_runs(
    factors: Any, start: Any, image: Any, taps: Any, first: Any, stop: Any, out: Any, to: Any, run: Any
) -> None:
    """Add the runs of the image that begin at `taps`, each by its factor: four at once, so that sums stay at hand."""
    fours = first + (stop - first) // 4 * 4
    for k in range(first, fours, 4):
        v, w, x, y = peek(factors, start), peek(factors, start + 1), peek(factors, start + 2), peek(factors, start + 3)
        a, b, c, d = peek(taps, k), peek(taps, k + 1), peek(taps, k + 2), peek(taps, k + 3)
        start += 4
        for j in range(run):
            two = peek(image, a + j) * v + peek(image, b + j) * w
            poke(out, to + j, peek(out, to + j) + (two + (peek(image, c + j) * x + peek(image, d + j) * y)))
    for k in range(fours, stop):
        v, a = peek(factors, start), peek(taps, k)
        start += 1
        for j in range(run):
            poke(out, to + j, peek(out, to + j) + peek(image, a + j) * v)


@kernel(VOLUMES, FLAT, FLAT, PLACES, TABLE, TABLE, THREE, THREE, FIVE, "int64", VOLUMES)
def convolve_volumes(
    x: Any, w: Any, b: Any, taps: Any, copies: Any, places: Any, apart: Any, step: Any, lie: Any, groups: Any, out: Any
) -> None:
    """`w` has for each part of the outputs the weights of its taps; `b` is empty where there is no bias."""
    together, _, space, sheet, wide = lie
    inputs, outputs, line = x.shape[1] // groups, out.shape[1] // groups, 0
    for f in range(len(places)):
        line = max(line, rounded(run_of(together, places[f], lie), PAD))
    image, sums = (
        np.zeros(inputs * len(copies) * lie[1] + PAD, x.dtype),
        np.empty(rounded(outputs, ROWS) * line, x.dtype),
    )
    to, size = rows_of(outputs, line, False), out.shape[2:]
    volume = size[0] * size[1] * size[2]
    for n in range(0, len(x), together):
        count = min(together, len(x) - n)
        for g in range(groups):
            put_all_inside(x, n, count, g * inputs, inputs, copies, apart, lie, image)
            for f in range(len(places)):
                first, stop = places[f, 0] * inputs, places[f, 1] * inputs
                run, height = run_of(count, places[f], lie), stop - first
                start = first * groups * outputs + g * outputs * height
                for c in range(outputs):
                    fill(sums, c * line, run, b[g * outputs + c] if b.size else x.dtype.type(0))
                if outputs > FEW:
                    add_product(w, rows_of(outputs, height, True) + start, image, taps[first:stop], run, sums, to)
                else:
                    for c in range(outputs):
                        add_runs(w, start + c * height, image, taps, first, stop, sums, c * line, run)
                for c in range(outputs):
                    for s in range(count):
                        there = ((n + s) * out.shape[1] + g * outputs + c) * volume
                        take_out(sums, c * line + s * space, sheet, wide, places[f], step, out, there, size)


@kernel(VOLUMES, VOLUMES, PLACES, TABLE, THREE, FIVE, "int64", "F[:, ::1]")
def correlate_volumes(x: Any, y: Any, taps: Any, copies: Any, apart: Any, lie: Any, groups: Any, out: Any) -> None:
    """`y` is turned, so that the sums of all its channels at a place lie in one vector."""
    together, _, space, sheet, wide = lie
    inputs, outputs, (deep, high, across) = x.shape[1] // groups, y.shape[1] // groups, y.shape[2:]
    most = (together - 1) * space + (deep - 1) * sheet + (high - 1) * wide + across
    line = spaced(rounded(outputs, PAD))
    rows = np.empty(rounded(taps.size, ROWS), np.int64)
    rows[:] = taps[-1]
    rows[: taps.size] = taps
    image, sums = np.zeros(inputs * len(copies) * lie[1] + PAD, x.dtype), np.empty(rows.size * line, x.dtype)
    beside, volume = np.zeros((most, line), x.dtype), deep * high * across
    at, places = np.arange(most) * line, np.arange(rows.size) * line
    for g in range(groups):
        sums[:] = 0
        for n in range(0, len(x), together):
            count = min(together, len(x) - n)
            put_all_inside(x, n, count, g * inputs, inputs, copies, apart, lie, image)
            for s in range(count):
                for z in range(deep):
                    for i in range(high):
                        to = (s * space + z * sheet + i * wide) * line
                        start = ((n + s) * y.shape[1] + g * outputs) * volume + (z * high + i) * across
                        put_turned(y, start, volume, outputs, across, beside, to, line)
            run = most - (together - count) * space
            add_product(image, rows, beside, at[:run], line, sums, places)
        put_turned(sums, 0, line, taps.size, outputs, out, g * outputs * taps.size, taps.size)


@kernel(VOLUMES, VOLUMES, PLACES, TABLE, THREE, FIVE, "int64", "F[:, ::1]")
def correlate_few(x: Any, y: Any, taps: Any, copies: Any, apart: Any, lie: Any, groups: Any, out: Any) -> None:
    """The same for few channels in a group of `y`."""
    together, _, space, sheet, wide = lie
    inputs, outputs, (deep, high, across) = x.shape[1] // groups, y.shape[1] // groups, y.shape[2:]
    most = (together - 1) * space + (deep - 1) * sheet + (high - 1) * wide + across
    image, beside = np.zeros(inputs * len(copies) * lie[1] + PAD, x.dtype), np.zeros(most, x.dtype)
    out[:] = 0
    for n in range(0, len(x), together):
        count = min(together, len(x) - n)
        run = most - (together - count) * space
        for g in range(groups):
            put_all_inside(x, n, count, g * inputs, inputs, copies, apart, lie, image)
            for c in range(g * outputs, (g + 1) * outputs):
                for s in range(count):
                    for z in range(deep):
                        for i in range(high):
                            start = s * space + z * sheet + i * wide
                            row = y[n + s, c, z, i]
                            for j in range(across):
                                beside[start + j] = row[j]
                for k in range(taps.size):
                    out[c, k] += dot(image[taps[k] : taps[k] + run], beside[:run])


def _as_volumes(x: Any) -> Any:
    return np.ascontiguousarray(x).reshape((*x.shape[:2], *(1,) * (5 - x.ndim), *x.shape[2:]))


def _is_served(geo: Any, *arrays: Any) -> bool:
    """Kernels of one element are plain products: NumPy's library is as fast."""
    first = arrays[0].dtype
    if geo.area == 1 or max(geo.stride) > WIDE or first.char not in "fd":
        return False
    return all(a.__class__ is np.ndarray and a.size and a.dtype == first for a in arrays if a is not None)


def _convolved(x: Any, w: Any, b: Any, where: Any, size: tuple[int, ...], groups: int) -> Any:
    """`w` is (groups, outputs, inputs, kernel)."""
    out = np.empty((x.shape[0], groups * w.shape[1], *size), x.dtype)
    whole = len(where.places) == 1 and where.order.size == w.shape[-1]
    flat = np.ascontiguousarray(w).reshape(-1) if whole else _by_part(w, where)
    bias = flat[:0] if b is None else np.ascontiguousarray(b)
    known = (where.taps, where.copies, where.places, where.apart, where.step, where.lie, groups)
    convolve_volumes(_as_volumes(x), flat, bias, *known, _as_volumes(out))
    return out


def _by_part(w: Any, where: Any) -> Any:
    return np.concatenate([w[..., where.order[first:stop]].reshape(-1) for first, stop in where.places[:, :2]])


def convolve(x: Any, w: Any, b: Any, geo: Any, groups: int) -> Any:
    if not _is_served(geo, x, w, b):
        return None
    where = plan(geo, False, x.shape[0], w.shape[1])
    return _convolved(x, w.reshape((groups, -1, w.shape[1], geo.area)), b, where, geo.out, groups)


def spread(y: Any, w: Any, b: Any, geo: Any, groups: int) -> Any:
    if not _is_served(geo, y, w, b):
        return None
    where = plan(geo, True, y.shape[0], w.shape[0] // groups)
    turned = w.reshape((groups, w.shape[0] // groups, w.shape[1], geo.area)).swapaxes(1, 2)
    return _if_finite(_convolved(y, turned, b, where, geo.size, groups))


def correlate(x: Any, y: Any, geo: Any, groups: int) -> Any:
    if not _is_served(geo, x, y):
        return None
    inputs, outputs = x.shape[1] // groups, y.shape[1] // groups
    where = plan(geo, False, x.shape[0], inputs)
    out = np.empty((y.shape[1], inputs * geo.area), x.dtype)
    correlated = correlate_few if outputs <= FEW else correlate_volumes
    known = (where.taps, where.copies, where.apart, where.lie, groups)
    correlated(_as_volumes(x), _as_volumes(y), *known, out)
    return _if_finite(out.reshape((y.shape[1], inputs, *geo.kernel)))


def _if_finite(found: Any) -> Any:
    """`found`, or None: zeros between samples and at borders are factors too, and times NaN or infinity no zeros."""
    flat = found.reshape(-1)
    return found if math.isfinite(np.dot(flat, flat)) else None
