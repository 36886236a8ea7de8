"""In which order a program computes and changes things, and what of the step it needs at all.

NOTE [Order]
Whatever changes something that lasts (gradients, parameters) is put off to the end, or to where it is read again:
until then nothing has happened, and a replay that does not fit after all (another branch, a number out of bounds) can
be given up and the step be run as it is. A gradient that is put into place is known, and need not be there to be read.
"""

from __future__ import annotations

from typing import Any

from nbautograd.replay.blocks import Group
from nbautograd.replay.calls import EFFECTS, Call, Var, variables

LOOKING = (*EFFECTS, "check", "shape", "within", "draw")
"""Kinds of calls that are needed though nobody reads what they give."""
PLACED = ("read", "clear", "accumulate", "write", "put")
"""Kinds of calls that say where: of which tensor, and whether it is its gradient."""


def used(calls: list[Call], results: list[Var]) -> list[Call]:
    """The calls that something depends on in the end."""
    wanted = {id(v) for v in results}
    kept: list[Call] = []
    for call in reversed(calls):
        if (
            call.kind in EFFECTS
            or call.kind in ("check", "shape", "within", "draw")
            or any(id(v) in wanted for v in call.outs)
        ):
            kept.append(call)
            wanted.update(id(v) for v in call.reads())
    return kept[::-1]


def ordered(calls: list[Call]) -> tuple[list[list[Call]], list[Call]]:
    """Stretches of computing with the effects put off between them; and the last effects. See NOTE [Order]."""
    parts: list[list[Call]] = [[]]
    waiting: list[Call] = []
    cleared: dict[int | None, Call] = {}
    known: dict[int | None, Var] = {}  # gradients that are put into place, and need not be for being read
    promised: set[int] = set()  # what waiting effects will give
    for call in calls:
        place, of = (id(call.args[0][0]), call.args[0][1]) if call.kind in PLACED else (None, "")
        if call.kind in EFFECTS:
            waiting.append(call)
            promised |= {id(v) for v in call.outs}
            if call.kind in ("step", "call"):
                known = {}
            elif call.kind not in ("write", "put") or of:
                known.pop(place, None)
            if call.kind == "accumulate" and (clear := cleared.pop(place, None)) in waiting:
                waiting.remove(clear)
                call.entry = "first"
                known[place] = call.args[1]
            elif call.kind == "clear":
                cleared[id(call.args[0][0])] = call
            elif call.kind != "accumulate":
                cleared = {}
            continue
        if call.kind == "read" and of and place in known:
            call = Call(None, [known[place]], call.outs, kind="known")
        elif (call.kind == "read" and waiting and _touches(waiting, call.args[0])) or (
            promised and any(id(v) in promised for v in call.reads())
        ):
            parts.append(waiting)
            parts.append([])
            waiting, known, cleared, promised = [], {}, {}, set()
        parts[-1].append(call)
    return parts, waiting


def dying(items: list[Call | Group], effects: list[Call], result: Any, least: int) -> dict[int, list[Var]]:
    """By call or group the variables of at least `least` elements that nothing needs any more from there on."""
    kept = {id(v) for call in effects for v in call.reads()} | {id(v) for v in variables(result)}
    lasting = {id(v) for item in items if isinstance(item, Call) and item.kind in ("read", "seed") for v in item.outs}
    kept |= lasting if least else set()
    found: dict[int, list[Var]] = {}
    for item in reversed(items):
        group = isinstance(item, Group)
        for v in [*item.inputs, *item.outputs] if group else [*item.reads(), *item.outs]:
            if id(v) not in kept and v.size >= least:
                found.setdefault(id(item), []).append(v)
            kept.add(id(v))
    return found


def _touches(effects: list[Call], place: Any) -> bool:
    """Whether what is read at `place` was changed by one of `effects`."""
    t, of = place
    for call in effects:
        if call.kind == "step":
            if not call.is_ours() or (not of and any(p is t for p in call.stepped())):
                return True
        elif call.kind == "call":
            if of and any(p is t for p in call.args[0]):
                return True
        elif (
            call.kind in PLACED
            and call.args[0][0] is t
            and (of == "grad") == (call.kind not in ("write", "put") or call.args[0][1] == "grad")
        ):
            return True
    return False
