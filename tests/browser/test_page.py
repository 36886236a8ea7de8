"""The single-file page plays from disk, with nothing from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nbautograd.export.html import to_html
from nbautograd.trace.codec import from_dict

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.browser
def test_a_saved_page_plays_from_disk(page: Page, tmp_path: Path) -> None:
    trace = json.loads((GOLDEN / "fan_out.json").read_text())["trace"]
    file = tmp_path / "trace.html"
    file.write_text(to_html(from_dict(trace)), encoding="utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(file.as_uri())

    expect(page.locator('[data-role="node"]')).to_have_count(len(trace["values"]))
    page.locator('[data-role="first"]').click()
    page.locator('[data-role="step"]').click()
    expect(page.locator('[data-role="live"]')).to_contain_text("Step 1")
    assert {url.split(":")[0] for url in asked} <= {"file", "blob"}
