"""What is said about a finished trace: findings, the view, files, and the traces that are remembered."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbautograd import lint
from nbautograd.export.words import headline
from nbautograd.notebook.display import views
from nbautograd.trace.model import Trace

if TYPE_CHECKING:
    from nbautograd.notebook.magics import AutogradMagics

NOTHING = "Nothing was recorded: no operation in this cell used a tensor with requires_grad=True."


class Reports:
    """The traces of one notebook, the last of them in `_autograd`, and their displays."""

    def __init__(self, magics: AutogradMagics) -> None:
        self._magics = magics
        self._shell: Any = magics.shell
        self.traces: deque[Trace] = deque(maxlen=magics.keep)

    def report(self, trace: Trace, options: Namespace, asked: bool) -> None:
        """Let the doctor look at a trace, store it, save it and show it; auto mode is silent about other code."""
        trace.findings = lint.check(trace, only=options.check, mute=options.mute)
        recorded = bool(trace.passes or trace.findings or any(op.node for op in trace.ops))
        if not (asked or recorded):
            return
        self._store(trace, options.out)
        if options.save:
            self._save(trace, options.save)
        if options.quiet:
            return
        if recorded:
            self._show(trace, options)
        elif not trace.error:
            print(NOTHING)

    def keep_only(self, count: int) -> None:
        """Remember `count` traces from here on."""
        self.traces = deque(self.traces, maxlen=count)

    def clear(self) -> None:
        """Forget the traces and close their widgets."""
        self.traces.clear()
        views.clear()
        self._shell.user_ns.pop("_autograd", None)

    def status(self) -> str:
        """What is traced, and which traces are remembered."""
        mode = "every cell" if self._magics.auto else "cells that begin with %%autograd"
        lines = [f"Traced: {mode}.", f"Remembered: {len(self.traces)} of at most {self._magics.keep} traces."]
        return "\n".join(lines + [f"  {_line(trace)}" for trace in self.traces])

    def explain(self, codes: Sequence[str]) -> str:
        """The pages of the findings with these codes; without codes, of those in the last trace."""
        found = [finding.code for finding in self.traces[-1].findings] if self.traces else []
        if not (codes or found):
            return "There is nothing to explain: the last trace has no finding."
        named = codes or dict.fromkeys(found)
        pages = [lint.manual(code) for code in lint.checks() if lint.named(code, named)]
        return "\n\n".join(pages) or f"The doctor knows nothing of {', '.join(named)}."

    def _store(self, trace: Trace, name: str | None) -> None:
        self.traces.append(trace)
        self._shell.push({"_autograd": trace}, interactive=False)
        if name:
            self._shell.push({name: trace})

    def _save(self, trace: Trace, path: Path) -> None:
        """A file that cannot be written must not keep the trace from being shown."""
        try:
            save(trace, path)
        except OSError as error:
            print(f"The trace was not saved to {path}: {error.strerror or error}.", file=sys.stderr)

    def _show(self, trace: Trace, options: Namespace) -> None:
        if options.view == "none":
            for finding in trace.findings:
                print(f"{finding.code} {finding.message}\n  hint: {finding.hint}")
            return
        view = {
            "view": options.view,
            "collapse": options.collapse,
            "start": "play" if options.play else "step" if options.step else "none",
            "animate": options.animate,
            "theme": self._magics.theme,
        }
        if options.height:
            view["height"] = options.height
        views.show(
            trace.cell.id,
            trace,
            view,
            max_payload_kb=self._magics.max_payload_kb,
            static=options.static,
            save_state=self._magics.save_state,
        )


def _line(trace: Trace) -> str:
    codes = [finding.code for finding in trace.findings]
    return "; ".join([headline(trace), *codes])


def save(trace: Trace, path: Path) -> None:
    """Write a trace to a file, in the form that its ending asks for."""
    if path.suffix == ".svg":
        from nbautograd.export.svg import to_svg as write
    elif path.suffix == ".html":
        from nbautograd.export.html import to_html as write
    else:
        from nbautograd.export.json import to_json as write
    path.write_text(write(trace), encoding="utf-8")
