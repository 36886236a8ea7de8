"""What leaves the notebook: a trace as picture, page, data or text. `save` picks the form by the file's ending."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path

from nbautograd.trace.model import Trace

FORMS = ("svg", "html", "json", "dot", "py", "txt")


def save(trace: Trace, path: str | PathLike[str]) -> Path:
    """Write a trace to a file: `.svg` a picture, `.html` a page that plays, `.json` the data, `.dot` a graph,
    `.py` what ran as straight-line Python, `.txt` a summary.

    Raises: ValueError for another ending.
    """
    path = Path(path)
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise ValueError(f"cannot save a trace as {path.name!r}\n  hint: end the name in .{', .'.join(FORMS)}")
    path.write_text(_writer(form)(trace), encoding="utf-8")
    return path


def _writer(form: str) -> Callable[[Trace], str]:
    name = "text" if form == "txt" else form
    return getattr(import_module(f"nbautograd.export.{name}"), f"to_{name}")
