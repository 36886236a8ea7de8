"""From boxes and edges to layers: longest path, reference chips, dummies. Twin of layers.ts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nbautograd.export.graph.shapes import Box, Edge, Placed

DUMMY_WIDTH = 10
CHIP_WIDTH = 64
CHIP_HEIGHT = 22
CHIP_COST = 6
"""A use of a leaf becomes a chip when layers crossed × other uses exceed this."""
DUMMIES_PER_BOX = 6
"""How many dummies there may be per box; the longest edges beyond that run straight."""


@dataclass(slots=True)
class Link:
    """An edge, by the numbers of its items."""

    source: int
    target: int
    order: int


@dataclass(slots=True)
class Items:
    """Boxes, then chips, then dummies, by number."""

    boxes: list[Placed]
    links: list[Link]
    layer: list[int]
    depth: list[int]
    """Length of the longest path from the top: 0 for leaves and chips, the source's for dummies."""
    slack: dict[int, float]
    """How much higher the row is than the box, at its top and at its foot. Set with y."""


@dataclass(slots=True)
class Chains:
    """Each box's chain of dummies: the first one's number (or -1), and how many there are."""

    first: list[int]
    length: list[int]
    first_dummy: int


@dataclass(slots=True)
class Segments:
    """Edges between neighbouring layers. A slot is a port of its lower item; slots go by lower item, then port."""

    upper: list[int]
    lower: list[int]
    in_start: list[int]
    """Item i's slots are `in_start[i]` to `in_start[i + 1]`."""
    out_start: list[int]
    out_slot: list[int]
    place: list[int]
    """The item's place in its row."""
    port: list[int]
    """The slot's place among all ports of its row."""
    main: list[bool]
    """True for the slots of a lower item's deepest operands: the computation's spine."""


def read_links(boxes: list[Box], edges: list[Edge]) -> list[Link]:
    """The edges by number, sorted by consumer and operand."""
    index = {box.key: i for i, box in enumerate(boxes)}
    links = [Link(index.get(e.source, -1), index.get(e.target, -1), e.order) for e in edges]
    for link, edge in zip(links, edges, strict=True):
        if link.source < 0 or link.source >= link.target:
            raise ValueError(f"edge {edge.source} → {edge.target} does not follow tape order")
    return sorted(links, key=lambda link: (link.target, link.order))


def _layers(boxes: list[Box], links: list[Link], uses: list[int]) -> tuple[list[int], list[int]]:
    """Longest path from the top; as layers, with what hangs on leaves alone pulled down to its first consumer."""
    depth = [0] * len(boxes)
    fed = [False] * len(boxes)
    free = [True] * len(boxes)
    for link in links:
        source, target = link.source, link.target
        depth[target] = max(depth[target], depth[source] + 1)
        shared = fed[source] and uses[source] > 1 and not boxes[source].weight_only
        if not boxes[target].weight_only and (not free[source] or shared):
            free[target] = False
        fed[target] = True
    layer = depth[:]
    lowest = [math.inf] * len(boxes)
    i = len(links) - 1
    for box in range(len(boxes) - 1, -1, -1):
        if free[box] and lowest[box] < math.inf:
            layer[box] = int(lowest[box])
        while i >= 0 and links[i].target == box:
            source = links[i].source
            lowest[source] = min(lowest[source], layer[box] - 1)
            i -= 1
    return depth, layer


def _uses(count: int, links: list[Link]) -> list[int]:
    """How many different consumers each box has."""
    uses = [0] * count
    last = [-1] * count
    for link in links:
        if last[link.source] != link.target:
            uses[link.source] += 1
        last[link.source] = link.target
    return uses


