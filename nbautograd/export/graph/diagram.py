"""A trace as boxes and links, and what each box says: twin of labextension/src/graph/diagram.ts."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nbautograd.export.graph.fold import Cluster, Collapse, fold
from nbautograd.export.graph.format import brief, shape
from nbautograd.export.graph.shapes import Box, Edge
from nbautograd.trace.model import Op, Span, Trace, Value

SYMBOLS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
CHARACTER = 7.2
TITLE_CHARACTER = 8
LINE = 15
PADDING = {"op": 24, "constant": 24, "leaf": 36, "group": 36}
PADDING_Y = 17
LEAST_WIDTH = 76
TITLE = 26
DATA = 18
OWN_LEAVES = 8
"""A folded line of code stands among its own leaves when there are no more than this."""
SEVERAL = -2
"""Used by more than one cluster."""


@dataclass(slots=True)
class Node:
    """A box of the diagram with its text."""

    key: str
    kind: Literal["op", "leaf", "constant", "group"]
    title: str
    lines: list[str]
    width: int
    height: int
    value: int | None = None
    """Id of the value that it stands for: an op's first output, what a group puts out first."""
    op: int | None = None
    members: list[int] | None = None
    """The ops in a group."""
    scope: int | None = None
    span: Span | None = None
    weight_only: bool = False
    """A view of a leaf (a transposed weight), to be drawn next to its consumer."""


@dataclass(slots=True)
class Link:
    """A line between two boxes."""

    source: str
    target: str
    order: int
    """Operand position at the consumer."""
    flows: list[tuple[int, int]]
    """The trace's edges that it stands for, as op and input."""
    value: int


@dataclass(slots=True)
class Diagram:
    """What is drawn, in tape order: every link leads from an earlier node to a later one."""

    nodes: list[Node]
    links: list[Link]
    collapsed: bool
    hidden: int
    """How many ops and leaves are not drawn."""


@dataclass(slots=True)
class _Edge:
    source: int
    target: int
    order: int
    value: int
    flows: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def diagram(
    trace: Trace, collapse: Collapse = "auto", expanded: Collection[str] = frozenset(), max_nodes: int = 2000
) -> Diagram:
    """The diagram of a trace in one state of folding."""
    clusters = fold(trace, collapse, expanded, max_nodes)
    leaves, home, dropped = _leaves(trace, clusters, max_nodes)
    nodes = [_cluster_node(trace, cluster) for cluster in clusters] + [_leaf_node(value) for value in leaves]
    edges = _edges(trace, clusters, home)
    order = _tape_order(len(nodes), edges)
    folded = [len(cluster.ops) for cluster in clusters if cluster.group]
    links = [Link(nodes[e.source].key, nodes[e.target].key, e.order, e.flows, e.value) for e in edges]
    return Diagram([nodes[i] for i in order], links, bool(folded), dropped + sum(folded))


def layout_input(picture: Diagram) -> tuple[list[Box], list[Edge]]:
    """What the layout needs to know of a diagram."""
    boxes = [
        Box(node.key, node.width, node.height, node.weight_only, len(node.title) * CHARACTER + 16)
        for node in picture.nodes
    ]
    return boxes, [Edge(link.source, link.target, link.order) for link in picture.links]


# --- leaves and links ---


def _leaves(trace: Trace, clusters: list[Cluster], most: int) -> tuple[list[Value], list[int], int]:
    """The leaves and constants that are drawn, and for each value its node's number; -1 for what no node stands for."""
    home = [-1] * len(trace.values)
    users = [-1] * len(trace.values)
    for n, cluster in enumerate(clusters):
        for op in cluster.ops:
            for i in trace.ops[op].inputs:
                users[i] = n if users[i] in (-1, n) else SEVERAL
            for i in trace.ops[op].outputs:
                home[i] = n
    own = [0] * len(clusters)
    for value, user in zip(trace.values, users, strict=True):
        if home[value.id] == -1 and user >= 0:
            own[user] += 1
    leaves: list[Value] = []
    dropped = 0
    for value in trace.values:
        user = users[value.id]
        if home[value.id] != -1 or (user == -1 and not (value.kind == "leaf" and value.requires_grad)):
            continue
        if len(leaves) >= most or (user >= 0 and _belongs_to(value, clusters[user], own[user])):
            dropped += 1
        else:
            home[value.id] = len(clusters) + len(leaves)
            leaves.append(value)
    return leaves, home, dropped


def _belongs_to(value: Value, cluster: Cluster, count: int) -> bool:
    """Whether one of the `count` values that only this cluster uses is drawn inside it: a parameter, but no input."""
    if cluster.group is None:
        return False
    if cluster.group.kind == "line":
        return value.name is None or (value.requires_grad and count > OWN_LEAVES)
    return cluster.group.kind != "module" or value.requires_grad or value.name is None


