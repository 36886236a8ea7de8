"""A notebook from a stranger: every text of its trace tries to run code, and none of it does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from nbautograd.trace.model import MIME_TYPE
from tests.payloads import PAYLOADS, poisoned

from .conftest import Desk

GOLDEN = Path(__file__).parents[1] / "golden"


TRACE = json.loads((GOLDEN / "fan_out.json").read_text())["trace"]
MOST_ITEMS = 450_000
"""As in labextension/src/graph/validate.ts."""


def stranger(traces: Iterable[Any]) -> nbformat.NotebookNode:
    cells = []
    for trace in traces:
        output = nbformat.v4.new_output("display_data", {"text/plain": "in words", MIME_TYPE: trace})
        cells.append(nbformat.v4.new_code_cell("", outputs=[output], execution_count=1))
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "gone", "display_name": "Gone"}})


def chain(ops: int) -> dict[str, Any]:
    """A trace of so many ops, one after the other, that says of each as little as it may."""
    scalar = {"shape": [], "dtype": "float32"}
    values = [{"id": i + 1, "kind": "op", "op": i, **scalar} for i in range(ops)]
    seed = {"kind": "seed", "value": ops, "gradient": scalar}
    return TRACE | {
        "values": [{"id": 0, "kind": "leaf", "requires_grad": True, **scalar}, *values],
        "ops": [{"id": i, "name": "mul", "inputs": [i], "outputs": [i + 1]} for i in range(ops)],
        "passes": [{"id": 0, "kind": "backward", "roots": [ops], "events": [seed]}],
        **{key: [] for key in ("ledgers", "updates", "findings", "steps", "scopes")},
    }


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def size(trace: Any) -> int:
    """How many fields and list elements it has."""
    inner = trace.values() if isinstance(trace, dict) else trace if isinstance(trace, list) else ()
    return len(inner) + sum(map(size, inner))


REFUSED = {
    "giant": TRACE | {"values": [0] * (MOST_ITEMS + 1)},
    "long": TRACE | {"error": "a" * 4_000_001},
    "a circle": TRACE | {"ops": [op | {"inputs": op["outputs"]} for op in TRACE["ops"]]},
    "deep": TRACE | {"values": nested(400)},
    "no number": TRACE | {"op_count": "NaN"},
    "swelling": {
        "version": "packed-1",
        "shapes": [list(TRACE)],
        "shared": [[-1, 1, 1], *([-1, *[f"#{i}"] * 10] for i in range(30))],
        "trace": [0, *("#30" if key == "values" else value for key, value in TRACE.items() if key != "#")],
    },
}


@pytest.mark.browser
def test_what_is_giant_circular_or_deep_is_answered_with_its_text_and_the_page_lives_on(desk: Desk) -> None:
    largest = chain(34_000)
    assert 0.95 * MOST_ITEMS < size(largest) < MOST_ITEMS

    notebook = desk.put(stranger([*REFUSED.values(), largest, TRACE])).without_kernel()

    for index, name in enumerate(REFUSED):
        output = notebook.output(index)
        output.scroll_into_view_if_needed()
        expect(output.locator('[data-role="refused"]'), name).to_contain_text("cannot be shown")
        expect(output.locator('[data-role="fallback"]'), name).to_have_text("in words")
    for index in len(REFUSED), len(REFUSED) + 1:
        output = notebook.output(index)
        output.scroll_into_view_if_needed()
        output.locator('[data-role="first"]').click()
        output.locator('[data-role="step"]').click()
        expect(output.locator('[data-role="live"]')).to_contain_text("Step 1")


@pytest.mark.browser
def test_nothing_in_a_strangers_trace_runs(desk: Desk) -> None:
    notebook = desk.put(stranger(poisoned(TRACE, payload) for payload in PAYLOADS)).without_kernel()
    for index in range(len(PAYLOADS)):
        output = notebook.output(index)
        output.scroll_into_view_if_needed()
        expect(output.locator('[data-role="node"]').first).to_be_visible()
        output.locator('[data-role="first"]').click()
        for tab in output.get_by_role("tab").all():
            tab.click()

    assert notebook.page.evaluate("window.harmed") is None
    assert notebook.page.locator(".nbautograd-host [data-commandlinker-command], .nbautograd-host [id]").count() == 0
