"""A trace and its payload are bounded, whatever runs, and say what they left out."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from nbautograd.export.words import headline
from nbautograd.trace import fold, turns
from nbautograd.trace.codec import dumps, loads
from nbautograd.trace.kept import FRONT, HEAD, RECENT, TAIL
from nbautograd.trace.model import Cell, Fold, Source, Trace
from nbautograd.trace.passes import EVENTS
from tests.cells import Notebook

LIMIT = 256 * 1024
TRAIN = """
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
X, Y = torch.randn(16, 4), torch.randn(16, 1)
"""
STEP = "    optimizer.zero_grad()\n    ((net(X) - Y) ** 2).mean().backward()\n    optimizer.step()\n"


def run(code: str, *before: str) -> Trace:
    notebook = Notebook()
    for cell in before:
        notebook.quietly(cell)
    trace = notebook.run(code, cell="the cell")
    assert trace.error is None
    return trace


def told(folds: list[Fold]) -> dict[str, int]:
    return {f.what: f.count for f in folds}


def steps_shown(trace: Trace) -> set[int | None]:
    return {scope.index for scope in trace.scopes if scope.kind == "step"}


def test_a_long_chain_keeps_its_beginning_and_its_end() -> None:
    trace = run(
        "y = x\nfor i in range(5000):\n    y = y * 1.0\ny.sum().backward()", "x = torch.ones(2, requires_grad=True)"
    )
    assert len(trace.ops) == HEAD + TAIL
    assert trace.op_count == 5001
    assert trace.ops[-1].name == "sum"
    assert told(trace.folds)["ops"] == 5001 - HEAD - TAIL


def test_a_long_loop_keeps_first_last_and_worst_step_whole_and_figures_of_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "LOOKED_FOR", math.inf)
    spike = "    X.mul_(1000.0 if i == 400 else 1.0)\n" + STEP + "    X.mul_(0.001 if i == 400 else 1.0)\n"
    trace = run(f"for i in range(600):\n{spike}", TRAIN)
    kept = {s.index for s in trace.steps if s.kept}
    worst = max(trace.steps, key=lambda s: s.grad_norm if isinstance(s.grad_norm, float) else math.inf)
    assert {0, worst.index, 599} <= kept
    assert len(trace.steps) >= 300
    assert sum(len(p.events) for p in trace.passes) <= FRONT + RECENT + EVENTS
    assert all(s.loss is not None for s in trace.steps)
    assert {"ops", "events"} <= set(told(trace.folds))


def test_what_is_not_looked_at_is_counted_all_the_same() -> None:
    trace = run(f"for i in range(1500):\n{STEP}", TRAIN)
    assert trace.op_count == 1500 * 6
    assert trace.op_count == len(trace.ops) + told(trace.folds)["ops"]


def test_a_loop_is_looked_at_in_turns_when_looking_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOKED_FOR", 0.0)
    trace = run(f"for i in range(3000):\n{STEP}", TRAIN)
    steps = [s.index for s in trace.steps if s.kept]
    assert {0, 1, 2} <= set(steps)
    assert max(steps) > 500
    assert trace.op_count == 3000 * 6


def test_the_first_step_that_is_not_finite_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOKED_FOR", 0.0)
    code = "for i in range(2000):\n    (w * (math.nan if i >= 1900 else 1.0)).sum().backward()\n    w.grad = None"
    trace = run(code, "import math\nw = torch.ones(2, requires_grad=True)")
    bad = [s for s in trace.steps if s.kept and s.grad_norm in ("nan", math.inf)]
    assert bad
    assert any(p.events for p in trace.passes)


def test_a_long_loop_says_how_many_passes_ran() -> None:
    trace = run(
        "for i in range(700):\n    (w * w).sum().backward()\n    w.grad = None", "w = torch.ones(2, requires_grad=True)"
    )
    for kept in (trace, fold.fit(trace, 60_000)):
        assert 0 < len(kept.passes) < 700
        assert headline(kept) == "In [1]: 1,400 ops, 700 backward passes"


@pytest.mark.parametrize("limit", [LIMIT, 60_000, 20_000, 5_000])
def test_a_payload_fits_and_can_be_read(limit: int) -> None:
    trace = run(f"for i in range(300):\n{STEP}", TRAIN)
    small = fold.fit(trace, limit)
    text = dumps(small)
    assert len(text.encode()) <= limit
    assert loads(text) == small
    assert told(small.folds)["ops"] > 0
    assert len(dumps(trace).encode()) > limit


def test_the_telling_steps_outlive_the_folding() -> None:
    trace = run(f"for i in range(300):\n{STEP}", TRAIN)
    shown = steps_shown(fold.fit(trace, 60_000))
    assert {0, 299} <= shown


def test_of_a_loop_whole_steps_are_kept_and_figures_from_end_to_end() -> None:
    trace = run(f"for i in range(300):\n{STEP}", TRAIN)
    small = fold.fit(trace, 60_000)
    assert len(small.ops) == 6 * len(small.passes)  # linear, tanh, linear, the difference, its square, the mean
    assert all(small.values[p.roots[0]].op is not None for p in small.passes)
    indices = [step.index for step in small.steps]
    assert len(indices) < 300  # of those kept, the first hundred and the last, and each fourth of all
    assert indices[0] == 0
    assert indices[-1] == 299
    assert max(b - a for a, b in pairwise(indices)) < 6
    assert {step.index for step in small.steps if step.kept} == steps_shown(small)


def test_a_small_trace_is_left_as_it_is() -> None:
    trace = run("x = torch.tensor(2.0, requires_grad=True)\n(x * x).backward()")
    assert fold.fit(trace, LIMIT) is trace


def test_lines_that_nothing_ran_on_go_and_the_others_keep_their_numbers() -> None:
    padding = "\n".join(f"# {'a long comment ' * 20}{i}" for i in range(300))
    trace = run(f"{padding}\nx = torch.tensor(2.0, requires_grad=True)\ny = x * x\n")
    small = fold.fit(trace, 20_000)
    assert len(dumps(small).encode()) <= 20_000
    (op,) = small.ops
    assert op.span is not None
    assert small.sources[0].code.split("\n")[op.span.line - 1] == "y = x * x"
    assert told(small.folds)["lines of code"] == 300 - 2  # of two near what ran not all is told


def test_whatever_it_holds_a_trace_fits() -> None:
    trace = Trace(Cell("c" * 9999, "l" * 9999), sources=[Source("s" * 9999, "x" * 9999)], error="e" * 9999)
    assert len(dumps(fold.fit(trace, 4096)).encode()) <= 4096


def test_a_missing_zero_grad_in_a_long_loop_costs_no_more_and_is_found() -> None:
    trace = run(f"for i in range(400):\n{STEP.replace('    optimizer.zero_grad()', '    pass')}", TRAIN)
    assert [f.code for f in trace.findings] == ["NB101"]
    assert max(len(ledger.contributions) for ledger in trace.ledgers) <= 8
    assert sum(c.passes for c in trace.ledgers[0].contributions) == 400
    assert len(dumps(fold.fit(trace, LIMIT)).encode()) <= LIMIT


@pytest.mark.slow
def test_a_cell_of_a_million_ops() -> None:
    code = "y = x\nfor i in range(1_000_000):\n    y = y * 1.0\ny.sum().backward()"
    trace = run(code, "x = torch.ones(2, requires_grad=True)")
    assert trace.op_count == 1_000_001
    assert len(trace.ops) <= 2000
    assert trace.ops[-1].name == "sum"
    assert len(dumps(fold.fit(trace, LIMIT)).encode()) <= LIMIT
