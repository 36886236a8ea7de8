"""The order of the items within their layers, with few crossings. Twin of untangle.ts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from nbautograd.export.graph.layers import Items, Segments

SWEEPS = 12
PATIENCE = 4
"""Rounds without fewer crossings after which the sweeps end."""
SWAP_ROUNDS = 3
SWAP_PAIRS = 256
"""Swaps are not tried where they would compare more pairs of edges than this."""

Row = list[int]
Rows = list[Row]


def split(items: Items, segments: Segments) -> list[Rows]:
    """The connected parts, each as rows of items: depth first from the results, so operands stand left to right."""
    part = _parts(items, segments)
    top: dict[int, int] = {}
    for i, layer in enumerate(items.layer):
        top[part[i]] = min(top.get(part[i], layer), layer)
    parts: list[Rows] = [[] for _ in top]
    for item in _depth_first(segments):
        rows = parts[part[item]]
        at = items.layer[item] - top[part[item]]
        while len(rows) <= at:
            rows.append([])
        rows[at].append(item)
    return parts


def _parts(items: Items, segments: Segments) -> list[int]:
    """Which connected part each item belongs to, numbered in tape order."""
    root = list(range(len(items.boxes)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    pairs = [(link.source, link.target) for link in items.links]
    for a, b in [*pairs, *zip(segments.upper, segments.lower, strict=True)]:
        i, j = find(a), find(b)
        root[max(i, j)] = min(i, j)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(find(i), len(numbers)) for i in range(len(root))]


def _depth_first(segments: Segments) -> list[int]:
    """All items, each after those above it that lead to it."""
    upper, start = segments.upper, segments.in_start
    count = len(start) - 1
    order: list[int] = []
    following = start[:count]
    seen = [False] * count
    for sink in range(count):
        if segments.out_start[sink] != segments.out_start[sink + 1]:
            continue
        stack = [sink]
        while stack:
            item = stack[-1]
            if following[item] == start[item + 1]:
                order.append(stack.pop())
                continue
            above = upper[following[item]]
            following[item] += 1
            if not seen[above]:
                seen[above] = True
                stack.append(above)
    return order


def untangle(rows: Rows, segments: Segments) -> None:
    """Leaves the rows in the best order that was met."""
    for row in rows:
        _number(row, segments)
    fewest = crossings(rows, segments)
    best = [row[:] for row in rows]
    stale = 0
    for sweep in range(SWEEPS):
        if fewest == 0 or stale == PATIENCE:
            break
        _sweep(rows, segments, upwards=sweep % 2 == 1)
        count = crossings(rows, segments)
        stale += 1
        if count < fewest:
            fewest, best, stale = count, [row[:] for row in rows], 0
    rows[:] = best
    for row in rows:
        _number(row, segments)
    for _ in range(SWAP_ROUNDS if fewest else 0):
        if not _swap_neighbours(rows, segments):
            break


def _sweep(rows: Rows, segments: Segments, upwards: bool) -> None:
    if upwards:
        for row in reversed(rows[:-1]):
            _sort_row(row, segments, _mean_below)
    else:
        for row in rows[1:]:
            _sort_row(row, segments, _mean_above)


def _number(row: Row, segments: Segments) -> None:
    """Writes down where the items of a row, and the ports at their tops, stand."""
    start, place, port = segments.in_start, segments.place, segments.port
    ports = 0
    for i, item in enumerate(row):
        place[item] = i
        for slot in range(start[item], start[item + 1]):
            port[slot] = ports
            ports += 1


def _mean_above(item: int, segments: Segments) -> float | None:
    start, end = segments.in_start[item], segments.in_start[item + 1]
    total = 0
    for slot in range(start, end):
        total += segments.place[segments.upper[slot]]
    return total / (end - start) if end > start else None


def _mean_below(item: int, segments: Segments) -> float | None:
    start, end = segments.out_start[item], segments.out_start[item + 1]
    total = 0
    for i in range(start, end):
        total += segments.port[segments.out_slot[i]]
    return total / (end - start) if end > start else None


def _sort_row(row: Row, segments: Segments, mean: Callable[[int, Segments], float | None]) -> None:
    """Sorts by the mean place of the neighbours; items without neighbours stay where they are."""
    means = [(mean(item, segments), item) for item in row]
    movable = [i for i, (m, _) in enumerate(means) if m is not None]
    in_order = sorted((means[i] for i in movable), key=lambda pair: pair[0] or 0.0)
    for at, (_, item) in zip(movable, in_order, strict=True):
        row[at] = item
    _number(row, segments)


def crossings(rows: Rows, segments: Segments) -> int:
    """Pairs of edges that cross: inversions between ports and the places above them, by a Fenwick tree."""
    upper, start, place = segments.upper, segments.in_start, segments.place
    count = 0
    for above, row in pairwise(rows):
        size = len(above)
        tree = [0] * (size + 1)
        total = 0
        for item in row:
            for slot in range(start[item], start[item + 1]):
                i = at = place[upper[slot]] + 1
                count += total
                while i > 0:
                    count -= tree[i]
                    i -= i & -i
                while at <= size:
                    tree[at] += 1
                    at += at & -at
                total += 1
    return count


def _swap_neighbours(rows: Rows, segments: Segments) -> bool:
    """Swaps neighbours in a row where that removes crossings; whether it did anywhere."""
    improved = False
    for row in rows:
        for i in range(1, len(row)):
            if _gain(row[i - 1], row[i], segments) > 0:
                row[i - 1], row[i] = row[i], row[i - 1]
                improved = True
        _number(row, segments)
    return improved


def _gain(a: int, b: int, segments: Segments) -> int:
    """How many crossings go when neighbours `a` and `b` change places."""

    def above(item: int) -> list[int]:
        slots = range(segments.in_start[item], segments.in_start[item + 1])
        return [segments.place[segments.upper[slot]] for slot in slots]

    def below(item: int) -> list[int]:
        slots = segments.out_slot[segments.out_start[item] : segments.out_start[item + 1]]
        return [segments.port[slot] for slot in slots]

    return _inversions(above(a), above(b)) + _inversions(below(a), below(b))


def _inversions(a: list[int], b: list[int]) -> int:
    if len(a) * len(b) > SWAP_PAIRS:
        return 0
    return sum((i > j) - (i < j) for i in a for j in b)
