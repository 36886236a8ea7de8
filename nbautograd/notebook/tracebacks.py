"""Tracebacks of the user's lines only: frames inside this package are left out, as those of compiled code are.

A traced cell is shown as it was typed: Python sees the magic's line as a comment. Only what is printed differs. The
exception keeps every frame, for `%debug` and whoever catches it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

PACKAGE = __name__.partition(".")[0]
FIRST_LINE = re.compile(r"^((?:\x1b\[[\d;]*m|\s)*1(?:\x1b\[[\d;]*m|\s)+)#(?=%%autograd\b)", re.MULTILINE)
"""Of a cell in a traceback, in whatever colours, up to the sign that made the magic a comment."""
TOOLS = sys.stdlib_module_names | {"numpy", "cupy"}


def shortened(traceback: TracebackType | None) -> TracebackType | None:
    """A copy of a traceback without this package's frames, and without those of the tools that it called."""
    theirs: list[TracebackType] = []
    inside = False
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__")).partition(".")[0]
        inside = module == PACKAGE or (inside and module in TOOLS)
        if not inside:
            theirs.append(traceback)
        traceback = traceback.tb_next
    copy = None
    for each in reversed(theirs):
        copy = TracebackType(copy, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return copy


def as_typed(text: str) -> str:
    """A part of a traceback with the cell's first line as its author sees it.

    Example:
        >>> print(as_typed("      1 #%%autograd --play"))
              1 %%autograd --play
    """
    return FIRST_LINE.sub(r"\1", text)


def shorten(shell: Any, wanted: Callable[[], bool]) -> Callable[[], None]:
    """Let a shell print cells as they were typed, and short tracebacks while `wanted()`; what comes back undoes it."""
    handler: Any = shell.InteractiveTB
    full = handler.structured_traceback

    def structured_traceback(kind: Any, error: Any, traceback: Any, *args: Any, **settings: Any) -> Any:
        shown = shortened(traceback) if wanted() else traceback
        return [as_typed(part) for part in full(kind, error, shown, *args, **settings)]

    def undo() -> None:
        vars(handler).pop("structured_traceback", None)

    handler.structured_traceback = structured_traceback
    return undo
