"""The single-file page plays from disk, with nothing from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

import nbautograd as torch
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


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_line_written_by_hand_lights_up_with_its_node(
    page: Page, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    trace = from_dict(json.loads((GOLDEN / "rnn.json").read_text())["trace"])
    file = tmp_path / "trace.html"
    file.write_text(to_html(trace), encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    lines = page.locator('[data-role="hand"] li')
    now = page.locator('[data-role="hand"] li.now')

    page.get_by_role("tab", name="By hand").press("Enter")
    expect(lines).to_have_text([re.compile(rf"\d*{re.escape(line)}") for line in trace.source().splitlines()])
    page.locator('[data-role="first"]').click()
    for _ in range(3):
        page.locator('[data-role="step"]').click()
    expect(now).to_have_attribute("data-step", "3")
    expect(now).to_be_in_viewport()

    page.locator('[data-role="last"]').click()
    expect(now).to_be_in_viewport()
    assert page.evaluate("scrollY") == 0

    now.press("ArrowUp")
    page.locator('[data-role="hand"] li:focus').press("Enter")
    expect(now).to_have_attribute("data-step", str(sum(e.kind != "free" for e in trace.passes[0].events) - 1))

    lines.filter(has_text="d_h_6 =").hover()
    expect(page.locator('[data-role="node"].lit')).not_to_have_count(0)
    page.locator('[data-role="node"]').last.hover()
    expect(page.locator('[data-role="hand"] li.lit').last).to_be_in_viewport()


COVERED = """root => {
    const [card, svg] = ['[data-role=card]', 'svg.scene'].map(q => root.querySelector(q).getBoundingClientRect());
    const drawn = [...root.querySelectorAll('[data-role=node]')].map(node => node.getBoundingClientRect());
    return drawn.filter(b => b.top < svg.bottom && b.left < card.right && card.left < b.right
        && b.top < card.bottom && card.top < Math.min(b.bottom, svg.bottom)).length;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [1200, 700, 400])
def test_the_card_of_a_step_covers_no_node(page: Page, tmp_path: Path, width: int) -> None:
    trace = from_dict(json.loads((GOLDEN / "rnn.json").read_text())["trace"])
    file = tmp_path / "trace.html"
    file.write_text(to_html(trace), encoding="utf-8")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    page.goto(file.as_uri())
    card = page.locator('[data-role="card"]')
    stage = page.locator('[data-role="stage"]')

    page.locator('[data-role="first"]').click()
    for _ in range(12):
        page.locator('[data-role="step"]').click()
        expect(card).to_be_visible()
        assert stage.evaluate(COVERED) == 0


OVER_THE_PICTURE = """root => {
    const svg = root.querySelector('svg.scene').getBoundingClientRect();
    const others = [...root.querySelectorAll('button, select, input, span, p')]
        .map(each => each.getBoundingClientRect());
    return others.filter(b => b.width && b.top < svg.bottom && svg.top < b.bottom && b.left < svg.right).length;
}"""

NEIGHBOURS_COVERED = """stage => {
    const boxes = selector => [...stage.querySelectorAll(selector)].map(each => each.getBoundingClientRect());
    const neighbours = boxes('[data-kind=group] .body-shape, [data-key*="@/"] .body-shape');
    return boxes('.hull rect').filter(a => neighbours.some(
        b => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length;
}"""


@pytest.fixture
def unrolled(page: Page, tmp_path: Path) -> Page:
    """A recurrent net of twelve steps, each folded into a box."""
    h, w, u = torch.zeros(2, 8), torch.randn(4, 8, requires_grad=True), torch.randn(8, 8, requires_grad=True)
    with torch.trace() as trace:
        for x in torch.randn(12, 2, 4):
            h = torch.tanh(x @ w + h @ u)
        h.sum().backward()
    file = tmp_path / "trace.html"
    file.write_text(to_html(trace), encoding="utf-8")
    page.emulate_media(reduced_motion="reduce")
    page.goto(file.as_uri())
    return page


@pytest.mark.browser
@pytest.mark.parametrize("width", [1200, 320])
def test_no_button_and_no_hint_lies_over_the_picture(unrolled: Page, width: int) -> None:
    unrolled.set_viewport_size({"width": width, "height": 900})
    view = unrolled.locator(".root")
    expect(view.locator('[data-role="hidden"]')).to_contain_text("in closed boxes")
    assert view.evaluate(OVER_THE_PICTURE) == 0

    view.locator('[data-kind="group"]').last.press("Enter")

    expect(view.locator('[data-role="crumb"]')).to_have_count(1)
    assert view.evaluate(OVER_THE_PICTURE) == 0


@pytest.mark.browser
def test_an_opened_step_is_in_sight_and_lies_over_no_neighbour(unrolled: Page) -> None:
    stage = unrolled.locator('[data-role="stage"]')

    stage.locator('[data-kind="group"]').nth(-3).press("Enter")

    expect(stage.locator(".hull rect").first).to_be_in_viewport()
    expect(stage.locator(".hull rect")).to_have_count(7)
    assert stage.evaluate(NEIGHBOURS_COVERED) == 0
