"""The live widget: the built front end and the two things it is told, a trace and how to show it."""

from __future__ import annotations

import anywidget
from traitlets import Dict

from nbautograd.notebook.display import FRONT_END


class TraceView(anywidget.AnyWidget):
    """A trace to look at and to play: the graph of what ran, and each step of its backward pass."""

    _esm = FRONT_END
    trace = Dict(help="The trace as JSON holds it (`nbautograd.trace.codec.to_dict`).").tag(sync=True)
    options = Dict(help="How to show it: view, collapse, start, animate, height, theme.").tag(sync=True)
