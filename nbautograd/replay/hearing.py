"""What a step does in the world outside, or asks of it, while it is written down: its program would do neither.

NOTE [The world outside]
A step may print, warn, write files, look at the clock, ask how many threads there are. What it does so, a program would
leave out; what it asks, nothing tells when the answer is another one. So while a step is written down all functions
that run are listened to. Those of C that are known to do nothing but compute (`len`, `math.sin`, NumPy's) pass. Any
other is a `problem`, and so are some of Python's. What this package, or the import of a module, does of its own accord
is no problem of the step.
"""

from __future__ import annotations

import functools
import random
import sys
import types
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from nbautograd.replay.origins import is_installed

COMPUTING = frozenset((
    "_abc", "_bisect", "_codecs", "_collections", "_contextvars", "_functools", "_heapq", "_json", "_operator",
    "_random", "_sre", "_statistics", "_string", "_struct", "_typing", "_weakref", "array", "binascii", "builtins",
    "cmath", "collections", "cupy", "functools", "itertools", "math", "numpy", "operator", "re", "scipy", "types",
    "unicodedata", "zlib",
))  # fmt: skip
"""Packages whose functions and types of C compute, and do nothing else."""
ALSO = frozenset((
    "_thread.get_ident", "sys._getframe", "sys._getframemodulename", "sys.exc_info", "sys.getsizeof", "sys.intern",
))  # fmt: skip
"""Such functions of modules that do more."""
BUT = frozenset(("breakpoint", "dump", "fromfile", "input", "open", "print", "tofile"))
"""Functions of those packages that do more."""
ASKED = frozenset((
    "logging", "nbautograd.ops.convert.memory", "nbautograd.ops.random.generators", "nbautograd.settings",
    "nbautograd.trace.memory", "nbautograd.utils.checkpoint",
))  # fmt: skip
"""Modules of Python whose functions do more, or tell what may be something else tomorrow."""
CHECKING = "nbautograd.core.argument_types"
"""What is called in between where a function of this package is."""


class Hearing:
    """Listens to the functions that this thread runs; `compared` says whether it is noticed when an object changes."""

    def __init__(self, compared: Callable[[Any], bool]) -> None:
        self._compared = compared
        self.problem: str | None = None
        self._ours: dict[int, bool] = {}
        """By the ids of modules' names whether a module is this package's."""
        self.ran: dict[Any, Any] = {}
        """The functions of Python that ran: the code of each, and its module's names."""

    def __enter__(self) -> Hearing:
        sys.setprofile(self._hear)
        return self

    def __exit__(self, *error: Any) -> None:
        if sys.getprofile() == self._hear:  # and none that the step has put there
            sys.setprofile(None)

    def _hear(self, frame: Any, event: str, function: Any) -> None:
        if event == "c_call":
            space = frame.f_globals
            ours = self._ours.get(id(space))
            if ours is None:
                ours = self._ours[id(space)] = space.get("__name__", "").startswith("nbautograd.")
            if not (ours or self._passes(function, getattr(function, "__self__", None), frame)):
                self._judge(frame, _title(function))
        elif event == "call":
            self.ran[frame.f_code] = frame.f_globals
            if frame.f_code.co_name == "_version" or frame.f_globals.get("__name__") in ASKED:
                back = frame.f_back
                while back is not None and back.f_globals.get("__name__") == CHECKING:
                    back = back.f_back
                self._judge(back, _called(frame))

    def _passes(self, function: Any, owner: Any, frame: Any) -> bool:
        if isinstance(owner, random.Random):
            return self._compared(owner) or owner is getattr(random.random, "__self__", None)
        if isinstance(owner, ContextVar):
            return self._compared(owner) or is_installed(frame.f_globals.get("__name__"))
        if owner is None or isinstance(owner, types.ModuleType):
            return _computes(_module_of(function), function.__name__)
        return _method_computes(owner if isinstance(owner, type) else type(owner), function.__name__)

    def _judge(self, frame: Any, title: str) -> None:
        """Has the step called that, through whatever else?"""
        while frame is not None and self.problem is None:
            module = frame.f_globals.get("__name__", "")
            if module.startswith("importlib.") or frame.f_code.co_name in ("<module>", "__del__"):
                return
            if module == "nbautograd.replay" or not is_installed(module):
                self.problem = _in_words(title, frame.f_lineno)
            elif module.startswith("nbautograd."):
                return
            title = _called(frame)
            frame = frame.f_back


def _module_of(function: Any) -> str | None:
    """The name of the module of a function; some written in C have the module itself there."""
    module = function.__module__
    return getattr(module, "__name__", module)


@functools.cache
def _computes(module: str | None, name: str) -> bool:
    package = (module or "").partition(".")[0]
    return (package in COMPUTING and name not in BUT) or f"{module}.{name}" in ALSO


@functools.cache
def _method_computes(kind: type, name: str) -> bool:
    """The same of a method, by the class that defines it."""
    found = (each for each in (*kind.__mro__, *type(kind).__mro__) if name in vars(each))
    return any(_computes(each.__module__, name) for each in found)


def _title(function: Any) -> str:
    """`time.perf_counter`."""
    module = (_module_of(function) or "").lstrip("_")
    return function.__qualname__ if module in ("", "builtins", "io") else f"{module}.{function.__qualname__}"


def _called(frame: Any) -> str:
    module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
    return name if module.startswith("nbautograd.") else f"{module}.{name}"


def _in_words(title: str, line: int) -> str:
    if title == "print":
        return f"it prints (line {line})\n  hint: return what is to be printed, and print it after the step"
    if title.startswith("checkpoint"):
        return f"it has a checkpoint (line {line}): a program keeps what that saves\n  hint: do without in this step"
    return (
        f"it calls {title}(), and a program of it would not (line {line})\n"
        "  hint: call that before or after the step; what it gives may be an argument"
    )
