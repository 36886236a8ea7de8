"""Linear maps along single dimensions: what resizing, averaging into bins and mirrored borders have in common.

A map says, for each new element along a dimension, of which old ones it is made and in what shares: its taps. Forward
gathers them; the gradient multiplies by the transposed matrix, which is small, being of one dimension only.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.op import Op, xp
from nbautograd.ops.samples import through

FEW = 4
"""With more taps than these a product of matrices is faster than gathering."""

MANY = 1 << 15
"""From so many elements on neighbours are copied as one part, where only the border has others."""

Map = tuple[Any, ...]
"""The name of a rule of `RULES`, the old size, and the rule's own figures."""


def nearest(size: int, count: int, step: float) -> Any:
    """The element that a new one's left edge falls on; in single precision, whose rounding torch's choice shows."""
    return np.minimum(np.floor(np.arange(count, dtype=np.float32) * np.float32(step)).astype(int), size - 1), None


def nearest_exact(size: int, count: int, step: float) -> Any:
    """The element that a new one's middle falls on."""
    middle = (np.arange(count, dtype=np.float32) + np.float32(0.5)) * np.float32(step)
    return np.minimum(np.floor(middle).astype(int), size - 1), None


def _places(count: int, step: float, align_corners: bool) -> Any:
    """Where new elements lie among the old ones."""
    return np.arange(count) * step if align_corners else (np.arange(count) + 0.5) * step - 0.5


def linear(size: int, count: int, step: float, align_corners: bool) -> Any:
    """The two neighbours, each by its nearness."""
    place = np.maximum(_places(count, step, align_corners), 0)
    left = np.minimum(place.astype(int), size - 1)
    share = np.clip(place - left, 0, 1)
    return np.stack([left, np.minimum(left + 1, size - 1)]), np.stack([1 - share, share])


def cubic(size: int, count: int, step: float, align_corners: bool) -> Any:
    """Four neighbours, by Keys' cubic convolution with a = −0.75."""
    place = _places(count, step, align_corners)
    left = np.floor(place).astype(int)
    return np.clip(left + np.arange(-1, 3)[:, None], 0, size - 1), np.stack(cubic_shares(place - left))


def cubic_shares(t: Any, a: float = -0.75) -> Any:
    """The shares of four neighbours, when the place lies the part `t` of the way from the second to the third.

    Source: Keys 1981, *Cubic convolution interpolation for digital image processing*
    """
    inner = [((a + 2) * d - (a + 3)) * d * d + 1 for d in (t, 1 - t)]
    outer = [((a * d - 5 * a) * d + 8 * a) * d - 4 * a for d in (t + 1, 2 - t)]
    return [outer[0], *inner, outer[1]]


def smooth(size: int, count: int, step: float, cubic: bool) -> Any:
    """All neighbours that a new element covers where it is the wider one: a kernel as wide as that, without aliases.

    The cubic one is Keys' with a = −0.5, as Pillow has it.
    """
    wide = max(step, 1.0)
    reach = (2.0 if cubic else 1.0) * wide
    middle = step * (np.arange(count) + 0.5)
    first = np.maximum((middle - reach + 0.5).astype(int), 0)
    last = np.minimum((middle + reach + 0.5).astype(int), size)
    index = first + np.arange((last - first).max(initial=1))[:, None]
    away = np.abs(index - middle + 0.5) / wide
    share = np.where(index < last, _keys(away) if cubic else np.maximum(1 - away, 0), 0)
    total = share.sum(0)
    return np.minimum(index, size - 1), share / np.where(total == 0, 1, total)


def _keys(d: Any, a: float = -0.5) -> Any:
    """Keys' kernel at the distance `d`."""
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d < 1, near, np.where(d < 2, far, 0))


def bins(size: int, count: int) -> tuple[Any, Any]:
    """Where `count` bins of about the same width begin and end; neighbours may share an element."""
    index = np.arange(count)
    return index * size // count, -((index + 1) * size // -count)


def adaptive(size: int, count: int) -> Any:
    """The mean of each bin."""
    start, end = bins(size, count)
    tap = np.arange((end - start).max(initial=1))[:, None]
    return np.minimum(start + tap, size - 1), (start + tap < end) / np.maximum(end - start, 1)


def replicate(size: int, before: int, after: int) -> Any:
    """The outermost element, again and again."""
    return np.clip(np.arange(-before, size + after), 0, size - 1), None


def circular(size: int, before: int, after: int) -> Any:
    """What lies at the other end of what negative widths leave."""
    first, last = max(-before, 0), size - max(-after, 0)
    return first + np.arange(-max(before, 0), last - first + max(after, 0)) % (last - first), None


