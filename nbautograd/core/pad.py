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

from collections.abc import Callable
from typing import Any, Protocol

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

    def turn(self, instruction: int, callee: Any) -> None:
        """The same where the instruction is not `ahead`, or in another call."""


class Places(Protocol):
    """Where the user's code stands."""

    users: dict[str, bool]
    """Whether the files known so far are the user's."""

    @property
    def level(self) -> Level | None:
        """The innermost level, if nobody else can go on with it meanwhile."""


class Pad:
    """Where ops write, and what they ask for that."""

    __slots__ = ("jot", "places", "rows", "scopes", "settle", "stand")

    def __init__(
        self,
        rows: list[Any],
        places: Places,
        scopes: list[Any],
        settle: Callable[[], None],
        stand: Callable[[], tuple[Any, int, Any] | None],
        jot: Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None],
    ) -> None:
        self.rows = rows
        self.places = places
        self.scopes = scopes
        """The scopes round what runs now, the innermost last."""
        self.settle = settle
        """Makes room for rows."""
        self.stand = stand
        """Finds the place of the op that asks, or None if nobody wants to know of it; makes room for its row."""
        self.jot = jot
        """Is told of an op that writes no row: by the op, its inputs, its settings and the one tensor that it gave."""

    def put(self, op: Any, order: int, x: Any, y: Any, frame: Any) -> None:
        """Write the row of an op that ran in `frame`, or in a function of the library, which may run several ops."""
        places, level, callee = self.places, self.places.level, order
        if level is not None and frame is not level.frame and places.users.get(frame.f_code.co_filename) is False:
            callee, frame = frame, frame.f_back
        if level is not None and frame is level.frame:
            level.move(frame.f_lasti, callee)
            if len(self.rows) > MANY:
                self.settle()
            place: Any = level.code, frame.f_lasti, level.around
        else:
            place = self.stand()
        if place is not None:
            self.rows += (op, order, x, y, *place, self.scopes[-1] if self.scopes else None)
