"""A real JupyterLab and a real Notebook 7 in a real browser: servers of their own, and hands to work them with."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
LABEXTENSION = ROOT / "nbautograd" / "labextension"
SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 60_000
expect.set_options(timeout=TIMEOUT_MS)


class Server:
    """One Jupyter application with a home of its own: no settings, workspaces or trust from elsewhere."""

    def __init__(self, app: str, home: Path) -> None:
        self.app = app
        self.notebooks, self.data = home / "notebooks", home / "data"
        self._url = f"http://127.0.0.1:{_free_port()}"
        self._process = subprocess.Popen(
            self._command(home),
            env=self._environment(home),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._log: list[str] = []
        self._wait_until_it_listens()

    def _command(self, home: Path) -> list[str]:
        extensions = home / "labextensions"
        extensions.mkdir(parents=True)
        self.notebooks.mkdir()
        (extensions / "nbautograd").symlink_to(LABEXTENSION)
        return [
            *(sys.executable, "-m", {"lab": "jupyterlab", "notebook": "notebook"}[self.app]),
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={self._url.rpartition(':')[2]}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={self.notebooks}",
            f"--LabServerApp.extra_labextensions_path={extensions}",
        ]

    def _environment(self, home: Path) -> dict[str, str]:
        own = {
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        news = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        news.parent.mkdir(parents=True)
        news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
        return os.environ | {name: str(home / folder) for name, folder in own.items()} | {"PYTHONPATH": str(ROOT)}

    def _wait_until_it_listens(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            if "is running at" in line:
                break
        else:
            pytest.fail(f"{self.app} did not start:\n{''.join(self._log)}")
        self._reader = threading.Thread(target=self._log.extend, args=(self._process.stderr,))
        self._reader.start()

    def url(self, notebook: str) -> str:
        folder = {"lab": "lab/tree", "notebook": "notebooks"}[self.app]
        return f"{self._url}/{folder}/{notebook}?reset"

    def stop(self) -> None:
        self._process.terminate()
        self._reader.join()
        self._process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Notebook:
    """An open notebook: cells to run, outputs to look at."""

    def __init__(self, page: Page, server: Server, name: str) -> None:
        self.page, self.name, self.path = page, name, server.notebooks / name
        self._server = server
        page.goto(server.url(name))
        expect(self.cell(0)).to_be_visible()

    def without_kernel(self) -> Notebook:
        """Answer the question which kernel to use: none."""
        self.page.locator(".jp-Dialog").get_by_role("button", name="No Kernel").click()
        return self

    def cell(self, index: int) -> Locator:
        """A cell of the notebook in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-Cell-outputArea")

    def run(self, index: int) -> Locator:
        """Run a cell as a person does, and wait until it has run; its output."""
        prompt = self.cell(index).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        self.cell(index).locator(".cm-content").click()
        expect(self.cell(index).locator(".cm-editor.cm-focused")).to_be_visible()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
        output = self.output(index)
        if (complaint := output.locator('[data-mime-type="application/vnd.jupyter.stderr"]')).count():
            pytest.fail("\n".join(complaint.all_inner_texts()))
        return output

    def choose(self, menu: str, *items: str) -> None:
        """What a person does with the menu bar."""
        self.page.locator(".lm-MenuBar-item").get_by_text(menu, exact=True).click()
        for item in items:
            self.page.locator(".lm-Menu-item").get_by_text(item, exact=True).click()

    def save(self) -> nbformat.NotebookNode:
        """Save, and read what is in the file now."""
        self.page.keyboard.press("Escape")
        with self.page.expect_response(lambda r: self.name in r.url and r.request.method == "PUT"):
            self.page.keyboard.press("Control+s")
        return nbformat.read(self.path, as_version=4)

    def open_sidebar(self) -> Locator:
        """Open the right sidebar as each application lets a person do it."""
        if self._server.app == "lab":
            self.page.locator(".jp-SideBar.jp-mod-right").get_by_title("Backward graph").click()
        else:
            self.choose("View", "Right Sidebar", "Show Backward graph")
        return self.page.locator(".nbautograd-sidebar")


@pytest.fixture(scope="session")
def chromium() -> str:
    if CHROMIUM is None:
        pytest.skip("needs Chromium, for example Debian's package `chromium`")
    if not LABEXTENSION.exists():
        pytest.skip("needs the front end built: make .venv/.dev")
    return CHROMIUM


# Playwright keeps an event loop running in this thread: it has to be gone when other modules' tests need theirs.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=["lab", "notebook"])
def server(request: pytest.FixtureRequest, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(request.param, tmp_path_factory.mktemp(request.param))
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page, whose last look is kept as a picture."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    yield page
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()


def book_of(*cells: str) -> nbformat.NotebookNode:
    """A notebook of these code cells."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return book


class Desk:
    """Where notebooks are written and opened."""

    def __init__(self, server: Server, page: Page) -> None:
        self.server, self.page = server, page

    def open(self, *cells: str) -> Notebook:
        """A new notebook of these code cells, opened; its name is new too, for a kernel belongs to a name."""
        with self.kernel_comes():
            return self.put(book_of(*cells))

    @contextmanager
    def kernel_comes(self) -> Iterator[None]:
        """Wait for the kernel of the notebook that is opened inside.

        The page shows an idle kernel before it has one, and a cell that is run then stays silently as it was.
        """
        with self.page.expect_websocket(lambda socket: "/channels" in socket.url) as kernel:
            yield
        kernel.value.wait_for_event("framereceived", lambda frame: b"kernel_info_reply" in frame)

    def put(self, book: nbformat.NotebookNode, *, trusted: bool = False) -> Notebook:
        """This notebook, opened."""
        name = self.write(book)
        if trusted:
            NotebookNotary(data_dir=str(self.server.data)).sign(book)
        return Notebook(self.page, self.server, name)

    def write(self, book: nbformat.NotebookNode) -> str:
        """The name of the file that this notebook is now in."""
        name = f"{len(list(self.server.notebooks.iterdir()))}.ipynb"
        nbformat.write(book, self.server.notebooks / name)
        return name

    def turn_to(self, name: str) -> None:
        """Bring a notebook to the front of JupyterLab by its file browser."""
        self.page.locator(".jp-DirListing-item").get_by_text(name, exact=True).dblclick()


@pytest.fixture
def desk(server: Server, page: Page) -> Desk:
    return Desk(server, page)
