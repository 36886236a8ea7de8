"""A trace in an output: its forms, their size, and one widget for all runs of a cell, in real kernels."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import nbautograd as torch
from nbautograd.notebook import display
from nbautograd.trace import codec
from nbautograd.trace.model import MIME_TYPE, Trace

WIDGET = "application/vnd.jupyter.widget-view+json"

RUN_A_THOUSAND_TIMES = """\
import nbautograd as torch
from ipywidgets.widgets import widget
from nbautograd.notebook.display import views
from nbautograd.notebook.widget import TraceView

x = torch.tensor(2.0, requires_grad=True)
with torch.trace() as trace:
    (x * x).backward()

def show(runs):
    for _ in range(runs):
        views.show("cell", trace)
    return len(widget._instances)

assert show(1) > 0
assert show(1000) == show(1)"""

SHOW = """\
import nbautograd as torch
from nbautograd.notebook.display import views
x = torch.tensor(2.0, requires_grad=True)
with torch.trace() as trace:
    (x * x).backward()
views.show("cell", trace)"""


def traced(ops: int) -> Trace:
    x = torch.tensor(1.0, requires_grad=True)
    with torch.trace() as trace:
        y = x
        for _ in range(ops):
            y = y * 1.01
        y.backward()
    return trace


@pytest.fixture
def kernel() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def execute(kernel: BlockingKernelClient, code: str, cell: str | None) -> list[dict[str, Any]]:
    """Run code as an application does that names its cells, or as one that does not; what was displayed."""
    message = kernel.session.msg("execute_request", {"code": code, "silent": False, "store_history": True})
    message["metadata"] = {"cellId": cell} if cell else {}
    kernel.shell_channel.send(message)
    displays = []
    while True:
        reply = kernel.get_iopub_msg(timeout=60)
        if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if reply["msg_type"] == "error":
            pytest.fail("\n".join(reply["content"]["traceback"]))
        if reply["msg_type"] == "display_data":
            displays.append(reply["content"]["data"])
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return displays


def test_a_bundle_holds_text_picture_and_trace() -> None:
    forms = display.bundle(traced(3))

    assert set(forms) == {"text/plain", "image/svg+xml", MIME_TYPE}
    assert forms["image/svg+xml"].startswith("<svg")
    assert len(forms[MIME_TYPE]["ops"]) == 3


def test_a_static_bundle_holds_text_and_picture_only() -> None:
    assert set(display.bundle(traced(3), static=True)) == {"text/plain", "image/svg+xml"}


def test_a_large_trace_is_folded_to_its_cap_and_says_so() -> None:
    forms = display.bundle(traced(1500), max_payload_kb=64)

    assert len(json.dumps(forms[MIME_TYPE], ensure_ascii=False, separators=(",", ":")).encode()) <= 64 * 1024
    assert codec.from_dict(forms[MIME_TYPE]).folds


def test_an_application_that_names_its_cells_gets_the_live_widget(kernel: BlockingKernelClient) -> None:
    (forms,) = execute(kernel, SHOW, cell="a1")
    assert set(forms) == {"text/plain", "image/svg+xml", MIME_TYPE, WIDGET}
    assert "TraceView" not in forms["text/plain"]


def test_a_thousand_runs_of_a_cell_share_one_widget(kernel: BlockingKernelClient) -> None:
    execute(kernel, RUN_A_THOUSAND_TIMES, cell="a1")


def test_a_notebook_run_by_a_program_stores_no_widget_and_no_code() -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHOW)])
    NotebookClient(book, timeout=60, kernel_name="python3").execute()

    (output,) = book.cells[0].outputs
    assert set(output.data) == {"text/plain", "image/svg+xml", MIME_TYPE}
    assert "widgets" not in book.metadata


def test_nbconvert_shows_the_picture(kernel: BlockingKernelClient) -> None:
    (forms,) = execute(kernel, SHOW, cell="a1")
    output = nbformat.v4.new_output("display_data", forms)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHOW, outputs=[output])])

    page, _ = HTMLExporter().from_notebook_node(book)

    assert base64.b64encode(forms["image/svg+xml"].encode()).decode() in page
    assert forms[WIDGET]["model_id"] not in page


def test_without_the_front_end_the_picture_stays_and_one_line_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(display, "FRONT_END", tmp_path / "widget.js")
    trace = traced(1)
    display._say_that_the_front_end_is_missing.cache_clear()

    display.Views().show("cell", trace)
    display.Views().show("cell", trace)

    assert capsys.readouterr().err.count("make lab") == 1
