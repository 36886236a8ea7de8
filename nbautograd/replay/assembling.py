"""Gradients of parts of an array: put into their places in one array, not each into one of zeros, and added."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from nbautograd.replay.calls import Call, Var

PARTS = {"slice__dx", "slice_dx", "select_dx"}
MOST = 1 << 22
"""Larger arrays are not looked at: whether parts overlap is found out by marking them."""


def put_together(shape: tuple[int, ...], whole: bool, *parts: tuple[Any, Any]) -> Any:
    """An array of that shape with each of the `parts`, pairs of an index and an array, at its place; 0 elsewhere."""
    found = (np.empty if whole else np.zeros)(shape, parts[0][1].dtype)
    for index, part in parts:
        found[index] = part
    return found


def assembled(calls: list[Call], uses: Counter[int]) -> list[Call]:
    """The calls, with sums of parts that do not overlap in one call each."""
    made = {id(v): call for call in calls for v in call.outs}
    gone: set[int] = set()
    instead: dict[int, Call] = {}
    for call in reversed(calls):
        if call.kind == "sum" and id(call) not in gone:
            found = _parts(call, made, uses)
            whole = None if found is None else _covers([part for part in found if part.kind == "rule"])
            if found is not None and whole is not None:
                parts = [part for part in found if part.kind == "rule"]
                gone.update(id(part) for part in found)
                pairs = [(part.args[2], part.args[0]) for part in parts]
                place: dict[str, Any] = {"line": call.line, "module": call.module, "back": call.back}
                instead[id(call)] = Call(
                    put_together,
                    [parts[0].args[1], whole, *pairs],
                    call.outs,
                    name="put_together",
                    kind="rule",
                    **place,
                )
    return [instead.get(id(call), call) for call in calls if id(call) not in gone or id(call) in instead]


def _parts(call: Call, made: dict[int, Call], uses: Counter[int]) -> list[Call] | None:
    """The sums and the rules of parts that lead to a sum; None where something else does."""
    found: list[Call] = []
    sums = [call]
    while sums:
        total = sums.pop()
        found.append(total)
        for a in total.args:
            before = made.get(id(a)) if isinstance(a, Var) and uses[id(a)] == 1 else None
            if before is None:
                return None
            if before.kind == "sum":
                sums.append(before)
            elif before.name in PARTS and isinstance(before.args[0], Var) and before.args[0].array is not None:
                found.append(before)
            else:
                return None
    return found


def _covers(parts: list[Call]) -> bool | None:
    """Whether the parts fill the array; None where they overlap."""
    shape = parts[0].args[1]
    if any(part.args[1] != shape for part in parts) or np.prod(shape) > MOST:
        return None
    marks = np.zeros(shape, np.int8)
    for part in parts:
        marks[part.args[2]] += 1
    return None if marks.max(initial=0) > 1 else bool(marks.min(initial=1))
