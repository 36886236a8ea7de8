"""Whether an instruction, run once, may run several ops: a call of `sum`, say, adds again and again.

NOTE [Repeats]
To be at the same instruction again means another round of a loop, unless Python's own functions run ops from there.
Which function a call calls is read from the code: going back from the call by as many values as its arguments are, one
comes to where the function was put on the stack. If it is not named there, it counts as the user's or the library's.
"""

from __future__ import annotations

import dis
from types import BuiltinFunctionType, FrameType, ModuleType
from typing import Any

UNPACKING = {"LIST_EXTEND", "SET_UPDATE", "UNPACK_SEQUENCE", "UNPACK_EX"}
"""Instructions that take all that an iterator gives."""
CALLS = {"PRECALL", "CALL", "CALL_KW"}
"""Of the two instructions of a call in Python 3.11 the first makes it once the interpreter knows what is called."""


def may_repeat(frame: FrameType, at: int) -> bool:
    """Whether the instruction at which `frame` is may run several ops by itself."""
    before = [i for i in dis.get_instructions(frame.f_code) if i.offset <= at]
    now = before.pop()
    if now.opname in UNPACKING:
        return True
    if now.opname not in CALLS:
        return False
    names = _called(before, (now.arg or 0) + (now.opname == "CALL_KW"))
    found = _named(frame, names)
    return isinstance(found, BuiltinFunctionType) or (isinstance(found, type) and found.__module__ == "builtins")


def _called(before: list[dis.Instruction], arguments: int) -> list[str]:
    """The name of the function that is called with so many arguments after the instructions `before`, by its parts."""
    _drop(before, {"PRECALL", "KW_NAMES"})
    missing = arguments
    while before and missing:
        last = before.pop()
        missing -= dis.stack_effect(last.opcode, last.arg, jump=False)
    _drop(before, {"PUSH_NULL"})
    names: list[str] = []
    while before and before[-1].opname in ("LOAD_ATTR", "LOAD_METHOD"):
        names.insert(0, before.pop().argval)
    return [before[-1].argval, *names] if before and before[-1].opname in ("LOAD_NAME", "LOAD_GLOBAL") else []


def _drop(before: list[dis.Instruction], kinds: set[str]) -> None:
    while before and before[-1].opname in kinds:
        before.pop()


def _named(frame: FrameType, names: list[str]) -> Any:
    """What that name stands for: a global, one of Python's own, or something in a module."""
    if not names:
        return None
    found = frame.f_globals.get(names[0], frame.f_builtins.get(names[0]))
    for name in names[1:]:
        found = getattr(found, name, None) if isinstance(found, ModuleType) else None
    return found
