"""Of steps that nobody looks at the ledgers say what they say of steps that are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbautograd.trace import joint, turns
from nbautograd.trace.model import Trace
from tests.cells import Notebook

BEFORE = """
import numpy as np
a, b = torch.tensor(0.5, requires_grad=True), torch.tensor(-0.25, requires_grad=True)
w = torch.tensor([1.0, 0.0, 2.0], requires_grad=True)
many = [torch.tensor(0.1 * i, requires_grad=True) for i in range(40)]
leaves = [a, b, w, *many]
o = torch.optim.SGD(leaves, lr=0.01)
first, second = torch.optim.SGD(leaves[:20], lr=0.01), torch.optim.Adam(leaves[20:], lr=0.01)
def loss(i=1.0):
    return (w * a).sum() * b * i + sum(m * m for m in many)
"""
STEPS = {
    "cleared": "o.zero_grad()\n    loss(i).backward()\n    o.step()",
    "cleared in place": "o.zero_grad(set_to_none=False)\n    loss(i).backward()\n    o.step()",
    "cleared by NumPy": "loss(i).backward()\n    o.step()\n    for p in leaves: p.grad.detach().numpy()[...] = 0.0",
    "cleared one by one": "for p in leaves: p.grad = None\n    loss(i).backward()\n    o.step()",
    "some are cleared": "loss(i).backward()\n    o.step()\n    a.grad = None\n    for p in many[:20]: p.grad = None",
    "never cleared": "loss(i).backward()\n    o.step()",
    "never updated": "loss(i).backward()",
    "cleared before the step": "loss(i).backward()\n    o.zero_grad()\n    o.step()",
    "two passes, one update": "o.zero_grad()\n    loss(i).backward()\n    loss().backward()\n    o.step()",
    "several passes in a loop": "o.zero_grad()\n    for k in range(3): loss(k).backward()\n    o.step()",
    "an update each second time": "loss(i).backward()\n    if i % 2: o.step(); o.zero_grad()",
    "set by hand": "loss(i).backward()\n    a.grad = torch.tensor(3.0)\n    w.grad = w.grad.clone()\n    o.step()",
    "scaled": "o.zero_grad()\n    loss(i).backward()\n    for p in leaves: p.grad *= 0.5\n    o.step()",
    "changed in part": "loss(i).backward()\n    w.grad[1] = 0.0\n    w.grad[0] += 1.0\n    o.step()\n    o.zero_grad()",
    "a gradient of zeros": "(loss(i) * 0.0).backward()\n    o.step()",
    "with its graph": "loss(i).backward(create_graph=True)\n    o.step()",
    "another leaf each time": "m = torch.tensor(2.0, requires_grad=True)\n    (m * loss(i)).backward()",
    "half of the leaves in turn": "q = (first, second)[i % 2]\n    o.zero_grad()\n    loss(i).backward()\n    q.step()",
    "two optimizers": "o.zero_grad()\n    loss(i).backward()\n    first.step()\n    second.step()",
    "two losses in turn": "o.zero_grad()\n    (loss(i) if i % 2 else a * b + many[3]).backward()\n    o.step()",
    "used twice": "loss(i).backward()\n    o.step()\n    o.step()\n    o.zero_grad()",
    "cleared twice": "o.zero_grad()\n    for p in leaves: p.grad = None\n    loss(i).backward()\n    o.step()",
    "by hand": "loss(i).backward()\n    for p in leaves: p.data = p.data - p.grad\n    for p in leaves: p.grad = None",
    "a leaf rests": "o.zero_grad()\n    many[i].requires_grad_(i != 4)\n    loss(i).backward()\n    o.step()",
    "leaves go": "m = [torch.ones((), requires_grad=True) for _ in '123']\n    (sum(m) * loss(i)).backward()",
    "clipped": "o.zero_grad()\n    loss(i).backward()\n    torch.nn.utils.clip_grad_norm_(leaves, 0.1)\n    o.step()",
    "dead units": "o.zero_grad()\n    (loss(i) + (w * 0.0).sum() + (many[5] - 9.0).relu()).backward()\n    o.step()",
    "a leaf is changed": "loss(i).backward()\n    with torch.no_grad(): b.clamp_(-1.0, 1.0)\n    o.step()",
}


def looking(until: Callable[[int], bool]) -> Any:
    """In place of `pass_ended`: looks while `until` says so of the number of passes."""
    return lambda self, _: self.look(until(self.pass_count))


def said(trace: Trace) -> dict[str, Any]:
    """What the doctor needs of a trace."""
    assert trace.error is None
    parts = {
        entry.name: [(c.label, c.run, c.line, c.step, c.passes, c.consumed) for c in entry.contributions]
        for entry in trace.ledgers
    }
    facts = {entry.name: (entry.cleared, entry.consumed) for entry in trace.ledgers}
    return {"parts": parts, "facts": facts, "findings": [(f.code, f.span and f.span.line) for f in trace.findings]}


def run_twice(step: str, values: str, until: Callable[[int], bool], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(turns.Turns, "pass_ended", looking(until))
    notebook = Notebook()
    notebook.quietly(BEFORE)
    cell = f"for i in range(7):\n    {step}"
    return [said(notebook.run(cell, values=values)) for _ in range(2)]


@pytest.mark.parametrize("step", STEPS)
def test_ledgers_and_findings_do_not_depend_on_who_looks(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = run_twice(STEPS[step], "stats", lambda _: True, monkeypatch)
    for values in ("none", "stats"):
        for until in (lambda n: n < 2, lambda n: n % 3 == 0):
            assert run_twice(STEPS[step], values, until, monkeypatch) == looked


def test_findings_are_made_in_some_of_these(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        step: {
            code for run in run_twice(STEPS[step], "none", lambda n: n < 2, monkeypatch) for code, _ in run["findings"]
        }
        for step in ("cleared", "never cleared", "never updated", "cleared before the step")
    }
    assert found["cleared"] == set()
    assert "NB101" in found["never cleared"]
    assert "NB102" in found["never updated"]
    assert "NB103" in found["cleared before the step"]


def test_leaves_of_steps_that_nobody_looks_at_are_entered_together(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    begin = joint.Joint.begin

    def counted(self: joint.Joint, fresh: joint.Fresh, *rest: Any) -> float | None:
        norm2 = begin(self, fresh, *rest)
        opened.append(0 if norm2 is None else len(fresh))
        return norm2

    monkeypatch.setattr(joint.Joint, "begin", counted)
    run_twice(STEPS["cleared"], "none", lambda n: n < 2, monkeypatch)
    assert opened == [43] * 8  # of 7 passes 2 are told, and the next one enters each leaf by itself
    opened.clear()
    run_twice(STEPS["never cleared"], "none", lambda n: n < 2, monkeypatch)
    assert not any(opened)


def test_a_joint_entry_keeps_no_gradient_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.Turns, "pass_ended", looking(lambda n: n < 2))
    notebook = Notebook()
    notebook.quietly(BEFORE)
    cell = """
import weakref
for i in range(7):
    o.zero_grad()
    loss(i).backward()
    o.step()
    gone = weakref.ref(w.grad)
w.grad = None
dead = gone() is None
"""
    notebook.run(cell, values="none")
    assert notebook.namespace["dead"]
