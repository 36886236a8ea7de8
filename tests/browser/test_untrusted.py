"""A notebook from a stranger: every text of its trace tries to run code, and none of it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from nbautograd.trace.model import MIME_TYPE

from .conftest import Desk

GOLDEN = Path(__file__).parents[1] / "golden"

HARM = "window.harmed=1"
PAYLOADS = [
    f"<script>{HARM}</script>",
    f'<img src=x onerror="{HARM}">',
    f"\"><svg onload='{HARM}'>",
    f"</text></svg><iframe srcdoc='<script>parent.{HARM}</script>'>",
    f"]]><foreignObject><body onpageshow={HARM}>",
    f"<details open ontoggle={HARM}>",
    f"javascript:{HARM}",
    f"$\\href{{javascript:{HARM}}}{{x}}$",
    f"{{{{constructor.constructor('{HARM}')()}}}}",
    "<a data-commandlinker-command='apputils:reset' id='main' name='body'>click</a>",
]
CHOICES = {"kind", "severity", "min", "max", "mean", "std", "norm", "data", "loss", "grad_norm"}
"""Fields whose texts are one of a few words: a trace with another word there is refused as a whole."""


def poisoned(data: Any, payload: str) -> Any:
    """The trace with the payload in the place of every text that may say anything."""
    if isinstance(data, dict):
        return {
            key: value if key in CHOICES and key != "data" else poisoned(value, payload) for key, value in data.items()
        }
    if isinstance(data, list):
        return [poisoned(item, payload) for item in data]
    return payload if isinstance(data, str) and data not in ("nan", "inf", "-inf") else data


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
