"""The schema speaks of values, ops and events, never of our engine: micrograd's graph is a trace as well."""

from __future__ import annotations

import pytest

from nbautograd import lint
from nbautograd.export.json import to_json
from nbautograd.export.svg import to_svg
from nbautograd.export.text import to_text
from nbautograd.trace.codec import dumps, loads
from nbautograd.trace.fold import fit
from nbautograd.trace.model import Accumulate, Cell, Contribution, Flow, Ledger, Op, Pass, Seed, Summary, Trace, Value
from tests.cells import Notebook

engine = pytest.importorskip("micrograd.engine")
NODES = {"+": "add", "*": "mul", "ReLU": "relu"}


def number(value: float) -> Summary:
    return Summary([], "float64", data=[float(value)])


def order_of(root: object) -> list[object]:
    """micrograd's own order, inputs first."""
    found: list[object] = []

    def visit(v: object) -> None:
        if v not in found:
            for child in sorted(v._prev, key=lambda c: c.data):  # type: ignore[attr-defined]
                visit(child)
            found.append(v)

    visit(root)
    return found


def trace_of(root: object, names: dict[object, str]) -> Trace:
    """Run micrograd's backward and tell it as a trace."""
    trace = Trace(Cell("micrograd", "micrograd"), engine="micrograd")
    ids: dict[object, int] = {}
    makers: dict[object, Op] = {}
    for v in order_of(root):
        ids[v] = len(trace.values)
        children = sorted(v._prev, key=lambda c: c.data)  # type: ignore[attr-defined]
        kind = "op" if children else "leaf"
        trace.values.append(Value(ids[v], kind, [], "float64", requires_grad=True, name=names.get(v)))
        trace.values[-1].data = number(v.data)  # type: ignore[attr-defined]
        if children:
            name = NODES.get(v._op, v._op)  # type: ignore[attr-defined]
            op = makers[v] = Op(len(trace.ops), name, name, [ids[c] for c in children], [ids[v]])
            trace.values[-1].op = op.id
            trace.ops.append(op)
    run = Pass(0, "backward", [ids[root]], [Seed(ids[root], number(1.0))])
    root.grad = 1.0  # type: ignore[attr-defined]
    for v in reversed(order_of(root)):
        children = sorted(v._prev, key=lambda c: c.data)  # type: ignore[attr-defined]
        before = [c.grad for c in children]
        v._backward()  # type: ignore[attr-defined]
        for i, (c, b) in enumerate(zip(children, before, strict=True)):
            run.events.append(
                Flow(
                    makers[v].id,
                    i,
                    ids[c],
                    number(v.grad),
                    number(c.grad - b),
                    number(c.grad),
                    number(b) if b else None,
                )  # type: ignore[attr-defined]
            )
        if not children:
            run.events.append(Accumulate(ids[v], number(v.grad), number(v.grad)))  # type: ignore[attr-defined]
    trace.passes.append(run)
    return trace


@pytest.fixture
def traced() -> Trace:
    x, w, b = engine.Value(2.0), engine.Value(-3.0), engine.Value(6.5)
    return trace_of((x * w + b).relu(), {x: "x", w: "w", b: "b"})


def test_a_micrograd_graph_goes_through_the_codec(traced: Trace) -> None:
    assert loads(dumps(traced)) == traced
    assert [op.name for op in traced.ops] == ["mul", "add", "relu"]
    accumulated = {traced.values[e.value].name: e.after.data for e in traced.passes[0].events if e.kind == "accumulate"}
    assert accumulated == {"x": [-3.0], "w": [2.0], "b": [1.0]}


def test_every_exporter_takes_it(traced: Trace) -> None:
    assert "micrograd" in to_json(traced)
    assert to_svg(traced).startswith("<svg")
    assert "w × x" in to_text(traced)


def test_the_doctor_reads_it(traced: Trace) -> None:
    assert lint.check(traced) == []
    parts = [Contribution("micrograd", "micrograd", run, number(-3.0), 4) for run in (1, 2)]
    traced.cell.run = 2
    traced.ledgers = [Ledger(0, "x", number(-6.0), parts)]
    (finding,) = lint.check(traced)
    assert finding.code == "NB102"
    assert "x.grad is -6 = -3 from the first run" in finding.message


def test_it_folds(traced: Trace) -> None:
    small = fit(traced, 1500)
    assert len(dumps(small).encode()) <= 1500
    assert loads(dumps(small)) == small


def test_our_own_engine_says_its_name() -> None:
    assert Notebook().run("x = torch.ones(1)").engine == "nbautograd"
