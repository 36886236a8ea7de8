"""Whose code something is, and which names code uses."""

from __future__ import annotations

import dis
import functools
import sys
import sysconfig
import types
from typing import Any

BY_TEXT = {"getattr", "globals", "vars", "eval", "exec", "attrgetter", "import_module"}
"""By which a function may use names that it has as texts."""
LIBRARIES = tuple({p for key in ("stdlib", "platstdlib", "purelib", "platlib") if (p := sysconfig.get_path(key))})


def codes_in(code: types.CodeType) -> list[types.CodeType]:
    """A code object and those inside it."""
    codes = [code]
    for each in codes:  # grows
        codes += [c for c in each.co_consts if isinstance(c, types.CodeType)]
    return codes


def names_in(code: types.CodeType) -> tuple[list[str], set[str]]:
    """The names that a code object and those inside it look up in their module, and all that they use."""
    used: dict[str, None] = {}
    every: set[str] = set()
    for each in codes_in(code):
        every |= {*each.co_names}
        used |= {i.argval: None for i in dis.get_instructions(each) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
        used |= {i.argval: None for i in dis.get_instructions(each) if i.opname == "IMPORT_NAME"}
        if not BY_TEXT.isdisjoint(each.co_names):
            texts = {c for c in each.co_consts if isinstance(c, str)}
            every |= texts
            used |= dict.fromkeys(sorted(texts))
    return [*used], every


def has(value: Any, name: str) -> bool:
    """`hasattr`, also of objects whose `__getattr__` raises something else, as that of a dictionary with attributes."""
    try:
        return hasattr(value, name)
    except Exception:
        return False


def slots_of(kind: type) -> list[str]:
    """The attributes that objects of a class have slots for."""
    found: list[str] = []
    for each in kind.__mro__:
        slots = vars(each).get("__slots__", ())
        found += [slots] if isinstance(slots, str) else slots
    return [name for name in found if not name.startswith("__")]


def identifier(path: str) -> str:
    """A path as one word."""
    text = "".join(c if c.isalnum() else "_" for c in path).strip("_")
    return text if text.isidentifier() else f"w_{text}"


def is_librarys(thing: Any) -> bool:
    """Whether a function or a class is none of the user's own."""
    space = None if isinstance(thing, type) else getattr(thing, "__globals__", None)
    return is_installed(space.get("__name__") if space is not None else getattr(thing, "__module__", None))


@functools.cache
def _lies_in_library(file: str) -> bool:
    return file.startswith(LIBRARIES)


def is_installed(module: str | None) -> bool:
    """Whether a module is Python's, or was installed."""
    top = (module or "").partition(".")[0]
    if top == "__main__":  # whose file may be that of what runs the program: a kernel, pytest
        return False
    if top in ("nbautograd", "numpy", "scipy", "builtins") or top in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is not None and _lies_in_library(file)
