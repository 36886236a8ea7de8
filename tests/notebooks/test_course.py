"""The course in a real kernel: as it is handed out, and as a learner leaves it who did every exercise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
COURSE = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 60
MOST_BYTES = 1_000_000
"""Of a notebook with all its outputs, as a file."""

BREAKS: dict[str, list[str]] = {
    "01": ["element 0 of tensors does not require grad and does not have a grad_fn"],
    "02": [
        "Only Tensors of floating point and complex dtype can require gradients",
        "element 0 of tensors does not require grad and does not have a grad_fn",
        "grad can be implicitly created only for scalar outputs",
    ],
    "04": [
        "Trying to backward through the graph a second time",
        "a leaf Variable that requires grad is being used in an in-place operation.",
        "unsupported operand type(s) for *: 'float' and 'NoneType'",
    ],
}
"""What the cells that are meant to fail say, by lesson, in PyTorch's words."""

SOLUTIONS: dict[str, tuple[str, str]] = {
    "01.1": ("...", "2 * 3"),
    "01.2": ("...", "-8"),
    "01.3": ("my_answer = ...", "y = x**3 - 2 * x\ny.backward()\nmy_answer = x.grad"),
    "01.4": ("...", "1 + 10"),
    "02.1": ("[..., ..., ..., ...]", "[True, False, True, False]"),
    "02.2": ("...", "3 * 2 * -2"),
    "02.3": ("...", "x.grad"),
    "02.4": ("...", "x.grad / 3"),
    "04.1": ("...", "3 * 6"),
    "04.2": ("    loss.backward()", "    optimizer.zero_grad()\n    loss.backward()"),
    "04.3": ("first.backward()\nsecond.backward()", "(first + second).backward()"),
    "04.4": ("w -= 0.1 * w.grad", "with torch.no_grad():\n    w -= 0.1 * w.grad"),
    "04.5": ("    w = w - 0.1 * w.grad", "    with torch.no_grad():\n        w -= 0.1 * w.grad\n    w.grad = None"),
    "04.6": ("optimizer.zero_grad()\n    optimizer.step()", "optimizer.step()\n    optimizer.zero_grad()"),
    "04.7": ("w.detach()", "w.detach().clone()"),
}
"""What a learner changes in the cell of each exercise."""


def lesson(path: Path) -> str:
    return path.name[:2]


def run(notebook: Any) -> Any:
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(ROOT)}}).execute()
    assert len(nbformat.writes(notebook).encode()) <= MOST_BYTES
    return notebook


def texts(cell: Any) -> str:
    """All that a cell put out, in plain text."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "\n".join(parts + [output.evalue for output in cell.outputs if output.output_type == "error"])


def may_fail(cell: Any) -> bool:
    return "raises-exception" in cell.metadata.get("tags", [])


@pytest.mark.parametrize("path", COURSE, ids=lesson)
def test_a_notebook_is_valid_and_holds_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("path", COURSE, ids=lesson)
def test_as_handed_out_it_runs_and_fails_only_where_it_says_so_in_pytorchs_words(path):
    notebook = run(nbformat.read(path, as_version=4))
    errors = [texts(cell) for cell in notebook.cells if cell.cell_type == "code" and may_fail(cell)]
    assert len(errors) == len(BREAKS[lesson(path)])
    for said, wanted in zip(errors, BREAKS[lesson(path)], strict=True):
        assert wanted in said


@pytest.mark.parametrize("path", COURSE, ids=lesson)
def test_every_exercise_can_be_solved(path):
    notebook = nbformat.read(path, as_version=4)
    solved = []
    for cell in notebook.cells:
        if exercise := re.search(r'nb\.check\("([\d.]+)"', cell.source):
            before, after = SOLUTIONS[exercise[1]]
            assert before in cell.source
            cell.source = cell.source.replace(before, after)
            solved.append((exercise[1], cell))
    run(notebook)
    for exercise, cell in solved:
        assert "Right." in texts(cell), f"{exercise}: {texts(cell)}"
    assert {name for name, _ in solved} == {name for name in SOLUTIONS if name.startswith(lesson(path))}


def test_running_a_cell_twice_brings_the_warning_that_lesson_four_speaks_of():
    notebook = nbformat.read(next(path for path in COURSE if lesson(path) == "04"), as_version=4)
    at = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("%%autograd\nloss = w**2"))
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(notebook.cells[at].source))
    notebook.cells = notebook.cells[: at + 3]
    run(notebook)
    assert "NB102" in texts(notebook.cells[at + 1])
    assert "12" in texts(notebook.cells[at + 1])
