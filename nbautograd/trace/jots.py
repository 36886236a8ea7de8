"""Where no numbers are wanted: what the recorder jots down of each op, and reads when the code has run.

NOTE [Jotting]
To tell an op takes several times as long as to run it on a scalar. So without values a row is all that is written while
code runs: the order of the op's node and of those it came from, and where the code stood. Nodes themselves are not
held, for they hold what their ops have saved. Values are noted at once only where nothing will tell of them later:
arrays, what was there before, and what has no node. Those rows that are kept are read when the trace is made, or
earlier, when somebody asks for a note that is still a row.

What ran without recording has no node, and is noted at once: it may be an update.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from nbautograd.core.modes import Jot, local
from nbautograd.core.node import OP, ORDER, PARENTS, OutputSlot, is_leaf_node, tick
from nbautograd.trace.kept import Kept, Row
from nbautograd.trace.known import FLOAT32, Known
from nbautograd.trace.notes import OpNote, ScopeNote, ValueNote
from nbautograd.trace.seam import Attachment, attached
from nbautograd.trace.where import Place, Places

INSIDE = 3
"""The frames from where a row is written to the user's: an op's call, and what that leads to."""
MANY = 1000
"""So many rows are written before those too many are let go of."""


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

    def writer(self, attachment: Attachment, noted: Callable[..., None]) -> Jot:
        """What writes a row, as one closure, for it runs at every op; what has no node is `noted` instead."""
        places, scopes, fresh = self._places, self._scopes, self._kept.fresh
        output, inputs_of, meet, settle = self._known.output, self._inputs, self._meet, self._settle
        by_order = self._known.by_order
        current, float32, getframe = attached.get, np.float32, sys._getframe

        def jot(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any], t: Any) -> None:
            if current() is not attachment or local.unwatched:
                return
            node = t._node
            try:
                if node is None:
                    noted(op, inputs, settings, (t,), False)
                    return
                parents = node[PARENTS]
                bare = t._data.__class__ is float32 and op.elementwise
                if bare and None not in parents and len(parents) < 3:
                    x, y = parents[0][ORDER], parents[-1][ORDER]
                    orders, values = (x,) if len(parents) == 1 else (x, y), None
                    if (x > 0 and x not in by_order) or (y > 0 and y not in by_order):
                        meet(inputs)
                else:
                    orders, values = _orders(parents), inputs_of(inputs, parents)
                result = None if bare else output(t, False)
                level, frame = places.level, getframe(INSIDE)
                if level is not None and level.frame is frame:
                    at = frame.f_lasti
                    if (level.instruction, at) in level.straight:
                        level.instruction = at
                    elif level.loops:
                        level.move(at, orders)
                    code, steps = level.code, level.around
                else:
                    code, at, steps = places.stand(INSIDE)
                row = op, node[ORDER], orders, result, values, settings, code, at, steps, scopes and scopes[-1]
                fresh.append(row)
                if len(fresh) > MANY:
                    settle()
            except Exception as error:
                attachment.give_up(error)

        return jot

    def write(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: dict[str, Any],
        outputs: tuple[Any, ...],
        in_place: bool,
        depth: int,
    ) -> bool:
        """Write the row of an op that took the general way; False where it has to be noted."""
        node = outputs[0]._node if len(outputs) == 1 else None
        if node is None or node[OP] is OutputSlot or len(inputs) != len(node[PARENTS]):
            return False
        parents = node[PARENTS]
        row = op, node[ORDER], _orders(parents), self._known.output(outputs[0], False), self._inputs(inputs, parents)
        target = (ref(outputs[0]),) if in_place else ()
        place = self._places.stand(depth + 1)
        self._kept.fresh.append((*row, settings, *place, self._scopes and self._scopes[-1], *target))
        return True

    def _inputs(self, inputs: tuple[Any, ...], parents: tuple[Any, ...]) -> list[ValueNote | None]:
        """The values that an op took; None where it took none, and for scalars of the graph."""
        value, found = self._known.value, list[ValueNote | None]()
        for x, parent in zip(inputs, parents, strict=True):
            bare = x is None if parent is None else parent[ORDER] < 0 and x._data.__class__ is np.float32
            found.append(None if bare else value(x))
        return found

    def _meet(self, inputs: tuple[Any, ...]) -> None:
        """Note the leaves among the inputs: no row tells of them."""
        for x in inputs:
            if is_leaf_node(x._node):
                self._known.value(x)

    def put(self, result: Any, target: Any) -> bool:
        """The result of the op on the last row goes into `target`; False where that was noted, and no row."""
        last = None if result._node is None else self._last(result._node[ORDER])
        if last is None:
            return False
        self._kept.fresh[-1] = (*last, ref(target))
        return True

    def renumber(self, before: int, now: int) -> None:
        """The node on the last row, perhaps, has another order now."""
        last = self._last(before)
        if last is not None:
            self._kept.fresh[-1] = (last[0], now, *last[2:])

    def _last(self, order: int) -> Row | None:
        """What was written last, if it is the row of the node of that order."""
        last = self._kept.fresh[-1] if self._kept.fresh else None
        return last if isinstance(last, tuple) and last[1] == order else None

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
        op, order, orders, result, values, settings, code, at, steps, scope, *targets = row
        inputs: list[ValueNote] = []
        slots: list[int] = []
        for i, parent in enumerate(orders):
            value = values[i] if values is not None else None
            if value is None and parent is not None:
                value = self._scalar(parent)
            if value is not None:
                inputs.append(value)
                slots.append(i)
        if result is None:
            result = self._scalar(order)
        result.from_grad = any(value.from_grad for value in inputs)
        place = Place(None if code is None else self._places.span(code, at), steps)
        note = OpNote(op, -order, inputs, [result], place, scope or None, True, settings)
        if len(slots) < len(orders):
            note.slots = slots
        for target in targets:
            note.in_place = True
            result.tensor = target
        self._known.ops[order] = note
        return note

    def _scalar(self, order: int) -> ValueNote:
        """The value of that order, which was a scalar if nobody knows it."""
        known = self._known.by_order
        found = known.get(order)
        if found is None:
            found = known[order] = ValueNote("op", (), FLOAT32, order)
        return found


def _orders(parents: tuple[Any, ...]) -> tuple[int | None, ...]:
    return tuple([None if parent is None else parent[ORDER] for parent in parents])