def _edges(trace: Trace, clusters: list[Cluster], home: Sequence[int]) -> list[_Edge]:
    """One edge per operand of an op; one per source of a group."""
    edges: list[_Edge] = []
    for target, cluster in enumerate(clusters):
        merged: dict[int, _Edge] = {}
        for op in cluster.ops:
            for i, value in enumerate(trace.ops[op].inputs):
                source = home[value]
                if source < 0 or source == target:
                    continue
                edge = merged.get(source) if cluster.group else None
                if edge is None:
                    edge = merged[source] = _Edge(source, target, len(merged) if cluster.group else i, value)
                    edges.append(edge)
                edge.flows.append((op, i))
    return edges


def _tape_order(count: int, edges: list[_Edge]) -> list[int]:
    """The nodes so that all edges lead forward, as near to the order of the ops as can be."""
    sources: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        sources[edge.target].append(edge.source)
    following = [0] * count
    seen = [False] * count
    order: list[int] = []
    for root in range(count):
        stack = [] if seen[root] else [root]
        seen[root] = True
        while stack:
            node = stack[-1]
            if following[node] == len(sources[node]):
                order.append(stack.pop())
                continue
            source = sources[node][following[node]]
            following[node] += 1
            if not seen[source]:
                seen[source] = True
                stack.append(source)
    return order


# --- what a node says ---


def _cluster_node(trace: Trace, cluster: Cluster) -> Node:
    return _group_node(trace, cluster) if cluster.group else _op_node(trace, trace.ops[cluster.ops[0]])


def _op_node(trace: Trace, op: Op) -> Node:
    value = trace.values[op.outputs[0]] if op.outputs else None
    lines = [value_line(value)] if value else []
    if len(op.outputs) > 1:
        lines.append(f"{len(op.outputs)} outputs")
    node = _node(f"o{op.id}", "op", op_title(op), lines)
    node.value, node.op, node.scope, node.span = (value and value.id), op.id, op.scope, op.span
    node.weight_only = value is not None and _is_view_of_leaf(trace, value)
    return node


def op_title(op: Op) -> str:
    """The op's sign or name with its settings: `×`, `sum(dim=1)`."""
    symbol = SYMBOLS.get(op.name.lower())
    text = symbol + ("=" if op.in_place else "") if symbol else op.name
    settings = ", ".join(settings_of(op))
    return f"{text}({settings})" if settings else text


def settings_of(op: Op) -> list[str]:
    """The op's settings; one that is off says nothing."""
    return [f"{key}={setting}" for key, setting in op.params.items() if setting not in ("False", "None")]


def value_line(value: Value) -> str:
    """A value with its name: `loss = 10`, `h (4, 8)`."""
    text = brief(value.data, DATA) if value.data else shape(value.shape)
    if value.name is None:
        return text
    return f"{value.name} = {text}" if value.data and text != shape(value.shape) else f"{value.name} {text}"


def _is_view_of_leaf(trace: Trace, value: Value) -> bool:
    base = None if value.base is None else trace.values[value.base]
    return base is not None and base.kind == "leaf" and base.requires_grad


def _leaf_node(value: Value) -> Node:
    kind = "leaf" if value.kind == "leaf" else "constant"
    text = brief(value.data, DATA) if value.data else shape(value.shape)
    bare = kind == "constant" and value.name is None
    title = text if bare else "leaf" if value.name is None else value.name
    node = _node(f"v{value.id}", kind, title, [] if bare else [text])
    node.value = value.id
    return node


def _group_node(trace: Trace, cluster: Cluster) -> Node:
    group = cluster.group
    assert group is not None
    out = _output(trace, cluster.ops)
    lines = [f"{len(cluster.ops)} ops"] + ([f"→ {value_line(out)}"] if out else [])
    node = _node(cluster.key, "group", group.title, lines)
    node.value, node.members, node.scope = (out and out.id), cluster.ops, group.scope
    node.span = trace.ops[cluster.ops[0]].span
    return node


def _output(trace: Trace, ops: list[int]) -> Value | None:
    """The last value that leaves a group."""
    inner = {i for op in ops for i in trace.ops[op].inputs}
    outputs = [i for op in ops for i in trace.ops[op].outputs]
    leaving = [i for i in outputs if i not in inner] or outputs
    return trace.values[leaving[-1]] if leaving else None


def _node(key: str, kind: Literal["op", "leaf", "constant", "group"], title: str, lines: list[str]) -> Node:
    title, *lines = (_fitted(text) for text in (title, *lines))
    text_width = max([len(title) * TITLE_CHARACTER, *(len(line) * CHARACTER for line in lines)])
    width = max(LEAST_WIDTH, math.ceil(text_width + PADDING[kind]))
    return Node(key, kind, title, lines, width, (1 + len(lines)) * LINE + PADDING_Y)


def _fitted(text: str) -> str:
    """One line of at most `TITLE` characters."""
    text = re.sub(r"[\x00-\x20]+", " ", text[: 4 * TITLE])
    return text if len(text) <= TITLE else text[: TITLE - 1] + "…"
