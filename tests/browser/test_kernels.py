"""Notebooks beside each other, and kernels that come and go: every view stays with its own notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import Desk, book_of
from .test_traced_cell import GRADS, SET_UP, TRACED, gradient, node_of, play, role, trace_of

LONG = """\
%%autograd
import time
time.sleep(2)
(x * w * x * w).backward()"""

HINT = "No trace yet"

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_of_two_notebooks_each_keeps_to_itself(desk: Desk) -> None:
    cells = SET_UP, TRACED, LONG
    book = book_of(*cells)
    other = desk.write(book)  # a copy: the cells' ids are the same
    with desk.kernel_comes():
        notebook = desk.put(book)
    notebook.run(0)
    notebook.run(1)
    sidebar = notebook.open_sidebar()
    nodes = role(sidebar, "node")
    expect(nodes).to_have_count(4)

    with desk.kernel_comes():
        desk.turn_to(other)
    expect(sidebar.get_by_text(HINT)).to_be_visible()
    notebook.run(0)
    notebook.run(2)
    expect(nodes).to_have_count(5)
    role(notebook.output(2), "node").last.hover()
    expect(desk.page.locator(".nbautograd-lit")).to_have_text(["(x * w * x * w).backward()"])

    desk.turn_to(notebook.name)
    expect(nodes).to_have_count(4)
    prompt = notebook.cell(2).locator(".jp-InputPrompt").element_handle()
    notebook.cell(2).locator(".cm-content").click()
    desk.page.keyboard.press("Control+Enter")
    desk.turn_to(other)
    expect(nodes).to_have_count(5)
    role(sidebar, "first").click()
    desk.page.wait_for_function("prompt => /\\d/.test(prompt.textContent)", arg=prompt)
    expect(role(sidebar, "scrub")).to_have_value("0")


def test_a_restarted_kernel_leaves_views_that_play_and_begins_anew(desk: Desk) -> None:
    notebook = desk.open(SET_UP, TRACED, GRADS)
    notebook.run(0)
    notebook.run(0)  # so that no cell will get the number again that it has
    notebook.run(1)
    trace = trace_of(notebook.save())
    sidebar = notebook.open_sidebar()

    with desk.kernel_comes():
        notebook.choose("Kernel", "Restart Kernel…")
        desk.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()

    for where in (notebook.output(1), sidebar):
        play(where)
        assert gradient(node_of(where, trace, "x")) == 4.0

    notebook.run(0)
    output = notebook.run(1)
    expect(role(output, "finding")).to_have_count(0)
    assert notebook.run(2).inner_text().split() == ["4.0", "2.0"]


def test_a_dead_kernel_leaves_views_that_play(desk: Desk) -> None:
    notebook = desk.open(SET_UP, TRACED)
    notebook.run(0)
    notebook.run(1)
    trace = trace_of(notebook.save())

    notebook.choose("Kernel", "Shut Down Kernel")

    play(notebook.output(1))
    assert gradient(node_of(notebook.output(1), trace, "x")) == 4.0
