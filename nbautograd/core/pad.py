"""What ops on scalars leave behind for an observer that wants no numbers: a row of a few words each.

NOTE [Rows]
On scalars an op takes less time than a call that tells of it. So where an observer has put a `Pad` into the engine's
state, the op writes down by itself what can be read of the graph later, when the code has run: WIDTH entries behind
all others in one flat list, which costs no object that the garbage collector would have to look after. It does so only
for code that stands where the observer saw it last, or goes on from there without another round of a loop; of all else
the observer is told.

A row names nodes by their order, for a node holds what its op has saved. X and Y are the inputs: the order of an op's
node, the node of a leaf, a number in a tuple, or None where there is no second input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .modes import state
from .node import ORDER, PARENTS

float32 = np.float32
OP, AGE, X, Y, CODE, AT, STEPS, SCOPE = range(8)
"""The entry of the op table, the order of its node, its inputs; the code and the number of the instruction in it; the
loops and the scope round it."""
WIDTH = 8
MANY = 1000 * WIDTH
"""Entries that may be written before somebody has to look through them."""


class Level(Protocol):
    """A frame of the user's code while it runs."""

    frame: Any
    code: Any
    stop: Any
    """Where it is; what is `ahead` comes after it without another round of a loop."""
    callee: Any
    """The frame that it calls."""
    around: Any
    """The loops round it."""

    def move(self, instruction: int, callee: Any) -> None:
        """It is at that instruction now, in a call of `callee`: a frame, or anything that no other call is."""


class Places(Protocol):
    """Where the user's code stands."""

    users: dict[str, bool]
    """Whether the files known so far are the user's."""

    @property
    def level(self) -> Level | None:
        """The innermost level, if nobody else can go on with it meanwhile."""


class Pad:
    """Where ops write, and what they ask for that."""

    __slots__ = ("jot", "places", "rows", "scopes", "stand")

    def __init__(
        self,
        rows: list[Any],
        places: Places,
        scopes: list[Any],
        stand: Callable[[], tuple[Any, int, Any] | None],
        jot: Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None],
    ) -> None:
        self.rows = rows
        self.places = places
        self.scopes = scopes
        """The scopes round what runs now, the innermost last."""
        self.stand = stand
        """Finds the place of the op that asks, or None if nobody wants to know of it; has room made for its row."""
        self.jot = jot
        """Is told of an op that writes no row: by the op, its inputs, its settings and the one tensor that it gave."""


def jotted(op: Any, slow: Callable[..., Any]) -> Callable[..., Any]:
    """Where the short path of one or two inputs leads when something is unusual; see `core.watched`."""
    getframe, unary, bare = sys._getframe, len(op.inputs) == 1, op.elementwise
    watched: Any = None

    def run(x: Any, y: Any = None) -> Any:
        nonlocal watched
        pad = state.pad
        if pad is None or state.special != 1:
            return slow(op, (x,) if unary else (x, y), {})
        if watched is None:
            watched = op.watched
        found = watched(x) if unary else watched(x, y)
        if found is None:
            return slow(op, (x,) if unary else (x, y), {})
        node = found._node
        if node is None or not bare or found._data.__class__ is not float32:
            pad.jot(op, (x,) if unary else (x, y), NONE, found)
            return found
        first, second = (node[PARENTS][0], None) if unary else node[PARENTS]
        if second is not None:
            second = second if second[ORDER] > 0 else second[ORDER]
        elif y.__class__ is float or y.__class__ is int:
            second = (y,)
        elif not unary:
            first = None
        if first is None:
            pad.jot(op, (x,) if unary else (x, y), NONE, found)
            return found
        places = pad.places
        place: Any = None
        level = places.level
        frame: Any = getframe(2)
        callee: Any = None
        if level is not None and frame is not level.frame and places.users.get(frame.f_code.co_filename) is False:
            callee, frame = frame, frame.f_back  # a function of the library, which may run several ops
        if level is not None and frame is level.frame:
            at = frame.f_lasti
            stop = level.stop.ahead.get(at)
            if stop is not None:
                level.stop, level.callee = stop, callee
                place = level.code, at, level.around
            elif len(pad.rows) < MANY:
                level.move(at, callee or node[ORDER])
                place = level.code, at, level.around
        if place is None and (place := pad.stand()) is None:
            return found
        scopes = pad.scopes
        first = first if first[ORDER] > 0 else first[ORDER]
        pad.rows.extend((op, node[ORDER], first, second, *place, scopes[-1] if scopes else None))
        return found

    return run


NONE: dict[str, Any] = {}
"""The settings of an op without settings."""
