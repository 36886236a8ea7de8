"""A traced cell from end to end, as a person meets it in JupyterLab and in Notebook 7."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from nbautograd.trace.model import MIME_TYPE

from .conftest import Desk, Notebook

SET_UP = """\
%load_ext nbautograd
import nbautograd as torch
x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)"""

TRACED = """\
%%autograd
y = x * w
loss = y + x
loss.backward()"""

GRADS = "print(x.grad.item(), w.grad.item())"

LIT = re.compile(r"\blit\b")

pytestmark = pytest.mark.browser


@pytest.fixture
def run_once(desk: Desk) -> Notebook:
    notebook = desk.open(SET_UP, TRACED, GRADS)
    notebook.run(0)
    notebook.run(1)
    return notebook


def role(where: Locator, name: str) -> Locator:
    return where.locator(f'[data-role="{name}"]')


def trace_of(book: nbformat.NotebookNode, cell: int = 1) -> dict[str, Any]:
    return next(output.data[MIME_TYPE] for output in book.cells[cell].outputs if MIME_TYPE in output.get("data", {}))


def node_of(where: Locator, trace: dict[str, Any], name: str) -> Locator:
    value = next(value["id"] for value in trace["values"] if value.get("name") == name)
    return where.locator(f'[data-role="node"][data-value="{value}"]')


def gradient(node: Locator) -> float:
    return float(re.findall(r"-?[\d.]+(?:e-?\d+)?", role(node, "grad").text_content() or "")[-1])


def play(where: Locator) -> None:
    """From the first frame to the last."""
    scrub = role(where, "scrub")
    role(where, "first").click()
    expect(scrub).to_have_value("0")
    role(where, "play").click()
    expect(scrub).to_have_value(scrub.get_attribute("max") or "")


def test_the_gradients_on_the_last_frame_are_those_in_grad(run_once: Notebook) -> None:
    output = run_once.output(1)
    trace = trace_of(run_once.save())
    expect(role(output, "node")).to_have_count(len(trace["values"]))

    play(output)

    printed = [float(number) for number in run_once.run(2).inner_text().split()]
    assert [gradient(node_of(output, trace, name)) for name in ("x", "w")] == printed == [4.0, 2.0]


def test_a_step_says_in_words_what_happened(run_once: Notebook) -> None:
    output = run_once.output(1)
    role(output, "first").click()

    role(output, "step").click()

    expect(role(output, "live")).to_contain_text("Step 1")


def test_a_second_run_is_told_about_the_accumulated_gradient(run_once: Notebook) -> None:
    expect(role(run_once.output(1), "finding")).to_have_count(0)

    output = run_once.run(1)

    expect(role(output, "finding").first).to_be_visible()
    messages = " ".join(finding["message"] for finding in trace_of(run_once.save())["findings"])
    assert "x.grad" in messages
    assert "8" in messages


@pytest.mark.parametrize("trusted", [False, True], ids=["untrusted", "trusted"])
def test_a_saved_notebook_plays_without_a_kernel(run_once: Notebook, desk: Desk, trusted: bool) -> None:
    book = run_once.save()
    book.metadata = nbformat.from_dict({"kernelspec": {"name": "gone", "display_name": "Gone"}})

    saved = desk.put(book, trusted=trusted).without_kernel()
    play(saved.output(1))

    assert gradient(node_of(saved.output(1), trace_of(book), "x")) == 4.0


def test_the_saved_notebook_holds_no_front_end_code(run_once: Notebook) -> None:
    assert "widgets" not in run_once.save().metadata


def test_hovering_a_node_lights_the_line_that_made_it(run_once: Notebook) -> None:
    trace = trace_of(run_once.save())
    lit = run_once.cell(1).locator(".cm-line.nbautograd-lit")

    node_of(run_once.output(1), trace, "y").hover()
    expect(lit).to_have_text("y = x * w")

    node_of(run_once.output(1), trace, "loss").hover()
    expect(lit).to_have_text("loss = y + x")

    run_once.cell(0).hover()
    expect(lit).to_have_count(0)


def test_hovering_a_line_lights_the_nodes_that_it_made(run_once: Notebook) -> None:
    trace = trace_of(run_once.save())
    y, loss = (node_of(run_once.output(1), trace, name) for name in ("y", "loss"))

    run_once.cell(1).locator(".cm-line", has_text="y = x * w").hover()
    expect(y).to_have_class(LIT)

    run_once.cell(1).locator(".cm-line", has_text="loss = y + x").hover()
    expect(loss).to_have_class(LIT)
    expect(y).not_to_have_class(LIT)


def test_the_sidebar_shows_the_trace_of_the_cell_that_ran(run_once: Notebook) -> None:
    sidebar = run_once.open_sidebar()

    expect(role(sidebar, "node")).to_have_count(len(trace_of(run_once.save())["values"]))
