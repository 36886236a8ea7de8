"""Tracing a cell while IPython runs it: the magic's line becomes a comment, and hooks switch the recorder on and off.

NOTE [IPython runs the cell]
A magic that runs code by itself loses something: `run_cell` inside a magic swallows errors and results, `exec` cannot
`await`, and both bend tracebacks. So `%%autograd` never sees its cell. A transformer comments its line out, IPython
runs the cell as any other, and the recorder works between the hooks `pre_run_cell` and `post_run_cell`. The magic
itself runs code only where another magic hands it some, as `%%time` does, or as `%autograd EXPRESSION`.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from argparse import Namespace
from asyncio import CancelledError
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import cell_magic, leading_empty_lines

from nbautograd.core import modes
from nbautograd.core.anomaly import set_detect_anomaly
from nbautograd.notebook.watch import Watch
from nbautograd.trace import ledger, provenance, seam
from nbautograd.trace.model import Cell
from nbautograd.trace.session import Recorder

if TYPE_CHECKING:
    from nbautograd.notebook.magics import AutogradMagics

_MAGIC = re.compile(r"\s*%%autograd(?:[ \t]+(?P<options>[^\n]*))?(?:\n|$)")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorder at work and what was asked of it; `asked` is False in auto mode."""

    recorder: Recorder
    options: Namespace
    watch: Watch
    anomaly: AbstractContextManager[Any]
    asked: bool