def reflect(size: int, before: int, after: int) -> Any:
    """What a mirror on the outermost element shows."""
    return (size - 1) - np.abs((size - 1) - np.abs(np.arange(-before, size + after))), None


RULES = {
    rule.__name__: rule
    for rule in (nearest, nearest_exact, linear, cubic, smooth, adaptive, replicate, circular, reflect)
}


@functools.lru_cache(256)
def taps(rule: Map) -> tuple[Any, Any]:
    """For each new element the old ones (taps, count) and their shares, None for one tap as it is."""
    index, share = RULES[rule[0]](*rule[1:])
    return (index, share) if share is not None else (index[None], None)


@functools.lru_cache(256)
def matrix(rule: Map, dtype: Any) -> Any:
    """The map as a matrix (count, size)."""
    index, share = taps(rule)
    out = np.zeros((index.shape[1], rule[1]), dtype)
    np.add.at(out, (np.arange(index.shape[1]), index), 1 if share is None else share)
    return out


def multiplied(x, axis, table):
    """`x` with every line along `axis` multiplied by the matrix `table`."""
    table = xp.asarray(table)
    lines = x.reshape((-1, x.shape[axis], _after(x, axis)))
    shape = (*x.shape[:axis], table.shape[0], *x.shape[axis + 1 :])
    if lines.shape[2] == 1:
        return xp.matmul(lines[:, :, 0], table.T).reshape(shape)
    return xp.matmul(table, lines).reshape(shape)


def _after(x, axis):
    count = 1
    for n in x.shape[axis + 1 :]:
        count *= n
    return count


def gathered(x, axis, rule):
    """`x` with its elements along `axis` put together from their taps."""
    index, share = taps(rule)
    if share is None:
        first, last = longest_run(rule) if x.__class__ is ndarray and x.size >= MANY else (0, 0)
        if 2 * (last - first) > len(index[0]):
            return bordered(x, axis, index[0], first, last)
        return xp.take(x, xp.asarray(index[0]), axis=axis)
    if len(index) > FEW:
        return multiplied(x, axis, matrix(rule, x.dtype))
    column = (-1,) + (1,) * (x.ndim - axis - 1)
    out = 0
    for places, shares in zip(index, share):
        out = out + xp.take(x, xp.asarray(places), axis=axis) * xp.asarray(shares, dtype=x.dtype).reshape(column)
    return out


@functools.lru_cache(256)
def longest_run(rule: Map) -> tuple[int, int]:
    """From where to where a map of one tap takes neighbours one after the other."""
    index = taps(rule)[0][0]
    ends = [0, *(np.flatnonzero(np.diff(index) != 1) + 1).tolist(), len(index)]
    return max(itertools.pairwise(ends), key=lambda run: run[1] - run[0])


def bordered(x, axis, index, first, last):
    """The elements at `index` along `axis`, of which those from `first` to `last` are copied as one part."""
    out = np.empty((*x.shape[:axis], len(index), *x.shape[axis + 1 :]), x.dtype)
    before = (slice(None),) * axis
    out[(*before, slice(first, last))] = x[(*before, slice(index[first], index[first] + last - first))]
    for border in (slice(first), slice(last, None)):
        out[(*before, border)] = x.take(index[border], axis=axis)
    return out


class AlongAxes(Op):
    """Maps along the last dimensions, one for each (None leaves it as it is); `back` multiplies by their transposes."""

    title = "resample"
    tex = {"x": "M^\\top"}
    samples = through(
        "",
        lambda make: (
            (make(*shape), {"maps": maps, "back": back})
            for back in (False, True)
            for shape, maps in (
                ((4,), (("reflect", 4, 0, 0),)),
                ((2, 3), (("circular", 3, -1, 1),)),
                ((2, 3), (("adaptive", 2, 2), ("linear", 3, 3, 0.5, False))),
                ((1, 2, 4), (None, ("cubic", 4, 4, 0.7, True))),
                ((2, 0, 3), (None, ("nearest", 3, 3, 0.4))),
            )
        ),
    )

    def forward(x, *, maps, back=False):
        for axis, rule in enumerate(maps, x.ndim - len(maps)):
            if rule is not None:
                x = multiplied(x, axis, matrix(rule, x.dtype).T) if back else gathered(x, axis, rule)
        return xp.ascontiguousarray(x)

    def dx(g, maps, back):
        return xp.along_axes(g, maps=maps, back=not back)