def with_chips(boxes: list[Box], links: list[Link]) -> Items:
    """The boxes in their layers, and a chip for each far use of a shared leaf."""
    uses = _uses(len(boxes), links)
    depth, layer = _layers(boxes, links, uses)
    leaf = [True] * len(boxes)
    nearest = [-1] * len(boxes)
    for link in links:
        leaf[link.target] = boxes[link.target].weight_only
        if nearest[link.source] < 0 or layer[link.target] < layer[nearest[link.source]]:
            nearest[link.source] = link.target
    placed = [Placed(box.key, box.width, box.height) for box in boxes]
    items = Items(placed, [], layer, depth, {})
    chips: dict[str, int] = {}
    for link in links:
        source, target = link.source, link.target
        cost = (uses[source] - 1) * (layer[target] - layer[source])
        if leaf[source] and nearest[source] != target and cost > CHIP_COST:
            source = _chip(items, chips, boxes[source], boxes[target].key, layer[target])
        items.links.append(Link(source, target, link.order))
    return items


def _chip(items: Items, chips: dict[str, int], box: Box, consumer: str, layer: int) -> int:
    """The number of a box's chip at a consumer, made on first use."""
    key = f"{box.key}@{consumer}"
    if key not in chips:
        chips[key] = len(items.boxes)
        width = CHIP_WIDTH if box.chip_width is None else box.chip_width
        items.boxes.append(Placed(key, width, CHIP_HEIGHT, chip_of=box.key))
        items.layer.append(layer - 1)
        items.depth.append(0)
    return chips[key]


def add_dummies(items: Items) -> Chains:
    """One chain of dummies per source, through the layers that its longest edge crosses."""
    first_dummy = len(items.boxes)
    chains = Chains([-1] * first_dummy, [0] * first_dummy, first_dummy)
    length, layer = chains.length, items.layer
    for link in items.links:
        length[link.source] = max(length[link.source], layer[link.target] - layer[link.source] - 1)
    left = DUMMIES_PER_BOX * first_dummy
    for source in sorted((i for i in range(first_dummy) if length[i] > 0), key=lambda i: (length[i], i)):
        left -= length[source]
        if left < 0:
            break
        chains.first[source] = len(items.boxes)
        for i in range(1, length[source] + 1):
            items.boxes.append(Placed("", DUMMY_WIDTH, 0))
            layer.append(layer[source] + i)
            items.depth.append(items.depth[source])
    return chains


def dummies(link: Link, items: Items, chains: Chains) -> range:
    """The dummies, from top to bottom, that lead from a link's source to the layer above its consumer."""
    start = chains.first[link.source]
    return range(0) if start < 0 else range(start, start + items.layer[link.target] - items.layer[link.source] - 1)


def connect(items: Items, chains: Chains) -> Segments:
    """The segments between items of neighbouring layers."""
    pairs: list[tuple[int, int]] = []
    for box, (first, length) in enumerate(zip(chains.first, chains.length, strict=True)):
        if first >= 0:
            pairs += [(first + i - 1 if i else box, first + i) for i in range(length)]
    for link in items.links:
        way = dummies(link, items, chains)
        upper = way[-1] if way else link.source
        if items.layer[upper] + 1 == items.layer[link.target]:
            pairs.append((upper, link.target))
    count = len(items.boxes)
    in_start, by_slot = _sort_into(count, [lower for _, lower in pairs])
    upper = [pairs[i][0] for i in by_slot]
    lower = [pairs[i][1] for i in by_slot]
    out_start, out_slot = _sort_into(count, upper)
    main = _main_slots(items.depth, upper, in_start)
    return Segments(upper, lower, in_start, out_start, out_slot, [0] * count, [0] * len(pairs), main)


def _main_slots(depth: list[int], upper: list[int], in_start: list[int]) -> list[bool]:
    main: list[bool] = []
    for start, end in pairwise(in_start):
        depths = [depth[above] for above in upper[start:end]]
        main += [each == max(depths) for each in depths]
    return main


def _sort_into(count: int, bins: Sequence[int]) -> tuple[list[int], list[int]]:
    """Counting sort: where each of `count` bins starts, and the indices of `bins` bin by bin."""
    start = [0] * (count + 1)
    for each in bins:
        start[each + 1] += 1
    for i in range(count):
        start[i + 1] += start[i]
    return start, sorted(range(len(bins)), key=bins.__getitem__)
