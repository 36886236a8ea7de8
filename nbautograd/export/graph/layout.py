"""Layered layout of an autograd graph in near-linear time: twin of labextension/src/graph/layout.ts.

There, NOTE [Layout] tells how it works.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nbautograd.export.graph.columns import place_x, place_y
from nbautograd.export.graph.layers import Chains, Items, Link, add_dummies, connect, dummies, read_links, with_chips
from nbautograd.export.graph.shapes import Box, Edge, Placed
from nbautograd.export.graph.untangle import Rows, split, untangle

PART_GAP = 56
PORT_GAP = 20
ASPECT = 1.8
"""Width to height of the picture that parts are packed into."""

Point = tuple[float, float]


@dataclass(slots=True)
class Route:
    """How an edge runs: from the source's foot (a chip's, where there is one) to the consumer's port."""

    source: str
    target: str
    order: int
    points: list[Point]


@dataclass(slots=True)
class Layout:
    """Where everything is: boxes by their centres, chips among them."""

    boxes: list[Placed]
    routes: list[Route]
    width: float
    height: float


def layout(boxes: list[Box], edges: list[Edge]) -> Layout:
    """Coordinates for boxes in tape order: every edge leads from an earlier box to a later one."""
    items = with_chips(boxes, read_links(boxes, edges))
    chains = add_dummies(items)
    segments = connect(items, chains)
    parts = split(items, segments)
    for rows in parts:
        untangle(rows, segments)
        place_x(rows, items, segments)
        place_y(rows, items, segments)
    width, height = _pack(parts, items.boxes)
    visible = items.boxes[: chains.first_dummy]
    routes = [_route(link, port, items, chains) for link, port in zip(items.links, _ports(items), strict=True)]
    for box in visible:
        box.x, box.y = _round(box.x), _round(box.y)
    return Layout(visible, routes, _round(width), _round(height))


def _pack(parts: list[Rows], boxes: list[Placed]) -> tuple[float, float]:
    """Packs the parts in rows, in tape order, into a picture of about `ASPECT`; returns its size."""
    sizes = [_bounds(rows, boxes) for rows in parts]
    area = 0.0
    for left, right, bottom in sizes:
        area += (right - left + PART_GAP) * (bottom + PART_GAP)
    limit = max([math.sqrt(area * ASPECT), *(right - left for left, right, _ in sizes)])
    x = y = width = height = 0.0
    for rows, (left, right, bottom) in zip(parts, sizes, strict=True):
        if x > 0 and x + right - left > limit:
            x, y = 0.0, height + PART_GAP
        for row in rows:
            for item in row:
                boxes[item].x += x - left
                boxes[item].y += y
        width = max(width, x + right - left)
        height = max(height, y + bottom)
        x += right - left + PART_GAP
    return width, height


def _bounds(rows: Rows, boxes: list[Placed]) -> tuple[float, float, float]:
    left, right, bottom = math.inf, -math.inf, 0.0
    for row in rows:
        for item in row:
            box = boxes[item]
            left = min(left, box.x - box.width / 2)
            right = max(right, box.x + box.width / 2)
            bottom = max(bottom, box.y + box.height / 2)
    return left, right, bottom


def _route(link: Link, port: float, items: Items, chains: Chains) -> Route:
    """From the source's foot along its dummies to the consumer's port; beside higher boxes it runs straight."""
    source, target = items.boxes[link.source], items.boxes[link.target]
    foot, top = source.y + source.height / 2, target.y - target.height / 2
    points = [(source.x, foot)]

    def lead(x: float, y: float) -> None:
        if len(points) > 1 and points[-1][0] == x == points[-2][0]:
            points.pop()
        points.append((x, y))

    if items.slack[link.source]:
        lead(source.x, foot + items.slack[link.source])
    for item in dummies(link, items, chains):
        dummy = items.boxes[item]
        lead(dummy.x, dummy.y - dummy.height / 2)
        lead(dummy.x, dummy.y + dummy.height / 2)
    if items.slack[link.target]:
        lead(port, top - items.slack[link.target])
    lead(port, top)
    return Route(source.key, target.key, link.order, [(_round(x), _round(y)) for x, y in points])


def _ports(items: Items) -> list[float]:
    """Where on its consumer's top each link ends: operands from left to right around the centre."""
    ports: list[float] = []
    links = items.links
    while len(ports) < len(links):
        start = end = len(ports)
        while end < len(links) and links[end].target == links[start].target:
            end += 1
        box, count = items.boxes[links[start].target], end - start
        gap = min(PORT_GAP, (box.width - PORT_GAP) / count)
        ports += [box.x + (i - (count - 1) / 2) * gap for i in range(count)]
    return ports


def _round(x: float) -> float:
    """To 0.01, as JavaScript's arithmetic does it."""
    return math.floor(x * 100 + 0.5) / 100
