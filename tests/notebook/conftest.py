"""A real shell with the extension loaded, and a real kernel, both run cell by cell."""

from __future__ import annotations

import builtins
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from jupyter_client.manager import start_new_kernel
from traitlets.config import Config

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Ran:
    """What running one cell gave."""

    text: str = ""
    error: str | None = None
    result: Any = None
    displays: list[dict[str, Any]] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


class Shell:
    """A notebook's cells in a shell of this process."""

    def __init__(self, config: Config | None = None) -> None:
        InteractiveShell.clear_instance()
        vars(builtins).pop("_", None)  # doctests leave one, and IPython then keeps its own back
        self.ip = InteractiveShell.instance(config=config or Config(), colors="nocolor", history_load_length=0)
        self.ip.history_manager.enabled = False
        self.ip.history_manager.db_cache_size = 10**9  # an interrupt while IPython wakes its writing thread locks both
        self.ns = self.ip.user_ns
        self.run("%load_ext nbautograd")

    def run(self, code: str, cell: str | None = None) -> Ran:
        with capture_output() as captured:
            result = self.ip.run_cell(code, store_history=True, cell_id=cell)
        error = result.error_before_exec or result.error_in_exec
        text = COLOURS.sub("", captured.stdout + captured.stderr)
        said = f"{type(error).__name__}: {error}" if error else None
        displays, metadata = [o.data for o in captured.outputs], [o.metadata for o in captured.outputs]
        return Ran(text, said, result.result, displays, metadata)


@pytest.fixture
def shell() -> Iterator[Shell]:
    yield Shell()
    InteractiveShell.clear_instance()


class Kernel:
    """A notebook's cells in a process of their own, as JupyterLab runs them."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel()

    def begin(self, code: str, cell: str | None = None) -> str:
        message = self.client.session.msg("execute_request", {"code": code, "silent": False, "store_history": True})
        message["metadata"] = {"cellId": cell} if cell else {}
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def end(self, request: str, until: str = "idle") -> Ran:
        ran = Ran()
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != request:
                continue
            ran.messages.append(kind)
            if kind == "stream":
                ran.text += COLOURS.sub("", content["text"])
                if until in ran.text:
                    return ran
            elif kind in ("display_data", "execute_result"):
                ran.displays.append(content["data"])
            elif kind == "error":
                ran.error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return ran

    def run(self, code: str, cell: str | None = None) -> Ran:
        return self.end(self.begin(code, cell))

    def interrupt(self) -> None:
        self.manager.signal_kernel(signal.SIGINT)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    running = Kernel()
    running.run("%load_ext nbautograd")
    yield running
    running.client.stop_channels()
    running.manager.shutdown_kernel(now=True)
