"""x and y of every item, once the order is known. Twin of columns.ts."""

from __future__ import annotations

from nbautograd.export.graph.layers import Items, Segments
from nbautograd.export.graph.shapes import Placed
from nbautograd.export.graph.untangle import Row, Rows

LAYER_GAP = 38
BOX_GAP = 22
X_ROUNDS = 6
SPINE = 64
"""How much stronger the deepest operand pulls than the others."""


def place_x(rows: Rows, items: Items, segments: Segments) -> None:
    """x of every item: rows take turns to follow the row above and the row below."""
    for row in rows:
        _fit(row, items, [0.0] * len(row), [1] * len(row))
    for turn in range(X_ROUNDS):
        for row in reversed(rows[:-1]) if turn % 2 else rows[1:]:
            _follow(row, items, segments, below=turn % 2 == 1)


def _follow(row: Row, items: Items, segments: Segments, below: bool) -> None:
    """Moves a row towards the mean x of its neighbours; what is not on the spine pulls and resists little."""
    start = segments.out_start if below else segments.in_start
    other = segments.lower if below else segments.upper
    wanted: list[float] = []
    weights: list[int] = []
    for item in row:
        total, weight = 0.0, 0
        for i in range(start[item], start[item + 1]):
            slot = segments.out_slot[i] if below else i
            pull = SPINE if segments.main[slot] else 1
            total += pull * items.boxes[other[slot]].x
            weight += pull
        wanted.append(total / weight if weight else items.boxes[item].x)
        weights.append(SPINE if weight and _is_heavy(item, items, segments) else 1)
    _fit(row, items, wanted, weights)


def _is_heavy(item: int, items: Items, segments: Segments) -> bool:
    """Whether an item stands on the spine: a dummy, a result, or some consumer's deepest operand."""
    slots = segments.out_slot[segments.out_start[item] : segments.out_start[item + 1]]
    return items.boxes[item].height == 0 or not slots or any(segments.main[slot] for slot in slots)


def _fit(row: Row, items: Items, wanted: list[float], weights: list[int]) -> None:
    """Sets x as near to `wanted` as the order and the gaps allow: pool adjacent violators."""
    boxes = items.boxes
    shift: list[float] = []
    blocks: list[tuple[float, int, int]] = []
    for i, item in enumerate(row):
        shift.append(shift[-1] + _separation(boxes[row[i - 1]], boxes[item]) if i else 0.0)
        mean, weight, size = wanted[i] - shift[i], weights[i], 1
        while blocks and blocks[-1][0] > mean:
            other_mean, other_weight, other_size = blocks.pop()
            mean = (other_mean * other_weight + mean * weight) / (other_weight + weight)
            weight += other_weight
            size += other_size
        blocks.append((mean, weight, size))
    means = [mean for mean, _, size in blocks for _ in range(size)]
    for item, mean, offset in zip(row, means, shift, strict=True):
        boxes[item].x = mean + offset


def _separation(a: Placed, b: Placed) -> float:
    return (a.width + b.width) / 2 + (BOX_GAP if a.height and b.height else BOX_GAP / 2)


def place_y(rows: Rows, items: Items, segments: Segments) -> None:
    """y of every item: rows as high as their highest box.

    Leaves stand on the row's foot, next to their consumers; dummies take the row's height, to lead edges past boxes.
    """
    y = 0.0
    for row in rows:
        height = max((items.boxes[item].height for item in row), default=0)
        for item in row:
            box = items.boxes[item]
            box.height = box.height or height
            room = (height - box.height) / 2
            is_leaf = segments.in_start[item] == segments.in_start[item + 1]
            box.y = y + height / 2 + (room if is_leaf else 0)
            items.slack[item] = 0 if is_leaf else room
        y += height + LAYER_GAP