class Cells:
    """Which cell runs, how often each was traced, and the recording that is under way."""

    def __init__(self, magics: AutogradMagics) -> None:
        self._magics = magics
        self._shell: Any = magics.shell
        self._runs: Counter[str] = Counter()
        self._running: Any = None
        self._frame: Any = None
        self._recording: Recording | None = None
        self._noted = modes.noted(), seam.noted()
        self._number = 0
        self._work = provenance.Work("", 0)

    def transform(self, lines: list[str]) -> list[str]:
        """Comment the magic's line out; options that make no sense are left to the magic, which says so."""
        if self._is_running() or self._options("".join(lines[:1])) is None:
            return lines
        return ["#" + lines[0], *cell_magic(lines[1:])]

    def before(self, info: Any) -> None:
        """A cell is about to run."""
        if self._is_running():  # what a running cell runs belongs to that cell
            return
        if self._running:
            self._abandon()
        self._noted = modes.noted(), seam.noted()
        try:
            self._running = info
            self._begin(info)
            self._frame = sys._getframe(2)  # last: what `_begin` has transformed is this cell, nothing inside it
        except BaseException:
            self._abandon()
            raise

    def _begin(self, info: Any) -> None:
        # IPython 9 counts up before this hook and IPython 8 after the cell; both file the input between the two.
        self._number = len(self._shell.history_manager.input_hist_parsed)
        self._work = provenance.begins(f"In [{self._number}]")
        options = self._options(info.raw_cell)
        if options or self._magics.auto:
            transformed = self._shell.transform_cell(info.raw_cell)
            self._recording = self._prepare(info.raw_cell, transformed, options, getattr(info, "cell_id", None))
            self._recording.recorder.start()

    def after(self, result: Any) -> None:
        """The cell has run, or could not."""
        if not self._running or (result and result.info.raw_cell != self._running.raw_cell):
            return
        recording, self._running, self._frame, self._recording = self._recording, None, None, None
        error = result and (result.error_before_exec or result.error_in_exec)
        interrupted = isinstance(error, KeyboardInterrupt | CancelledError)
        try:
            self._work.ends()
            if recording:
                self._stop(recording, error)
        except KeyboardInterrupt:
            interrupted = True
            raise
        finally:
            if interrupted:
                self._put_back()

    def _is_running(self) -> bool:
        """Whether this is called from inside the running cell; an interrupt can keep `after` from being called."""
        frame: Any = sys._getframe() if self._running else None
        while frame is not None and frame is not self._frame:
            frame = frame.f_back
        return frame is not None

    def _abandon(self) -> None:
        """End a cell that was interrupted where nobody could close what it had opened."""
        recording, self._running, self._frame, self._recording = self._recording, None, None, None
        if recording:
            recording.recorder.detach()
        self._put_back()

    def _put_back(self) -> None:
        """Have everything switched as it was before the cell."""
        for put_back in self._noted:
            put_back()

    def run(self, code: str, options: Namespace) -> Any:
        """Trace code that a magic hands over; the value of its last expression comes back."""
        __tracebackhide__ = True  # of our frames, in the traceback of the user's code
        lines_above = self._lines_above(code)
        transformed = "\n" * lines_above + self._shell.transform_cell(code)
        raw = self._running.raw_cell if lines_above else code
        cell_id = getattr(self._running, "cell_id", None) if lines_above and not self._recording else None
        recording = self._prepare(raw, transformed, options, cell_id)
        error = None
        try:
            recording.recorder.start()
            return self._execute(transformed, recording.recorder.filename)
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                recording.recorder.detach()
            finally:  # an interrupt may have come in the middle
                self._stop(recording, error)

    def clear(self) -> None:
        """Forget which cells ran, and what their runs brought to each `.grad`."""
        self._runs.clear()
        ledger.forget()

    def _options(self, code: str) -> Namespace | None:
        """What the `%%autograd` at the head of a cell asks for; None without one, or when it makes no sense."""
        match = _MAGIC.match(code)
        if not match:
            return None
        try:
            return self._magics.options(match["options"] or "")
        except UsageError:
            return None

    def _prepare(self, raw: str, transformed: str, options: Namespace | None, cell_id: str | None) -> Recording:
        asked = options is not None
        options = options or self._magics.options("")
        filename = self._shell.compile.cache(transformed, self._number, raw_code=raw)
        cell_id = cell_id or "code:" + hashlib.sha256(raw.encode()).hexdigest()[:16]
        self._runs[cell_id] += 1
        cell = Cell(cell_id, options.label or f"In [{self._number}]", self._runs[cell_id], self._number)
        watch = Watch(options.watch or (), self._shell.user_ns)
        recorder = Recorder(cell, _as_written(raw, transformed), filename, self._shell.user_ns)
        recorder.grad_accum, recorder.values, recorder.max_nodes = options.grad_accum, options.values, options.max_nodes
        anomaly = set_detect_anomaly(True) if options.anomaly else nullcontext()
        anomaly.__enter__()
        return Recording(recorder, options, watch, anomaly, asked)

    def _stop(self, recording: Recording, error: BaseException | None) -> None:
        trace = recording.recorder.stop(error)
        recording.anomaly.__exit__(None, None, None)
        self._magics.reports.report(trace, recording.options, recording.asked)
        if report := recording.watch.report():
            print(report)

    def _lines_above(self, code: str) -> int:
        """How many lines of the running cell stand above `code`, when that is the cell's own tail."""
        whole = getattr(self._running, "raw_cell", "").rstrip("\n") + "\n"
        return whole[: -len(code)].count("\n") if whole.endswith("\n" + code) else 0

    def _execute(self, code: str, filename: str) -> Any:
        __tracebackhide__ = True
        shell = self._shell
        tree = shell.transform_ast(shell.compile.ast_parse(code, filename=filename))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(shell.compile(tree, filename, "exec"), shell.user_ns)
        return last and eval(shell.compile(ast.Expression(last.value), filename, "eval"), shell.user_ns)


def _as_written(raw: str, transformed: str) -> str:
    """The cell as its author sees it, where its lines are those that Python ran, or were handed to a second magic."""
    lines = leading_empty_lines(raw.splitlines(keepends=True))
    handed_on = len(lines) > 1 and lines[1].startswith("%%")
    return "".join(lines) if handed_on or len(lines) == len(transformed.splitlines()) else transformed
