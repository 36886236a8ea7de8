"""Where the elements that a convolution meets lie in memory.

NOTE [Planes]
A convolution reads its input at s·t + c: t counts windows, c is where one tap of the kernel stands. All c that leave
the same rest when divided by s read the same elements, every s-th, so these are laid out side by side, as a plane of
their own, with a border of zeros: there a tap reads a run of neighbours, whatever the stride. Between two rows one
border is enough, what lies right of one lies left of the next; so it is between the sheets of a volume, and between
samples, several of which lie behind one another where they are small.

A transposed convolution is a few of these, with stride 1: outputs that leave the same rest when divided by s meet the
same taps.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import ceil
from typing import Any, NamedTuple

import numpy as np

LONG = 512
"""Small samples are put together until a run has about so many elements."""
ROOM = 1 << 17
"""So many elements they may have at most: they have to stay in the cache."""


class Part(NamedTuple):
    """Outputs that meet the same taps, along one dimension."""

    first: int
    count: int
    taps: list[int]
    starts: list[int]
    """What the first of them reads with each tap."""


class Line(NamedTuple):
    """One dimension of the planes; see NOTE [Planes]."""

    length: int
    reach: int
    low: int
    copies: dict[int, tuple[int, int, int]]
    """For each rest where its elements are put, which is the first of them, and how many there are."""


class Plan(NamedTuple):
    """What the kernels are told: numbers by (depth, height, width)."""

    copies: Any
    """For each plane where its elements are put (1), which is the first (3), and how many there are (3)."""
    apart: tuple[int, ...]
    """How far apart elements of a plane are in the input."""
    places: Any
    """For each part of the outputs its taps (2), which is its first element (3), and how many there are (3)."""
    step: tuple[int, ...]
    """How far apart elements of a part are in the output."""
    taps: Any
    """Where each tap of each channel reads first, part by part."""
    order: Any
    """Which element of the kernel each tap is."""
    lie: tuple[int, ...]
    """How many samples lie together, and how many elements apart planes, samples, sheets and rows are."""


def _whole(geo: Any) -> list[list[Part]]:
    """What each dimension of a convolution reads: all outputs meet all taps."""
    rows = zip(geo.kernel, geo.padding, geo.dilation, geo.out, strict=True)
    return [[Part(0, o, list(range(k)), [d * i - p for i in range(k)])] for k, p, d, o in rows]


def _parted(geo: Any) -> list[list[Part]]:
    """The same for its transpose, which has a part for each rest."""
    rows = zip(geo.size, geo.kernel, geo.stride, geo.padding, geo.dilation, strict=True)
    return [list(_parts(*row)) for row in rows]


def _parts(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Iterator[Part]:
    for rest in range(stride):
        skipped = max(0, ceil((padding - rest) / stride))
        first = skipped * stride + rest - padding
        taps = [k for k in range(kernel) if dilation * k % stride == rest]
        if first < size:
            count = ceil((size - first) / stride)
            yield Part(first, count, taps, [skipped - (dilation * k - rest) // stride for k in taps])


def _line(size: int, step: int, parts: list[Part]) -> Line:
    met = [part for part in parts if part.taps]
    low = min((c // step for part in met for c in part.starts), default=0)
    high = max((c // step + part.count for part in met for c in part.starts), default=1)
    border, reach, copies = max(0, -low), high - low, dict[int, tuple[int, int, int]]()
    for rest in sorted({c % step for part in met for c in part.starts}):
        first, end = max(0, low), min(high, ceil((size - rest) / step))
        copies[rest] = (first - low, step * first + rest, max(0, end - first))
    length = max(1, reach - border, *(at + count for at, _, count in copies.values()))
    return Line(length, reach, low, copies)


@lru_cache(256)
def plan(geo: Any, transposed: bool, samples: int, channels: int) -> Plan:
    """How a convolution, or its transpose, of so many samples, with so many channels in a group, is computed."""
    parts = _parted(geo) if transposed else _whole(geo)
    sizes, steps = (geo.out, (1,) * len(geo.out)) if transposed else (geo.size, geo.stride)
    lines = [_line(*row) for row in zip(sizes, steps, parts, strict=True)]
    before = 3 - len(sizes)
    parts, lines = [[Part(0, 1, [0], [0])]] * before + parts, [Line(1, 1, 0, {0: (0, 0, 1)})] * before + lines
    kernel, apart = (1,) * before + geo.kernel, (1,) * before + tuple(steps)
    rows = (lines[1].length * lines[2].length, lines[2].length, 1)
    space = lines[0].length * rows[0]
    rests = list(product(*(line.copies for line in lines)))
    together = max(1, min(samples, LONG // space, ROOM // (space * channels * max(1, len(rests)))))
    last = sum((line.reach - 1) * row for line, row in zip(lines, rows, strict=True))
    plane = max(together * space, (together - 1) * space + last + 1)
    plane += 16 * (plane % 128 == 0)  # planes that lie powers of two apart compete for the same lines of the cache

    number = {rest: i for i, rest in enumerate(rests)}
    copies, places, taps, order = [_copy(lines, rest, rows) for rest in rests], list[Any](), list[int](), list[int]()
    for part in product(*parts):
        start = len(taps)
        for tap in product(*(zip(p.taps, p.starts, strict=True) for p in part)):
            order.append(int(np.ravel_multi_index(tuple(k for k, _ in tap), kernel)))
            rest = tuple(c % s for (_, c), s in zip(tap, apart, strict=True))
            moves = (c // s - line.low for (_, c), s, line in zip(tap, apart, lines, strict=True))
            taps.append(number[rest] * plane + sum(m * row for m, row in zip(moves, rows, strict=True)))
        places.append((start, len(taps), *(p.first for p in part), *(p.count for p in part)))
    by_channel = np.add.outer(np.arange(channels) * (len(rests) * plane), np.array(taps, np.int64))
    return Plan(
        np.array(copies, np.int64).reshape(-1, 7),
        apart,
        np.array(places, np.int64),
        (1,) * before + (geo.stride if transposed else (1,) * len(geo.out)),
        np.concatenate([by_channel[:, first:stop].reshape(-1) for first, stop, *_ in places]),
        np.array(order, np.int64),
        (together, plane, space, *rows[:2]),
    )


def _copy(lines: list[Line], rest: tuple[int, ...], rows: tuple[int, ...]) -> tuple[int, ...]:
    to, first, count = zip(*(line.copies[r] for line, r in zip(lines, rest, strict=True)), strict=True)
    return (sum(a * row for a, row in zip(to, rows, strict=True)), *first, *count)
