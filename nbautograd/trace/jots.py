"""Where no numbers are wanted: what the recorder jots down of each op, and reads when the code has run.

NOTE [Jotting]
To tell an op takes several times as long as to run it on a scalar. So without values a row is all that is written while
code runs, by ops on scalars themselves (NOTE [Rows]), by the recorder of all others: then X is what was `Taken`, since
values are noted at once where nothing will tell of them later: arrays, what was there before, and what has no node.
Those rows that are kept are read when the trace is made, or earlier, when somebody asks for a note that is still a row.

What ran without recording has no node, and is noted at once: it may be an update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from nbautograd.core.modes import local
from nbautograd.core.node import OP, ORDER, PARENTS, OutputSlot, tick
from nbautograd.core.pad import AGE, MANY, WIDTH, Pad, X, Y
from nbautograd.trace.kept import Kept, Row
from nbautograd.trace.known import FLOAT32, Known
from nbautograd.trace.notes import NONE, OpNote, ScopeNote, Taken, ValueNote
from nbautograd.trace.seam import Attachment, attached
from nbautograd.trace.where import Place, Places

INSIDE = 3
"""The frames from where a row is written to the user's: an op's call, and what that leads to."""


SCALAR = ValueNote("op", (), FLOAT32)


class Jots:
    """Writes rows, and reads them into notes."""

    def __init__(
        self, kept: Kept, known: Known, places: Places, scopes: list[ScopeNote], settle: Callable[[], None]
    ) -> None:
        self._kept = kept
        self._known = known
        self._places = places
        self._scopes = scopes
        self._settle = settle
        self.since = known.since = tick()
        """Of nodes that are younger nobody has missed any."""
        known.read = self.read

    def pad(self, attachment: Attachment, noted: Callable[..., None]) -> Pad:
        """What ops write on; what has no node is `noted`."""

        def settle() -> None:
            try:
                self._settle()
            except Exception as error:
                attachment.give_up(error)

        def stand() -> Any:
            if attached.get() is not attachment or local.unwatched:
                return None
            try:
                if len(self._kept.fresh) >= MANY:
                    self._settle()
                return self._places.stand(INSIDE)
            except Exception as error:
                attachment.give_up(error)

        def jot(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any], t: Any) -> None:
            if attached.get() is not attachment or local.unwatched:
                return
            try:
                if t._node is None:
                    noted(op, inputs, settings, (t,), False)
                else:
                    self._write(op, inputs, settings, t, INSIDE)
            except Exception as error:
                attachment.give_up(error)

        return Pad(self._kept.fresh, self._places, self._scopes, settle, stand, jot)

    def write(
        self, op: Any, inputs: tuple[Any, ...], settings: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> bool:
        """Write the row of an op that took the general way; False where it has to be noted."""
        node = outputs[0]._node if len(outputs) == 1 else None
        if node is None or node[OP] is OutputSlot or len(inputs) != len(node[PARENTS]):
            return False
        self._write(op, inputs, settings, outputs[0], INSIDE + 1)
        return not in_place or self.put(outputs[0], outputs[0])

    def _write(self, op: Any, inputs: tuple[Any, ...], settings: dict[str, Any], t: Any, depth: int) -> None:
        node, scopes = t._node, self._scopes
        orders = tuple([None if parent is None else parent[ORDER] for parent in node[PARENTS]])
        taken = Taken(orders, self._inputs(inputs, node[PARENTS]), self._known.output(t, False), settings)
        place = self._places.stand(depth + 1)
        self._kept.fresh.extend((op, node[ORDER], taken, None, *place, scopes[-1] if scopes else None))
        if len(self._kept.fresh) > MANY:
            self._settle()

    def _inputs(self, inputs: tuple[Any, ...], parents: tuple[Any, ...]) -> list[ValueNote | None]:
        """The values that an op took; None where it took none, and for scalars of the graph."""
        value, found = self._known.value, list[ValueNote | None]()
        for x, parent in zip(inputs, parents, strict=True):
            bare = x is None if parent is None else parent[ORDER] < 0 and x._data.__class__ is np.float32
            found.append(None if bare else value(x))
        return found

    def put(self, result: Any, target: Any) -> bool:
        """The result of the op on the last row goes into `target`; False where that was noted, and no row."""
        last = None if result._node is None else self._last(result._node[ORDER])
        if last is None:
            return False
        op, order, taken, _, code, at, steps, scope = last
        if not isinstance(taken, Taken):
            parts = [part for part in last[X : Y + 1] if part is not None]
            orders = [part if part.__class__ is int else None for part in parts]
            values = [None if part.__class__ is int else self._of(part) for part in parts]
            taken = Taken(orders, values, None, NONE)
        taken.target = ref(target)
        self._kept.fresh[-WIDTH:] = (op, order, taken, None, code, at, steps, scope)
        return True

    def renumber(self, before: int, now: int) -> None:
        """The node on the last row, perhaps, has another order now."""
        if self._last(before) is not None:
            self._kept.fresh[AGE - WIDTH] = now

    def _last(self, order: int) -> Row | None:
        """What was written last, if it is the row of the node of that order."""
        last = tuple(self._kept.fresh[-WIDTH:])
        return last if last and last[AGE] == order and not isinstance(last[X], OpNote) else None

    def look_again(self) -> None:
        """Ops have run that nobody looked at."""
        self.since = tick()

    # --- reading ---

    def read(self) -> None:
        """Make notes of all rows that there are."""
        if self._kept.fresh:
            self._settle()
        if self._kept.rows:
            self._kept.replace(self._note)

    def _note(self, row: Row) -> OpNote:
        op, order, x, y, code, at, steps, scope = row
        taken = x if isinstance(x, Taken) else None
        if taken is None:
            values = [self._of(x)] if y is None else [self._of(x), self._of(y)]
            result, settings = self._scalar(order), NONE
        else:
            values = [
                self._scalar(order) if value is None and order is not None else value
                for value, order in zip(taken.inputs, taken.orders, strict=True)
            ]
            result, settings = taken.result or self._scalar(order), taken.settings
        inputs = [value for value in values if value is not None]
        result.from_grad = any(value.from_grad for value in inputs)
        place = Place(None if code is None else self._places.span(code, at), steps)
        note = OpNote(op, -order, inputs, [result], place, scope, True, settings)
        if len(inputs) < len(values):
            note.slots = [i for i, value in enumerate(values) if value is not None]
        if taken is not None and taken.target is not None:
            note.in_place = True
            result.tensor = taken.target
        self._known.ops[order] = note
        return note

    def _of(self, x: Any) -> ValueNote | None:
        """The value that stands as X or Y on a row."""
        if x is None:
            return None
        if x.__class__ is int:
            return self._scalar(x)
        return self._known.value(x[0]) if x.__class__ is tuple else self._scalar(x[ORDER], x)

    def _scalar(self, order: int, leaf: Any = None) -> ValueNote:
        """The value of that order, which was a scalar if nobody knows it."""
        known = self._known.by_order
        found = known.get(order)
        if found is None:
            if leaf is None:
                found = known[order] = ValueNote("op", (), FLOAT32, order)
            else:
                found = self._known.node_value(leaf, SCALAR)
                found.shape, found.dtype = (), FLOAT32
        return found
