"""What leaves the notebook: each form holds the story, and nothing that a name could smuggle in."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import nbautograd.export
from nbautograd.export import html, save
from nbautograd.export.dot import to_dot
from nbautograd.export.svg import to_svg
from nbautograd.export.text import to_text
from nbautograd.export.words import sums
from nbautograd.trace import codec
from nbautograd.trace.model import Cell, Finding, Fold, Summary, Trace

from . import traces

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "style", "title", "desc", "rect", "g", "path", "text", "tspan"}
EVERY_TRACE = [pytest.param(make, id=name) for name, (make, _) in traces.GOLDEN.items()]


def texts(svg: str, element: str = "text") -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(SVG + element)]


# --- svg ---


def test_the_picture_shows_values_gradients_and_how_leaves_came_to_theirs() -> None:
    shown = texts(to_svg(traces.dot()))
    assert {"x", "[1, 2]", "×", "[3, -2]", "∇ [1, 1]", "loss = 1"} <= set(shown)
    assert "↺ .grad [6, -2] = [3, -1] + [3, -1]" in shown


def test_a_fan_out_shows_the_sum_of_its_paths() -> None:
    assert "∇ -10 = 2 − 6 − 6" in texts(to_svg(traces.fan_out()))


def test_the_picture_bears_a_badge_and_the_finding_in_words() -> None:
    svg = to_svg(traces.dot())
    assert texts(svg, "title").count("x.grad is the sum of two backward passes") == 2
    assert "⚠ x.grad is the sum of two backward passes" in texts(svg)
    assert "→ x.grad = None before loss.backward()" in texts(svg)


def test_code_between_backticks_is_set_as_code_also_where_its_line_is_broken() -> None:
    trace = traces.dot()
    trace.findings[0].hint = f"put `%zerograd` first, or {'make it anew, ' * 8}and type `with nb.accumulate(2):` once"
    root = ElementTree.fromstring(to_svg(trace))
    code = " ".join(each.text or "" for each in root.iter(f"{SVG}tspan") if "mono" in each.get("font-family", ""))
    assert "%zerograd" in code
    assert "with nb.accumulate(2):" in code
    assert "make it anew" not in code
    assert "`" not in "".join(texts(to_svg(trace)))


def test_the_picture_tells_its_story_to_those_who_cannot_see_it() -> None:
    (description,) = texts(to_svg(traces.fan_out()), "desc")
    assert description == "Backward began at d, 24. a.grad is 24. b.grad is -20."


def test_a_sum_is_shown_by_its_numbers_or_not_at_all() -> None:
    assert sums([Summary([2], "float32", data=[3, -1])] * 2) == "[3, -1] + [3, -1]"
    assert sums([Summary([9, 4], "float32", data=[0.123] * 36)] * 2) is None


def test_a_cell_that_raised_says_so() -> None:
    assert "✕ ValueError: <b>no</b>" in [text.strip() for text in texts(to_svg(traces.hostile()))]


def test_a_large_trace_is_folded_and_says_so() -> None:
    svg = to_svg(traces.chain(3_000))
    assert len(svg) < 100_000
    assert any("3,000 ops" in text for text in texts(svg))
    assert any("folded into the boxes" in text for text in texts(svg))


def test_what_the_recorder_folded_is_said() -> None:
    trace = traces.dot()
    trace.folds.append(Fold("steps", 9_900, "more than 100 steps"))
    trace.folds += [Fold("ops", 1, "more than 100 steps"), Fold("passes", 1, "it is wide")]
    assert "⋯ 9,900 steps, 1 op not kept: more than 100 steps" in texts(to_svg(trace))
    assert "1 pass not kept: it is wide" in texts(to_svg(trace))


def test_an_empty_trace_is_a_picture_too() -> None:
    svg = to_svg(Trace(Cell("c", "In [1]")))
    assert "In [1]0 ops, no backward pass" in texts(svg)


@pytest.mark.parametrize("make", EVERY_TRACE)
@pytest.mark.parametrize("dark", [None, False, True])
def test_the_picture_is_wellformed_and_stands_alone(make: traces.Make, dark: bool | None) -> None:
    root = ElementTree.fromstring(to_svg(make(), dark=dark))
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS
        assert not {"id", "name", "href"} & set(element.keys())
        assert not any(key.startswith(("on", "data-")) or "url(" in value for key, value in element.items())


def test_the_picture_follows_the_page_unless_told() -> None:
    assert "prefers-color-scheme" in to_svg(traces.dot())
    assert "<style>" not in to_svg(traces.dot(), dark=True)
    assert 'fill="#16191d"' in to_svg(traces.dot(), dark=True)


def test_kinds_of_nodes_differ_by_form_and_not_only_by_colour() -> None:
    root = ElementTree.fromstring(to_svg(traces.rnn(5)))
    forms = {(rect.get("rx"), rect.get("stroke-dasharray")) for rect in root.iter(SVG + "rect")}
    assert {("18", None), ("7", None), ("0", "4 3"), ("11", "3 2")} <= forms


# --- text ---


def test_the_text_tells_ops_gradients_and_findings_in_order() -> None:
    assert to_text(traces.dot()) == (
        "In [1], run 2: 2 ops, 1 backward pass\n"
        "\n"
        "  line 3   #2 = x × w       [3, -2]   gradient [1, 1]\n"
        "  line 3   loss = sum(#2)   1         gradient 1\n"
        "\n"
        "  x = [1, 2]   .grad [6, -2] = [3, -1] + [3, -1] (runs 1, 2 of this cell)\n"
        "  w = [3, -1]   .grad [2, 4] = [1, 2] + [1, 2] (runs 1, 2 of this cell)\n"
        "\n"
        "NB101 warning, line 4: x.grad is the sum of two backward passes\n"
        "  x.grad is [6, -2] = [3, -1] from the first run of this cell + [3, -1] from this one.\n"
        "  hint: x.grad = None before loss.backward()\n"
        "  to silence this: %autograd mute NB101"
    )


def test_the_text_is_short_however_large_the_trace() -> None:
    trace = traces.chain(5_000)
    trace.findings = [Finding("NB101", "warning", "t" * 9_999, "m" * 9_999, "h", "s")] * 500
    text = to_text(trace)
    assert len(text) < 20_000
    assert "… 4,960 more ops …" in text
    assert "… 490 more findings" in text


def test_no_control_character_reaches_the_terminal() -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", to_text(traces.hostile()))


# --- dot ---


def test_graphviz_gets_one_node_per_box_and_quoted_names() -> None:
    dot = to_dot(traces.hostile())
    assert r'label="×(onload=\"><img src=x one…\na & b' in dot
    assert dot.count("->") == 3
    assert all(line.count('"') % 2 == 0 for line in dot.replace(r"\"", "").splitlines())


# --- html ---


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {key for key, _ in attrs}


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_a_page_holds_the_picture_and_the_text() -> None:
    page = html.to_html(traces.dot())
    assert "<svg" in page
    assert "loss = sum(#2)" in page


def test_a_page_without_the_front_end_has_no_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(html, "FRONT_END", tmp_path / "widget.js")
    assert "script" not in parsed(html.to_html(traces.hostile())).tags


def test_a_page_with_the_front_end_has_three_scripts_of_ours_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    front_end = tmp_path / "widget.js"
    front_end.write_text("export default { render() { '</script><script>alert(1)' } }", encoding="utf-8")
    monkeypatch.setattr(html, "FRONT_END", front_end)
    tags = parsed(html.to_html(traces.hostile()))
    assert tags.tags.count("script") == 3
    assert not {"img", "b", "iframe"} & set(tags.tags)
    assert not {"id", "name", "src", "href", "onerror", "onload"} & tags.attributes


# --- save ---


@pytest.mark.parametrize("make", EVERY_TRACE)
@pytest.mark.parametrize("form", nbautograd.export.FORMS)
def test_every_form_is_saved_by_its_ending(form: str, make: traces.Make, tmp_path: Path) -> None:
    path = save(make(), tmp_path / f"trace.{form}")
    assert path.read_text("utf-8")


def test_what_was_saved_as_json_can_be_read_again(tmp_path: Path) -> None:
    path = save(traces.dot(), tmp_path / "trace.json")
    assert codec.loads(path.read_text("utf-8")) == traces.dot()


def test_an_unknown_ending_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"cannot save a trace as 'trace.png'\n  hint: end the name in .svg, .html"):
        save(traces.dot(), "trace.png")


def test_importing_the_exporters_loads_neither_ipython_nor_scipy() -> None:
    code = "import sys, nbautograd.export.svg; print({'IPython', 'scipy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
