"""Where in the learner's code a step is, and what things are called there."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from nbautograd.core.tensor import Tensor


class Place:
    """Which line of the step, or of a function that the step calls, is running."""

    def __init__(self, step: Any, called_by: Any) -> None:
        self.code = getattr(inspect.unwrap(step), "__code__", None)
        self._called_by = called_by

    def __call__(self, called: Callable[[Tensor, str], None]) -> tuple[str, int, str] | None:
        """File, line and function; tells `called` what the variables there are."""
        frame: Any = sys._getframe(1)
        own: Any = None
        while frame is not None and frame.f_code is not self.code:
            if own is None and not frame.f_globals.get("__name__", "").startswith("nbautograd"):
                own = frame
            frame = frame.f_back
        if frame is None:
            return None
        own = own or frame
        place = (own.f_code.co_filename, own.f_lineno, "" if own is frame else _name(own.f_code))
        for name, value in own.f_locals.items():
            if isinstance(value, Tensor) and not name.startswith("_"):
                called(value, name)
        return place

    def hands_over(self) -> bool:
        """Whether what the step, which is running, returns is what its caller gets, and no decorator sees it before."""
        frame: Any = sys._getframe(1)
        while frame.f_code is not self.code:
            frame = frame.f_back
        while (frame := frame.f_back).f_code is not self._called_by:
            if not frame.f_globals.get("__name__", "").startswith("nbautograd."):
                return False
        return True


def _name(code: Any) -> str:
    """`Net.forward`."""
    return getattr(code, "co_qualname", code.co_name).rpartition("<locals>.")[2]  # from Python 3.11 on


def argument_names(step: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int, str]:
    """By the id of each tensor and object among the arguments what the step calls it."""
    found: dict[int, str] = {}

    def look(path: str, value: Any) -> None:
        if isinstance(value, list | tuple):
            for i, part in enumerate(value):
                look(f"{path}_{i}", part)
        elif isinstance(value, dict):
            for key, part in value.items():
                look(f"{path}_{key}" if str(key).isidentifier() else path, part)
        else:
            found.setdefault(id(value), path)

    code = getattr(inspect.unwrap(step), "__code__", None)
    names = () if code is None else code.co_varnames[: code.co_argcount]
    if inspect.ismethod(step):
        names = names[1:]
    rest = (
        code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        if code and code.co_flags & inspect.CO_VARARGS
        else "x"
    )
    for i, value in enumerate(args):
        look(names[i] if i < len(names) else f"{rest}_{i - len(names)}", value)
    for name, value in kwargs.items():
        look(name, value)
    return found
