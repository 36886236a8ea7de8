"""What a leaf's `.grad` is made of, however it was filled, scaled, replaced or cleared."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from nbautograd.trace import ledger, prints
from nbautograd.trace.model import Ledger, Update
from tests.cells import Notebook

LEAF = "w = torch.tensor([1.0, 2.0], requires_grad=True)"
PASS = "(w * w).sum().backward()"


def after(*cells: str) -> Ledger:
    """The ledger of `w` after cells that were traced one after the other."""
    notebook = Notebook()
    notebook.quietly(LEAF)
    traces = [notebook.run(code) for code in cells]
    assert [t.error for t in traces] == [None] * len(cells)
    (found,) = traces[-1].ledgers
    return found


def gradients(found: Ledger) -> list[object]:
    return [c.gradient.data for c in found.contributions]


def test_each_pass_is_a_contribution() -> None:
    found = after(PASS, PASS + "\n(w * 3.0).sum().backward()")
    assert gradients(found) == [[2.0, 4.0], [2.0, 4.0], [3.0, 3.0]]
    assert [c.line for c in found.contributions] == [1, 1, 2]
    assert found.total is not None
    assert found.total.data == [7.0, 11.0]


CLEARINGS = [
    "w.grad = None",
    "w.grad.zero_()",
    "w.grad.data.zero_()",
    "w.grad = torch.zeros(2)",
    "w.grad.fill_(0.0)",
    "w.grad.detach().numpy()[...] = 0.0",
    "w.grad *= 0.0",
    "torch.optim.SGD([w], lr=0.1).zero_grad()",
    "torch.optim.SGD([w], lr=0.1).zero_grad(set_to_none=False)",
]


@pytest.mark.parametrize("clearing", CLEARINGS)
def test_every_way_of_clearing_is_seen_in_the_same_cell(clearing: str) -> None:
    assert gradients(after(PASS, f"{clearing}\n{PASS}")) == [[2.0, 4.0]]


@pytest.mark.parametrize("clearing", CLEARINGS)
def test_every_way_of_clearing_is_seen_in_code_that_is_not_traced(clearing: str) -> None:
    notebook = Notebook()
    notebook.quietly(LEAF)
    notebook.run(PASS)
    notebook.quietly(clearing)
    assert gradients(notebook.run(PASS).ledgers[0]) == [[2.0, 4.0]]


def test_clearing_is_told_by_the_ledger() -> None:
    assert after(f"{PASS}\nw.grad = None\n{PASS}").cleared
    assert not after(PASS).cleared


def test_clipping_keeps_the_history() -> None:
    found = after(PASS, f"w.grad.mul_(0.5)\n{PASS}")
    assert [c.label for c in found.contributions] == ["In [1]", "In [2]"]
    assert found.total is not None
    assert found.total.data == [3.0, 6.0]


def test_another_tensor_in_its_place_is_of_unknown_origin() -> None:
    found = after(PASS, f"w.grad = torch.tensor([5.0, 5.0])\n{PASS}")
    assert [c.label for c in found.contributions] == ["code that was not traced", "In [2]"]
    assert gradients(found) == [[5.0, 5.0], [2.0, 4.0]]


def test_a_pass_of_untraced_code_is_of_unknown_origin() -> None:
    notebook = Notebook()
    notebook.quietly(LEAF)
    notebook.quietly(PASS)
    found = notebook.run(PASS).ledgers[0]
    assert [c.label for c in found.contributions] == ["code that was not traced", "In [1]"]


MANY = {
    "used by updates": ("w.data -= 0.1 * w.grad", 8),
    "waiting for one": ("pass", 17),
    "first the one, then the other": ("if i < 10: w.data -= 0.1 * w.grad", 17),
}


@pytest.mark.parametrize("kind", MANY)
def test_many_passes_are_told_as_few(kind: str) -> None:
    code, most = MANY[kind]
    found = after(f"for i in range(50):\n    (w * 1.0).sum().backward()\n    {code}")
    assert len(found.contributions) <= most
    assert sum(c.passes for c in found.contributions) == 50
    sums = np.sum([c.gradient.data for c in found.contributions if c.gradient.data is not None], axis=0)
    np.testing.assert_allclose(sums, [50.0, 50.0])


UPDATES = {
    "an optimizer": ("torch.optim.SGD([w], lr=0.1).step()", "SGD.step"),
    "by hand under no_grad": ("with torch.no_grad():\n    w -= 0.1 * w.grad", "in-place"),
    "through data": ("w.data -= 0.1 * w.grad.data", "in-place"),
    "data replaced": ("w.data = w.data - 0.1 * w.grad", "in-place"),
    "copied into": ("with torch.no_grad():\n    w.copy_(w - 0.1 * w.grad)", "in-place"),
    "with momentum": ("v = torch.zeros(2)\nv.mul_(0.9).add_(w.grad)\nw.data.sub_(0.1 * v)", "in-place"),
}


@pytest.mark.parametrize("how", UPDATES)
def test_an_update_is_told_with_what_it_used(how: str) -> None:
    code, by = UPDATES[how]
    (update,) = updates(f"{PASS}\n{code}")
    assert (update.name, update.by) == ("w", by)
    assert [(c.gradient.data, c.consumed) for c in update.contributions] == [([2.0, 4.0], 0)]


NO_UPDATES = [
    "with torch.no_grad():\n    w.clamp_(-1.0, 1.0)",
    "w.data.normal_()",
    "w.data.copy_(torch.ones(2))",
    "with torch.no_grad():\n    w.mul_(0.5)",
    "w.grad.mul_(0.5)",
]


@pytest.mark.parametrize("code", NO_UPDATES)
def test_a_change_that_does_not_use_the_gradient_is_no_update(code: str) -> None:
    assert updates(f"{PASS}\n{code}") == []


def updates(code: str) -> list[Update]:
    notebook = Notebook()
    notebook.quietly(LEAF)
    trace = notebook.run(code)
    assert trace.error is None
    return trace.updates


def test_scalars_are_leaves_as_well() -> None:
    notebook = Notebook()
    notebook.quietly("w = torch.tensor(3.0, requires_grad=True)")
    trace = notebook.run("(w * w).backward()\nwith torch.no_grad():\n    w -= 0.1 * w.grad\n(w * w).backward()")
    assert len(trace.updates) == 1
    assert [c.consumed for c in trace.ledgers[0].contributions] == [1, 0]


def test_a_ledger_dies_with_its_leaf() -> None:
    notebook = Notebook()
    notebook.quietly(LEAF)
    notebook.run(PASS)
    memory = id(notebook.namespace["w"])
    assert memory in ledger._ledgers
    notebook.quietly("del w")
    gc.collect()
    assert memory not in ledger._ledgers


@pytest.mark.parametrize("numbers", [[0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0], [1e30, 1e30]])
def test_fingerprints_tell_change_and_zero_without_a_warning(numbers: list[float]) -> None:
    data = np.array(numbers, np.float32)
    mark = prints.fingerprint(data)
    assert mark == prints.fingerprint(data.copy())
    assert (mark[0] == 0) == (not data.any())
    changed = data.copy()
    changed[0] += 2
    if np.isfinite(data).all() and abs(data).max() < 1e10:
        assert prints.fingerprint(changed) != mark
