"""The accumulation rules: what must be said, and, as important, what must not."""

# ruff: noqa: E501  (each idiom is a short program on one line)

from __future__ import annotations

import pytest

from tests.cells import Notebook

SETUP = """
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
X, Y = torch.randn(8, 3), torch.randn(8, 1)
def criterion(p, y): return ((p - y) ** 2).mean()
w = torch.tensor([1.0, 2.0], requires_grad=True)
def closure():
    optimizer.zero_grad(); loss = criterion(model(X), Y); loss.backward(); return loss
def clear():
    for p in model.parameters(): p.grad = None
"""

CORRECT = {
    "zero, backward, step": "for _ in range(3):\n optimizer.zero_grad(); criterion(model(X), Y).backward(); optimizer.step()",
    "backward, step, zero": "for _ in range(3):\n criterion(model(X), Y).backward(); optimizer.step(); optimizer.zero_grad()",
    "forward, zero, backward, step": "for _ in range(3):\n l = criterion(model(X), Y); optimizer.zero_grad(); l.backward(); optimizer.step()",
    "zeros kept": "for _ in range(3):\n optimizer.zero_grad(set_to_none=False); criterion(model(X), Y).backward(); optimizer.step()",
    "model.zero_grad": "for _ in range(3):\n model.zero_grad(); criterion(model(X), Y).backward(); optimizer.step()",
    "zeroing in a helper": "for _ in range(3):\n clear(); criterion(model(X), Y).backward(); optimizer.step()",
    "grad = 0.0 by data": "for _ in range(3):\n criterion(model(X), Y).backward(); optimizer.step()\n for p in model.parameters(): p.grad.data.zero_()",
    "grad zero_": "for _ in range(3):\n (w * w).sum().backward()\n with torch.no_grad(): w -= 0.1 * w.grad\n w.grad.zero_()",
    "update through data": "for _ in range(3):\n (w * w).sum().backward(); w.data -= 0.1 * w.grad.data; w.grad = None",
    "accumulation of micro-batches": "for i in range(6):\n (criterion(model(X), Y) / 3).backward()\n if i % 3 == 2: optimizer.step(); optimizer.zero_grad()",
    "several losses, one step": "for _ in range(3):\n optimizer.zero_grad(); criterion(model(X), Y).backward(); criterion(model(X * 2), Y).backward(); optimizer.step()",
    "list of losses": "for _ in range(2):\n optimizer.zero_grad(); ls = [criterion(model(X[i:i+4]), Y[i:i+4]) for i in (0, 4)]\n for l in ls: l.backward()\n optimizer.step()",
    "closure": "for _ in range(3): closure(); optimizer.step()",
    "two optimizers": """
G, D = nn.Linear(2, 3), nn.Linear(3, 1)
og, od = torch.optim.SGD(G.parameters(), lr=0.1), torch.optim.Adam(D.parameters(), lr=0.1)
for _ in range(3):
    z = torch.randn(4, 2)
    od.zero_grad(); (D(G(z).detach()).mean() - D(X[:4]).mean()).backward(); od.step()
    og.zero_grad(); (-D(G(z)).mean()).backward(); og.step()
""",
    "clipping": "for _ in range(3):\n optimizer.zero_grad(); criterion(model(X), Y).backward(); nn.utils.clip_grad_norm_(model.parameters(), 0.1); optimizer.step()",
    "weights clamped after the step": "for _ in range(3):\n optimizer.zero_grad(); criterion(model(X), Y).backward(); optimizer.step()\n with torch.no_grad():\n  for p in model.parameters(): p.clamp_(-1.0, 1.0)",
    "gradient never used": "v = torch.tensor(2.0, requires_grad=True); (v * v).backward(); print(v.grad)",
    "fresh leaf in the cell": "v = torch.tensor(2.0, requires_grad=True); (v * v).backward()",
    "autograd.grad": "for _ in range(3): torch.autograd.grad((w * w).sum(), w)",
    "retained graph, cleared between": "y = w * w; y.sum().backward(retain_graph=True); w.grad.zero_(); y.backward(torch.ones(2)); w.grad = None",
    "said so": "with nb.accumulate(2):\n (w * 1.0).sum().backward(); (w * 2.0).sum().backward()",
}


@pytest.mark.parametrize("idiom", CORRECT)
def test_correct_code_gets_no_warning(idiom: str) -> None:
    notebook = Notebook()
    notebook.quietly(SETUP)
    assert notebook.findings(CORRECT[idiom]) == []


