"""Names that try to run code, in every form of an output and in every page that nbconvert makes of it: none runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter, MarkdownExporter, PythonExporter, SlidesExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import markdown2html
from playwright.sync_api import Browser, Page

from nbautograd.export.html import to_html
from nbautograd.export.json import to_json
from nbautograd.export.svg import to_svg
from nbautograd.notebook.display import bundle
from nbautograd.trace.codec import from_dict
from nbautograd.trace.model import MIME_TYPE
from tests.payloads import LATEX, PAYLOADS, poisoned

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "fan_out.json").read_text())["trace"]
FORBIDDEN = re.compile(r"""<[^>]*\s(data-commandlinker-[a-z]+|id|name|on[a-z]+)\s*=""", re.IGNORECASE)

NAMED = """\
%%autograd
import nbautograd as nb
for payload in {payloads}:
    globals()[payload] = leaf = nb.ones(2, requires_grad=True)
    net = nb.nn.Module()
    net.register_module(payload.replace(".", "·"), nb.nn.Linear(2, 1))
    globals()["net " + payload] = net
    for layer in net.children():
        layer(leaf).sum().backward()
"""


def forms(payload: str) -> dict[str, Any]:
    return bundle(from_dict(poisoned(GOLDEN, payload)))


@pytest.fixture(scope="module")
def book() -> nbformat.NotebookNode:
    """Every payload as every text of a trace, in all forms of an output."""
    outputs = [nbformat.v4.new_output("display_data", forms(payload)) for payload in PAYLOADS]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1", outputs=outputs, execution_count=1)])


@pytest.fixture
def harmless(browser: Browser, tmp_path: Path) -> Any:
    """Opens a page, touches what can be touched, and says that nothing has run."""

    def check(text: str) -> None:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        page: Page = browser.new_page()
        page.route(re.compile("^https?:"), lambda route: route.abort())
        page.goto(file.as_uri(), wait_until="load")
        for selector in ("svg a", "svg text", "details", "[onmouseover]", "[autofocus]", "pre"):
            for element in page.locator(selector).all()[:20]:
                element.dispatch_event("mouseover")
                element.dispatch_event("click")
        assert page.evaluate("window.harmed") is None
        page.close()

    return check


@pytest.mark.browser
@pytest.mark.parametrize("exporter", [HTMLExporter, SlidesExporter])
def test_a_page_made_by_nbconvert_runs_nothing(exporter: type[TemplateExporter], book: Any, harmless: Any) -> None:
    page, _ = exporter().from_notebook_node(book)
    harmless(page)


@pytest.mark.browser
def test_markdown_made_by_nbconvert_runs_nothing(book: Any, harmless: Any) -> None:
    texts = nbformat.from_dict(json.loads(json.dumps(book)))
    for output in texts.cells[0].outputs:
        del output.data["image/svg+xml"]  # so that the text is what is shown
    for each in (book, texts):
        text, _ = MarkdownExporter().from_notebook_node(each)
        harmless(markdown2html(text))


@pytest.mark.browser
def test_pictures_and_pages_run_nothing_when_they_are_opened_or_put_into_a_page(harmless: Any) -> None:
    traces = [from_dict(poisoned(GOLDEN, payload)) for payload in [*PAYLOADS, "".join(PAYLOADS)]]
    harmless("<!doctype html><meta charset=utf-8>" + "".join(map(to_svg, traces)))
    for trace in traces[::10]:
        harmless(to_html(trace))


@pytest.mark.browser
def test_what_does_run_would_be_noticed(harmless: Any) -> None:
    for harmful in PAYLOADS[0], PAYLOADS[16], PAYLOADS[21]:
        with pytest.raises(AssertionError):
            harmless(f"<!doctype html><meta charset=utf-8><p>{harmful}</p>")


def test_a_script_made_by_nbconvert_holds_no_output(book: Any) -> None:
    script, _ = PythonExporter().from_notebook_node(book)
    assert "harmed" not in script
    compile(script, "script", "exec")


def test_latex_made_by_nbconvert_cannot_leave_its_quotation(book: Any) -> None:
    from nbconvert import LatexExporter

    class WithoutInkscape(LatexExporter):
        @property
        def default_config(self) -> Any:
            config = super().default_config
            config.SVG2PDFPreprocessor.enabled = False
            config.NbConvertBase.display_data_priority = ["text/plain"]
            return config

    text, _ = WithoutInkscape().from_notebook_node(book)
    assert "harmed" in text
    assert LATEX not in text
    shown = text.count("harmed")
    assert shown == len(re.findall(r"harmed", "".join(re.findall(r"\\begin{Verbatim}.*?\\end{Verbatim}", text, re.S))))


@pytest.mark.parametrize("form", ["image/svg+xml", MIME_TYPE])
def test_no_form_carries_a_handler_an_id_a_name_or_a_command(form: str) -> None:
    for payload in PAYLOADS:
        data = forms(payload)[form]
        if form == MIME_TYPE:
            assert to_json(from_dict(data))
        else:
            assert not FORBIDDEN.search(data), payload
            assert "<script" not in data.lower()


def test_names_of_a_running_cell_are_texts_too(tmp_path: Path) -> None:
    from nbclient import NotebookClient

    cells = ["%load_ext nbautograd", NAMED.format(payloads=json.dumps(PAYLOADS))]
    run = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    NotebookClient(run, timeout=120, kernel_name="python3").execute()
    (output,) = [o for o in run.cells[1].outputs if "data" in o]
    assert "harmed" in json.dumps(output.data[MIME_TYPE])
    assert not FORBIDDEN.search(output.data["image/svg+xml"])
    page, _ = HTMLExporter().from_notebook_node(run)
    assert not re.search(r"<(script|img|svg|iframe|details)[^>]*harmed", page.partition('class="jp-OutputArea')[2])
