"""Cells without a notebook: runs code as a traced cell, the same cell as often as you like."""

from __future__ import annotations

import linecache
from collections import Counter
from typing import Any

import nbautograd
from nbautograd import lint
from nbautograd.trace.model import Cell, Finding, Trace
from nbautograd.trace.session import Recorder


class Notebook:
    """A namespace in which cells run; `run(code)` traces one, `quietly(code)` runs one untraced."""

    def __init__(self, **names: Any) -> None:
        self.namespace: dict[str, Any] = {"torch": nbautograd, "nb": nbautograd, "nn": nbautograd.nn, **names}
        self._runs: Counter[str] = Counter()
        self._cells = 0

    def quietly(self, code: str) -> None:
        """Run code as a cell that is not traced."""
        exec(compile(code, "<quiet cell>", "exec"), self.namespace)

    def run(self, code: str, cell: str | None = None, values: str = "stats") -> Trace:
        """Trace code as a cell; the same code (or `cell`) again is the next run of the same cell."""
        key = cell or code
        self._runs[key] += 1
        self._cells += 1
        filename = f"<ipython-input-{self._cells}-test>"
        linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
        recorder = Recorder(
            Cell(key, f"In [{self._cells}]", self._runs[key], self._cells), code, filename, self.namespace
        )
        recorder.values = values
        recorder.start()
        error: BaseException | None = None
        try:
            exec(compile(code, filename, "exec"), self.namespace)
        except Exception as raised:
            error = raised
        trace = recorder.stop(error)
        trace.findings = lint.check(trace)
        return trace

    def findings(self, *cells: str) -> list[Finding]:
        """Everything the doctor says about cells run one after the other."""
        return [finding for code in cells for finding in self.run(code).findings]
