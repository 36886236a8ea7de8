"""Without numbers ops are jotted down and read later: what is read is what would have been noted at once."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from nbautograd.trace import turns
from nbautograd.trace.model import Flow, Trace
from tests.cells import Notebook

BEFORE = """
import numpy as np
w = torch.tensor([1.0, 2.0], requires_grad=True)
a, b = torch.tensor(0.5, requires_grad=True), torch.tensor(-0.25, requires_grad=True)
data = torch.tensor([3.0, 4.0])
earlier = (w * w).sum()
column = torch.exp(w.view(2, 1)) * 2.0
def polynomial(x):
    return (x * a + b) * x
class Double(torch.autograd.Function):
    forward = staticmethod(lambda ctx, x: x * 2)
    backward = staticmethod(lambda ctx, g: g * 2)
"""
CELLS = {
    "a loop of scalars": "x = a\nfor i in range(5):\n    x = x * b\n    x = (x + a).tanh() - 1\nx.backward()",
    "one op in a loop": "x = a\nfor _ in range(4): x = x.tanh()\nx.backward()",
    "loops in loops": (
        "total = 0\nfor i in range(3):\n    for j in range(2):\n        total = total + a * j\n    total = total * b\n"
        "total.backward()"
    ),
    "a sum in place": "total = a * 1.0\nfor i in range(3):\n    total += b * i\n    total -= 1.0\ntotal.backward()",
    "functions": (
        "def neuron(x, *, n=2):\n    for _ in range(n):\n        x = x * a + b\n    return x.relu()\n"
        "y = neuron(neuron(a))\n(y - 1.0).square().backward()"
    ),
    "a function from elsewhere": "x = a\nfor i in range(4):\n    x = polynomial(x)\n    x = x.tanh() * b\nx.backward()",
    "a generator": "def powers(x):\n    while True:\n        x = x * a\n        yield x\np = powers(b)\n"
    "y = next(p) + next(p) * next(p)\ny.backward()",
    "a graph from before": "y = earlier * a\nz = (column * y).sum()\n(z + earlier).backward()",
    "a root from before": "earlier.backward()\nw.grad",
    "leaves that are gone": (
        "x = a\nfor i in range(3):\n    x = x * torch.tensor(float(i + 1), requires_grad=True)\nx.backward()"
    ),
    "scalars and arrays": "s = (w * data).sum()\nm = data.mean() * s\n(w / m + m).prod().backward()",
    "views of scalars": "y = a * b\nv = y.view(1)\nu = v.expand(3)[1] + y.reshape(1, 1)\nu.sum().backward()",
    "a view in place": "y = w * 1.0\ny[0] *= a\ny[1] = y[0] * b\n(y * y).sum().backward()",
    "a function of one's own": "y = Double.apply(a) * b\nz = Double.apply(y + a)\nz.backward()",
    "several outputs": "p, q = (w * a).unbind()\nr, i = torch.stack([p, q, b]).max(0)\n(r * p).backward()",
    "an update by hand": (
        "for i in range(3):\n    ((a * i - b) ** 2).backward()\n    with torch.no_grad():\n"
        "        a -= 0.1 * a.grad\n        b.data = b.data - 0.1 * b.grad\n    a.grad = None\n    b.grad.zero_()"
    ),
    "an optimizer": (
        "o = torch.optim.SGD([a, w], lr=0.1)\nfor i in range(3):\n    o.zero_grad()\n    loss = (w * a).sum() ** 2\n"
        "    loss.backward()\n    o.step()"
    ),
    "modules": (
        "torch.manual_seed(0)\nnet = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1)))\n"
        "for _ in range(2):\n    net(data * a).sum().backward()"
    ),
    "without recording": "y = a * b\nwith torch.no_grad():\n    z = y * 2 + a\n(y * z).backward()",
    "detached": "y = (a * b).detach() * a\nz = y.clone() * y.double()\nz.backward()",
    "other dtypes": "d = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)\ny = d * a\n(y * y * 2).backward()",
    "settings": "y = w.sum(dim=0, keepdim=True) + w.clamp(max=1.5).mean()\ny.squeeze().clamp(0, 9).backward()",
    "a hook": "y = a * b\ny.register_hook(lambda g: g * 2)\nz = y * y + a\nz.backward()",
    "an error in between": "y = a * b\nz = y + a\nw @ torch.ones(3)",
    "an error in backward": "y = a * b\ny.register_hook(lambda g: 1 / 0)\n(y + a).backward()",
    "second order": "(g,) = torch.autograd.grad(a**3, a, create_graph=True)\n(g * b).backward()",
    "two passes": "y = a * b\nfor i in range(2):\n    (y * i).backward(retain_graph=True)\ny.backward()",
    "nothing is kept": "for i in range(3):\n    a * b + i\nw * 2",
    "comprehensions": "ws = [a * i for i in range(4)]\nsum(x * b for x in ws).backward()",
}


def told(trace: Trace) -> dict[str, Any]:
    """All that a trace tells but numbers."""
    return {
        "ops": trace.ops,
        "values": [replace(value, data=None, grad=None) for value in trace.values],
        "scopes": trace.scopes,
        "passes": [(p.kind, p.roots, p.span, p.ops_before, p.error, len(p.events)) for p in trace.passes],
        "updates": [(u.value, u.name, u.by, u.span, u.step, len(u.contributions)) for u in trace.updates],
        "ledgers": [(x.value, x.name, x.cleared, x.consumed, len(x.contributions)) for x in trace.ledgers],
        "steps": [(s.index, s.loss, s.ops, s.events) for s in trace.steps],
        "folds": trace.folds,
        "counted": (trace.op_count, trace.error),
        "findings": [f.code for f in trace.findings],
    }


def trace_of(cell: str, values: str) -> Trace:
    notebook = Notebook()
    notebook.quietly(BEFORE)
    return notebook.run(cell, values=values)


@pytest.mark.parametrize("name", CELLS)
def test_what_is_read_is_what_would_have_been_noted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "BRIEFLY", math.inf)
    assert told(trace_of(CELLS[name], "none")) == told(trace_of(CELLS[name], "stats"))


def test_of_many_ops_the_same_are_kept() -> None:
    code = "x = a\nfor i in range(2500):\n    x = x * b if i % 2 else x + w.sum()\nx.backward()"
    traces = [trace_of(code, values) for values in ("none", "stats")]
    assert len({len(trace.ops) for trace in traces}) == 1
    for ours, theirs in zip(*(trace.ops for trace in traces), strict=True):
        assert (ours.name, ours.span, ours.scope) == (theirs.name, theirs.span, theirs.scope)
    assert len({trace.op_count for trace in traces}) == 1


def test_what_was_computed_while_nobody_looked_has_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "FEW", 1)
    monkeypatch.setattr(turns, "BRIEFLY", 0.0)
    monkeypatch.setattr(turns, "SELDOM", 1e-9)
    late = "    if i == 3: h = w * 3.0; s = h.sum()\n"
    monkeypatch.setattr(turns.Turns, "pass_ended", lambda self, _: self.look(self.pass_count in (0, 5)))
    trace = trace_of(
        f"h = w * 2.0\ns = h.sum()\nfor i in range(7):\n{late}    (s * a + (h * h).sum()).backward(retain_graph=True)",
        "none",
    )
    last = max((p for p in trace.passes if len(p.events) > 4), key=lambda p: p.id)
    flows = [event for event in last.events if isinstance(event, Flow)]
    assert {tuple(f.contribution.shape) for f in flows if trace.values[f.target].op is None} == {(), (2,)}
    for f in flows:
        assert trace.values[f.target].shape == f.contribution.shape
    assert trace.op_count == 2 * 2 + 7 * 4


def test_a_long_straight_run_is_not_looked_at_to_its_end() -> None:
    trace = trace_of("x = a\nfor i in range(12_000):\n    x = x * b\nx.backward()", "none")
    assert trace.op_count == 12_000
    assert trace.ops[-1].name == "mul"
    assert len(trace.ops) < 2_500