BUGS = {
    "no zero_grad": ("NB101", "for _ in range(3):\n criterion(model(X), Y).backward(); optimizer.step()"),
    "no zero_grad, Adam": (
        "NB101",
        "o = torch.optim.Adam(model.parameters())\nfor _ in range(3):\n criterion(model(X), Y).backward(); o.step()",
    ),
    "by hand": ("NB101", "for _ in range(2):\n (w * w).sum().backward()\n with torch.no_grad(): w -= 0.1 * w.grad"),
    "by hand through data": ("NB101", "for _ in range(2):\n (w * w).sum().backward(); w.data -= 0.1 * w.grad"),
    "zeroed once before the loop": (
        "NB101",
        "optimizer.zero_grad()\nfor _ in range(3):\n criterion(model(X), Y).backward(); optimizer.step()",
    ),
    "zeroing another model": (
        "NB101",
        "m2 = nn.Linear(3, 1)\nfor _ in range(3):\n m2.zero_grad(); criterion(model(X), Y).backward(); optimizer.step()",
    ),
    "cleared before the step": (
        "NB103",
        "for _ in range(2):\n criterion(model(X), Y).backward(); optimizer.zero_grad(); optimizer.step()",
    ),
    "cleared by hand before the step": ("NB103", "criterion(model(X), Y).backward(); clear(); optimizer.step()"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    code, cell = BUGS[bug]
    notebook = Notebook()
    notebook.quietly(SETUP)
    assert [f.code for f in notebook.findings(cell)] == [code]


def test_the_same_cell_twice_is_told_with_values_runs_and_lines() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)")
    cell = "y = x**2\ny.backward()"
    assert notebook.findings(cell) == []
    (finding,) = notebook.findings(cell)
    assert finding.code == "NB102"
    assert finding.message == (
        "x.grad is 12 = 6 from the first run of this cell (line 2) + 6 from the second run of this cell (line 2). "
        "backward() adds to .grad, and nothing cleared it in between."
    )
    assert "x.grad = None" in finding.hint
    assert "nb.accumulate(2)" in finding.hint
    assert finding.mute == "%%autograd --mute NB102"


def test_a_cell_run_again_after_clearing_is_fine() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)")
    cell = "(x**2).backward()"
    notebook.run(cell)
    notebook.quietly("x.grad = None")
    assert notebook.findings(cell) == []


def test_two_different_cells_may_add_up_and_are_only_noted() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)")
    (note,) = notebook.findings("(x**2).backward()", "(x * 5.0).backward()")
    assert (note.code, note.severity, note.title) == ("NB100", "note", "2 contributions: In [2], In [3]")
    assert note.message == "x.grad is 11: 6 from In [2] (line 1) + 5 from the first run of this cell (line 1)."


def test_a_training_cell_run_again_is_fine() -> None:
    notebook = Notebook()
    notebook.quietly(SETUP)
    cell = CORRECT["backward, step, zero"]
    assert notebook.findings(cell, cell, cell) == []


def test_findings_can_be_muted_and_chosen() -> None:
    from nbautograd import lint

    notebook = Notebook()
    notebook.quietly(SETUP)
    trace = notebook.run(BUGS["no zero_grad"][1])
    assert [f.code for f in lint.check(trace)] == ["NB101"]
    assert lint.check(trace, mute=["NB101"]) == []
    assert lint.check(trace, mute=["NB1"]) == []
    assert lint.check(trace, only=["NB2"]) == []


def test_every_finding_has_a_manual_page() -> None:
    from nbautograd import lint

    for code in lint.checks():
        assert lint.manual(code).startswith(f"{code}: ")


def test_the_stale_gradient_is_told_with_its_lines() -> None:
    notebook = Notebook()
    notebook.quietly(SETUP)
    (finding,) = notebook.findings("for _ in range(3):\n    criterion(model(X), Y).backward()\n    optimizer.step()")
    assert finding.message.startswith("SGD.step() at line 3, in step 1, used model.bias.grad = [")
    assert finding.message.endswith(" from this one. The same holds for model.weight.")
    assert finding.hint == "add `optimizer.zero_grad()` before line 2"


def test_the_gradient_that_is_told_is_short_and_not_zero() -> None:
    notebook = Notebook()
    for name, size in (("dead", 1), ("long", 9), ("short", 2)):
        notebook.quietly(f"{name} = torch.ones({size}, requires_grad=True)")
    cell = "((dead * 0).sum() + long.sum() + short.sum()).backward()"
    twice = [notebook.run(cell).findings for _ in range(2)][1]
    assert [finding.message for finding in twice] == [
        "short.grad is [2, 2] = [1, 1] from the first run of this cell (line 1) + [1, 1] from the second run of this "
        "cell (line 1). backward() adds to .grad, and nothing cleared it in between. The same holds for long."
    ]


def test_the_hint_calls_the_optimizer_as_the_code_does() -> None:
    notebook = Notebook()
    notebook.quietly(SETUP + "\nopt = optimizer")
    (finding,) = notebook.findings("for _ in range(3):\n    criterion(model(X), Y).backward()\n    opt.step()")
    assert finding.hint == "add `opt.zero_grad()` before line 2"


def test_means_that_are_added_up_undivided_are_noted() -> None:
    notebook = Notebook()
    notebook.quietly(SETUP)
    halves = (
        "with nb.accumulate(2):\n for i in (0, 4):\n  loss = criterion(model(X[i:i+4]), Y[i:i+4]){}\n  loss.backward()"
    )
    assert notebook.findings(halves.format(" / 2")) == []
    notebook.quietly("optimizer.zero_grad()")
    trace = notebook.run(halves.format(""), cell="undivided")
    (finding,) = [f for f in trace.findings if f.code == "NB104"]
    assert finding.severity == "note"
    assert "`(loss / 2).backward()`" in finding.hint
    sums = halves.replace("criterion(model(X[i:i+4]), Y[i:i+4])", "(model(X[i:i+4]) ** 2).sum()")
    assert notebook.findings(sums.format("")) == []


def test_of_very_many_cells_the_title_names_a_few() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)")
    note = notebook.findings(*(f"(x * {n}.0).backward()" for n in range(1, 9)))[-1]
    assert note.title == "8 contributions: In [2], In [3], In [4], …, In [9]"
    note = notebook.findings(*(f"(x * {n}.0).backward()" for n in range(9, 41)))[-1]
    assert note.title == "40 contributions: In [2], In [3], In [4], …, In [41]"
    assert " and 23 more passes + " in note.message
