"""A trace in Graphviz' language, for those who have their own way of drawing."""

from __future__ import annotations

from nbautograd.export.graph.diagram import Node, diagram
from nbautograd.export.words import clean, gradient
from nbautograd.trace.model import Trace

MAX_NODES = 2_000
SHAPES = {
    "op": "shape=box, style=rounded",
    "leaf": "shape=ellipse",
    "constant": "shape=box, style=dashed",
    "group": "shape=box3d",
}


def to_dot(trace: Trace) -> str:
    """The diagram of the trace as a `digraph`; large traces are folded as in the other pictures."""
    picture = diagram(trace, max_nodes=MAX_NODES)
    lines = ["digraph {", '  node [fontname="monospace", fontsize=11];']
    lines += [
        f"  {_quoted(node.key)} [label={_quoted(*_label(node, trace))}, {SHAPES[node.kind]}];" for node in picture.nodes
    ]
    lines += [f"  {_quoted(link.source)} -> {_quoted(link.target)};" for link in picture.links]
    return "\n".join([*lines, "}", ""])


def _label(node: Node, trace: Trace) -> list[str]:
    grad = None if node.value is None else gradient(trace.values[node.value], trace)
    return [node.title, *node.lines, *([grad] if grad else [])]


def _quoted(*lines: str) -> str:
    escaped = [clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'
