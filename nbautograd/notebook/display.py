"""A trace in an output: every form in one bundle, so that each reader of the notebook finds one that it can draw.

JupyterLab and Notebook 7 draw the trace itself, with or without trust and kernel; VS Code, Colab and others draw the
live widget; GitHub and nbconvert show the picture; a terminal prints the text.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbautograd.export.svg import to_svg
from nbautograd.export.text import to_text
from nbautograd.trace import codec
from nbautograd.trace.fold import fit
from nbautograd.trace.model import MIME_TYPE, Trace
from nbautograd.trace.packed import pack

if TYPE_CHECKING:
    from nbautograd.notebook.widget import TraceView

FRONT_END = Path(__file__).parent / "static" / "widget.js"
MAX_PAYLOAD_KB = 256
SPARE = 0.8

Bundle = dict[str, Any]


def bundle(trace: Trace, *, max_payload_kb: int = MAX_PAYLOAD_KB, static: bool = False) -> Bundle:
    """The forms of a trace by MIME type: text, picture and, unless `static`, the trace itself.

    A trace of more than `max_payload_kb` is packed, and if need be folded until it fits; what was folded is said in
    every form.
    """
    trace, data = _within(trace, max_payload_kb * 1024)
    forms = {"text/plain": to_text(trace), "image/svg+xml": to_svg(trace)}
    return forms if static else forms | {MIME_TYPE: data}


def _within(trace: Trace, most: int) -> tuple[Trace, Bundle]:
    """`trace`, or as much of it as has room, and its JSON of at most `most` bytes."""
    data = codec.to_dict(trace)
    plain = _size(data)
    if plain <= most:
        return trace, data
    small = pack(data)
    if _size(small) <= most:
        return trace, small
    # What is left packs a little less well than the whole.
    folded = fit(trace, int(SPARE * most * plain / _size(small)))
    small = pack(codec.to_dict(folded))
    if _size(small) <= most:
        return folded, small
    folded = fit(trace, most)
    return folded, codec.to_dict(folded)


def _size(data: Bundle) -> int:
    return len(codec.one_line(data).encode())


class Views:
    """The displays of one notebook, with one live widget per cell that every run of the cell uses again.

    NOTE [One widget per cell]
    IPython and ipywidgets keep every widget ever made. A widget for each run made 1,000 runs of a cell cost 90 MB.
    """

    def __init__(self) -> None:
        self._widgets: dict[str, TraceView] = {}

    def show(
        self,
        cell: str,
        trace: Trace,
        options: Mapping[str, Any] | None = None,
        *,
        max_payload_kb: int = MAX_PAYLOAD_KB,
        static: bool = False,
        save_state: bool = False,
    ) -> None:
        """Show the trace of a run of `cell` in the output of the cell that is running now.

        `options` are the view's: view, collapse, start, animate, height, theme. With `save_state` a widget is made also
        when a program runs the notebook, which stores it in the file.
        """
        from IPython.display import display

        options = dict(options or {})
        forms = bundle(trace, max_payload_kb=max_payload_kb, static=static)
        metadata: Bundle = {} if static else {MIME_TYPE: {"options": options}}
        if not static and not FRONT_END.exists():
            _say_that_the_front_end_is_missing()
        elif not static and (save_state or _somebody_watches()):
            live, about = self._live(cell, forms[MIME_TYPE], options)
            forms, metadata = live | forms, metadata | about
        display(forms, metadata=metadata, raw=True)

    def clear(self) -> None:
        """Close all live widgets."""
        for widget in self._widgets.values():
            widget.close()
        self._widgets.clear()

    def _live(self, cell: str, trace: Bundle, options: Bundle) -> tuple[Bundle, Bundle]:
        from nbautograd.notebook.widget import TraceView

        widget = self._widgets.get(cell)
        if widget is None:
            widget = self._widgets[cell] = TraceView(trace=trace, options=options)
        else:
            with widget.hold_sync():
                widget.options, widget.trace = options, trace
        forms_and_metadata: Any = widget._repr_mimebundle_()
        return forms_and_metadata


views = Views()


def _somebody_watches() -> bool:
    """Whether an application with a person before it runs the cell.

    NOTE [No widget for programs]
    Applications name the cell that they run. nbclient, and so nbconvert, does not, and it would write the widget with
    the whole front end's code into the notebook. Colab names no cell either, but cannot be mistaken.
    """
    from IPython import get_ipython

    parent = getattr(get_ipython(), "get_parent", dict)()
    return "google.colab" in sys.modules or bool(parent.get("metadata", {}).get("cellId"))


@cache
def _say_that_the_front_end_is_missing() -> None:
    """Once per kernel."""
    print(
        "nbautograd: the front end is not built here, so traces are still pictures; `make lab` builds it.",
        file=sys.stderr,
    )
