"""The golden traces, and what they are drawn as: `python -m tests.export.traces` writes them for pytest and vitest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nbautograd.export.graph.diagram import Diagram, Node, diagram, layout_input
from nbautograd.export.graph.layout import Layout, layout
from nbautograd.trace import codec
from nbautograd.trace.listing import listing
from nbautograd.trace.model import Contribution, Finding, Fold, Trace, Update

from .tape import Tape, summary

GOLDEN_FILES = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Folding:
    """One state of folding in which a golden trace is drawn."""

    collapse: str = "auto"
    expanded: list[str] = field(default_factory=list)
    max_nodes: int = 2000


def dot() -> Trace:
    """The first cell of the house, run twice: `.grad` holds the sum of two passes."""
    tape = Tape(
        "x = tensor([1., 2.], requires_grad=True)\nw = tensor([3., -1.], requires_grad=True)\n"
        "loss = (x * w).sum()\nloss.backward()",
        run=2,
    )
    x, w = tape.leaf([1, 2], "x"), tape.leaf([3, -1], "w")
    for leaf, grad in ((x, [3, -1]), (w, [1, 2])):
        tape.stored[leaf] = [Contribution("c1", "In [1]", 1, summary(np.array(grad, np.float32)), line=4)]
    tape.line = 3
    loss = tape.sum(tape.mul(x, w), "loss")
    tape.line = 4
    tape.backward(loss)
    tape.trace.findings.append(
        Finding(
            "NB101",
            "warning",
            "x.grad is the sum of two backward passes",
            "x.grad is [6, -2] = [3, -1] from the first run of this cell + [3, -1] from this one.",
            "x.grad = None before loss.backward()",
            "%autograd mute NB101",
            span=tape.trace.passes[0].span,
            values=[x, w],
        )
    )
    return tape.trace


def fan_out() -> Trace:
    """A value that is used twice, and squared: gradients meet with `+=`."""
    tape = Tape(
        "a = tensor(2., requires_grad=True)\nb = tensor(-3., requires_grad=True)\n"
        "c = a * b\nd = c * c + c * a\nd.backward()"
    )
    a, b = tape.leaf(2.0, "a"), tape.leaf(-3.0, "b")
    tape.line = 3
    c = tape.mul(a, b, "c")
    tape.line = 4
    d = tape.add(tape.mul(c, c), tape.mul(c, a), "d")
    tape.line = 5
    tape.backward(d)
    return tape.trace


def residual_mlp(blocks: int = 4) -> Trace:
    """Blocks `h + fc2(relu(fc1(h)))` with parameters in modules, and a squared error."""
    rng = np.random.default_rng(0)
    tape = Tape("y = net(x)\nloss = ((y - target) ** 2).sum()\nloss.backward()")
    h = tape.constant(rng.normal(size=(4, 8)), "x")
    with tape.within("module", "net", type="Net"):
        for n in range(blocks):
            with tape.within("module", f"net.{n}", type="Block"):
                h = tape.add(h, _linear(tape, tape.relu(_linear(tape, h, f"net.{n}.fc1", rng)), f"net.{n}.fc2", rng))
    tape.trace.values[h].name = "y"
    tape.line = 2
    target = tape.constant(rng.normal(size=(4, 8)), "target")
    loss = tape.sum(tape.pow(tape.add(h, target), 2), "loss")
    tape.line = 3
    tape.backward(loss)
    return tape.trace


def _linear(tape: Tape, x: int, name: str, rng: np.random.Generator) -> int:
    with tape.within("module", name, type="Linear"):
        weight = tape.leaf(rng.normal(size=(8, 8)) * 0.3, f"{name}.weight")
        return tape.add(tape.matmul(x, tape.t(weight)), tape.leaf(np.zeros(8), f"{name}.bias"))


def rnn(steps: int = 6) -> Trace:
    """An unrolled recurrent net: three shared parameters, one step per element."""
    rng = np.random.default_rng(1)
    tape = Tape("for x in xs:\n    h = (x @ W_x + h @ W_h + b).tanh()\nloss = (h ** 2).sum()\nloss.backward()")
    w_x, w_h = tape.leaf(rng.normal(size=(2, 3)), "W_x"), tape.leaf(rng.normal(size=(3, 3)), "W_h")
    b, h = tape.leaf(np.zeros(3), "b"), tape.constant(np.zeros((1, 3)), "h")
    for step in range(steps):
        tape.line = 1
        with tape.within("step", "for x in xs:", index=step):
            tape.line = 2
            x = tape.constant(rng.normal(size=(1, 2)), "x")
            h = tape.tanh(tape.add(tape.add(tape.matmul(x, w_x), tape.matmul(h, w_h)), b), "h")
    tape.line = 3
    loss = tape.sum(tape.pow(h, 2), "loss")
    tape.line = 4
    tape.backward(loss)
    return tape.trace


def interleaved() -> Trace:
    """Two lines that feed each other in turn, without steps: folded by line they would make a circle."""
    tape = Tape("a = a * k\nb = b + a\nb.sum().backward()")
    k, a, b = tape.leaf(1.5, "k"), tape.leaf([1, 2, 3], "a"), tape.leaf([0, 0, 0], "b")
    for _ in range(3):
        tape.line = 1
        a = tape.mul(tape.add(a, b), k, "a")
        tape.line = 2
        b = tape.add(tape.mul(b, k), a, "b")
    tape.line = 3
    tape.backward(tape.sum(b))
    return tape.trace


def hostile() -> Trace:
    """Names that want to be markup, numbers that are none, a cell that raised."""
    tape = Tape("<script>alert(1)</script>\n\x00\x1b[31m")
    x = tape.leaf([np.nan, np.inf, -np.inf, 1e-30], "</text><script>alert('x')</script>")
    y = tape.mul(x, tape.constant(1e30), "a & b \U0001f600 \u202e \ud800")
    tape.trace.ops[0].params = {"onload": '"><img src=x onerror=alert(1)>'}
    tape.backward(tape.sum(y))
    tape.trace.error = "ValueError: <b>no</b> \x07"
    return tape.trace


def odds() -> Trace:
    """Numbers without names, a gradient that is given, two results of which one is used, passes between the ops."""
    tape = Tape("a, b = split(θ)\nloss = a * 1e-7\nloss.backward(tensor([0.5, -2.]))\ny = np * 3\ngrad(y, np)", run=2)
    leaf, other = tape.leaf([1, 2, 3, 4], "θ"), tape.leaf([1.0, 1e20], "np")
    unused, a = (
        tape.value([1, 2], "op", "b", op=0),
        tape.op("split", [leaf], np.array([3, 4]), [_second], texts=["split_dx({g})"]),
    )
    tape.trace.ops[0].outputs = [a, unused]
    tape.trace.ops[0].code = "{out}, {out1} = split({0}, sizes=(2, 2))"
    tape.trace.values[a].name, tape.trace.values[unused].output = "a", 1
    tape.line = 2
    small = tape.constant(0.0)
    tape.trace.values[small].data.data = [1e-7]
    loss = tape.mul(a, small, "loss")
    tape.line = 3
    tape.backward(loss)
    tape.trace.passes[0].events[0].gradient.data = [0.5, -2.0]
    tape.line = 4
    three = tape.constant(3)
    tape.trace.values[three].dtype = "int64"
    y = tape.mul(other, three, "a")
    tape.trace.ops[-1].origin = "In [2]"
    tape.line = 5
    tape.backward(y)
    last = tape.trace.passes[1]
    last.kind, last.error = "grad", "RuntimeError: stopped"
    tape.trace.folds = [Fold("steps", 9980, "the loop is long")]
    tape.trace.updates = [
        Update(leaf, "θ", by) for by in ("SGD.step", "in-place", "Adam.step", "SGD.step", "Adagrad.step")
    ]
    return tape.trace


def _second(g: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(2, np.float32), g])


def chain(length: int) -> Trace:
    """Sines of sines, all from one line."""
    tape = Tape("for _ in range(n): h = h.tanh()")
    h = tape.leaf(0.5, "x")
    for _ in range(length):
        h = tape.tanh(h)
    return tape.trace


Make = Callable[[], Trace]

OPENED = ["/s0", "/s0/s1×4", "/s0/s1×4/s4"]
GOLDEN = {
    "dot": (dot, [Folding()]),
    "fan_out": (fan_out, [Folding()]),
    "residual_mlp": (residual_mlp, [Folding(), Folding("module"), Folding("module", OPENED), Folding("line")]),
    "rnn": (rnn, [Folding("none"), Folding("module", ["/s0×6"]), Folding("line")]),
    "interleaved": (interleaved, [Folding("line"), Folding("none", max_nodes=4)]),
    "hostile": (hostile, [Folding()]),
    "odds": (odds, [Folding()]),
}


def draw(trace: Trace, folding: Folding) -> dict[str, Any]:
    """Diagram and layout of a trace, in the words of the front end."""
    picture = diagram(trace, folding.collapse, folding.expanded, folding.max_nodes)
    return {
        "collapse": folding.collapse,
        "expanded": folding.expanded,
        "maxNodes": folding.max_nodes,
        "diagram": _diagram(picture),
        "layout": _layout(layout(*layout_input(picture))),
    }


def _diagram(picture: Diagram) -> dict[str, Any]:
    links = [
        {"from": link.source, "to": link.target, "order": link.order, "value": link.value}
        | {"flows": [{"op": op, "input": i} for op, i in link.flows]}
        for link in picture.links
    ]
    nodes = [_node(node) for node in picture.nodes]
    return {"nodes": nodes, "links": links, "collapsed": picture.collapsed, "hidden": picture.hidden}


def _node(node: Node) -> dict[str, Any]:
    fields = ("key", "kind", "title", "lines", "width", "height", "value", "op", "members", "scope")
    out = {name: getattr(node, name) for name in fields if getattr(node, name) is not None}
    return out | ({"weightOnly": True} if node.weight_only else {})


def _layout(picture: Layout) -> dict[str, Any]:
    boxes = [
        {"key": box.key, "x": box.x, "y": box.y, "width": box.width, "height": box.height}
        | ({"chipOf": box.chip_of} if box.chip_of else {})
        for box in picture.boxes
    ]
    routes = [
        {"from": r.source, "to": r.target, "order": r.order, "points": [list(point) for point in r.points]}
        for r in picture.routes
    ]
    return {"boxes": boxes, "routes": routes, "width": picture.width, "height": picture.height}


def main() -> None:
    """Write one file per golden trace."""
    for name, (make, foldings) in GOLDEN.items():
        data = codec.to_dict(make())
        trace = codec.from_dict(data)
        lines = [[line.text, line.op, line.step] for line in listing(trace)]
        golden = {"trace": data, "pictures": [draw(trace, each) for each in foldings], "listing": lines}
        text = json.dumps(golden, indent=None, separators=(",", ":"), allow_nan=False)
        (GOLDEN_FILES / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
