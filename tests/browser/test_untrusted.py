"""A notebook from a stranger: every text of its trace tries to run code, and none of it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from nbautograd.trace.model import MIME_TYPE
from tests.payloads import PAYLOADS, poisoned

from .conftest import Desk

GOLDEN = Path(__file__).parents[1] / "golden"


def stranger(trace: dict[str, Any]) -> nbformat.NotebookNode:
    cells = []
    for payload in PAYLOADS:
        output = nbformat.v4.new_output("display_data", {"text/plain": "a trace", MIME_TYPE: poisoned(trace, payload)})
        cells.append(nbformat.v4.new_code_cell("", outputs=[output], execution_count=1))
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "gone", "display_name": "Gone"}})


@pytest.mark.browser
def test_nothing_in_a_strangers_trace_runs(desk: Desk) -> None:
    trace = json.loads((GOLDEN / "fan_out.json").read_text())["trace"]

    notebook = desk.put(stranger(trace)).without_kernel()
    for index in range(len(PAYLOADS)):
        output = notebook.output(index)
        output.scroll_into_view_if_needed()
        expect(output.locator('[data-role="node"]').first).to_be_visible()
        output.locator('[data-role="first"]').click()
        for tab in output.get_by_role("tab").all():
            tab.click()

    assert notebook.page.evaluate("window.harmed") is None
    assert notebook.page.locator(".nbautograd-host [data-commandlinker-command], .nbautograd-host [id]").count() == 0
