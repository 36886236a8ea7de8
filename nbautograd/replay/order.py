"""In which order a program computes and changes things, and what of the step it needs at all.

NOTE [Order]
Whatever changes something that lasts (gradients, parameters) is put off to the end, or to where it is read again:
until then nothing has happened, and a replay that does not fit after all (another branch, a number out of bounds) can
be given up and the step be run as it is.
"""

from __future__ import annotations

from typing import Any

from nbautograd.replay.calls import EFFECTS, Call, Var, variables


def used(calls: list[Call], results: list[Var]) -> list[Call]:
    """The calls that something depends on in the end."""
    wanted = {id(v) for v in results}
    kept: list[Call] = []
    for call in reversed(calls):
        if call.kind in EFFECTS or call.kind in ("check", "draw") or any(id(v) in wanted for v in call.outs):
            kept.append(call)
            wanted.update(id(v) for v in call.reads())
    return kept[::-1]


def ordered(calls: list[Call]) -> tuple[list[list[Call]], list[Call]]:
    """Stretches of computing with the effects put off between them; and the last effects. See NOTE [Order]."""
    parts: list[list[Call]] = [[]]
    waiting: list[Call] = []
    cleared: dict[int, Call] = {}
    for call in calls:
        if call.kind in EFFECTS:
            waiting.append(call)
            if call.kind == "clear":
                cleared[id(call.args[0][0])] = call
            elif call.kind == "accumulate" and (clear := cleared.pop(id(call.args[0][0]), None)) in waiting:
                waiting.remove(clear)
                call.entry = "first"
            elif call.kind != "accumulate":
                cleared = {}
            continue
        if call.kind == "read" and waiting and _touches(waiting, call.args[0]):
            parts.append(waiting)
            parts.append([])
            waiting = []
        parts[-1].append(call)
    return parts, waiting


def last_uses(parts: list[list[Call]], effects: list[Call], result: Any) -> dict[int, list[int]]:
    """By call the variables that are read there for the last time."""
    kept = {id(v) for call in effects for v in call.reads()} | {id(v) for v in variables(result)}
    found: dict[int, list[int]] = {}
    for call in reversed([c for part in parts for c in part]):
        for v in call.reads():
            if id(v) not in kept:
                kept.add(id(v))
                found.setdefault(id(call), []).append(id(v))
    return found


def _touches(effects: list[Call], place: Any) -> bool:
    """Whether what is read at `place` was changed by one of `effects`."""
    t, of = place
    for call in effects:
        if call.kind == "step":
            if not of and any(p is t for group in call.args[0].param_groups for p in group["params"]):
                return True
        elif call.args[0][0] is t and (of == "grad") == (call.kind != "write" or call.args[0][1] == "grad"):
            return True
    return False
