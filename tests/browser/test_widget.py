"""The live widget alone, as VS Code and Colab draw it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import Desk

SHOW = """\
import nbautograd as torch
from nbautograd.notebook.widget import TraceView
from nbautograd.trace.codec import to_dict
x = torch.tensor(2.0, requires_grad=True)
with torch.trace() as trace:
    (x * x).backward()
view = TraceView(trace=to_dict(trace))
view"""

UPDATE = """\
with torch.trace() as trace:
    (x * x * x).backward()
view.trace = to_dict(trace)"""


@pytest.mark.browser
def test_the_widget_draws_its_trace_and_follows_its_updates(desk: Desk) -> None:
    notebook = desk.open(SHOW, UPDATE)
    nodes = notebook.run(0).locator('[data-role="node"]')
    expect(nodes).to_have_count(2)

    notebook.run(1)

    expect(nodes).to_have_count(3)
