"""What a recorder keeps of a long run: the first ops and passes, the last ones, and those of the worst step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nbautograd.core.pad import AGE, OP, STEPS, WIDTH, X
from nbautograd.trace.notes import OpNote, PassNote
from nbautograd.trace.where import step_of

Row = tuple[Any, ...]
"""An op as it was written down, see NOTE [Rows] and NOTE [Jotting]; one that was noted has no OP, and its note is X."""
Rows = list[Any]
"""Rows one behind the other."""

HEAD, TAIL = 1200, 600
"""Ops kept from the beginning and from the end."""
FRONT, RECENT = 2000, 1600
"""Events of backward passes kept from the beginning and from the end."""
PASSES = 4000
"""Passes of which at least the figures are kept."""


def each(rows: Rows) -> Iterator[Row]:
    """The rows one by one."""
    return zip(*[iter(rows)] * WIDTH, strict=True)


def row_of(note: OpNote) -> Row:
    """The row of an op that was noted."""
    return None, -note.order, note, None, None, 0, note.place.steps, None


def _order(row: Sequence[Any]) -> float:
    return row[X].order if row[OP] is None else -row[AGE]


class Kept:
    """The ops and passes of a run, with a bound on all of them."""

    def __init__(self) -> None:
        self.fresh: Rows = []
        """What has run since the others were `settled`."""
        self.head: Rows = []
        self.tail: Rows = []
        self.passes: list[PassNote] = []
        self.worst: PassNote | None = None
        self.of_worst: Rows = []
        self.rows = 0
        """How many rows of ops that were not noted were settled since the last were read."""
        self.latest = -math.inf
        """The order of the last op that was settled."""
        self.events_dropped = 0
        self._noted = 0
        self._front = 0
        self._recent: deque[PassNote] = deque()
        self._in_recent = 0

    @property
    def full(self) -> bool:
        """Whether ops have been let go."""
        return len(self.tail) >= TAIL * WIDTH

    def add(self, note: OpNote) -> None:
        """Keep an op that was noted."""
        self._noted += 1
        self.fresh.extend(row_of(note))

    def settle(self) -> Iterator[Row]:
        """Keep what is fresh; returns what had to go for it."""
        fresh, tail = self.fresh, self.tail
        if not fresh:
            return iter(())
        self.latest = max(self.latest, _order(fresh[-WIDTH:]))
        self.rows += len(fresh) // WIDTH - self._noted
        self._noted = 0
        room = HEAD * WIDTH - len(self.head)
        self.head += fresh[:room] if room < len(fresh) else fresh
        tail += fresh[room:]
        fresh.clear()
        gone = max(0, len(tail) - TAIL * WIDTH)
        rows = tail[:gone]
        del tail[:gone]
        return each(rows)

    def orders(self) -> set[int]:
        """The orders of the nodes of ops that are kept."""
        return {order for rows in (self.head, self.of_worst, self.tail, self.fresh) for order in rows[AGE::WIDTH]}

    def ops(self) -> list[OpNote]:
        """Every op that is kept, in the order in which they ran; none is a row any more."""
        return [row[X] for row in self._in_order() if row[OP] is None]

    def replace(self, read: Callable[[Row], OpNote]) -> None:
        """Replace each row by what `read` makes of it, in the order in which they ran."""
        self.rows = 0  # first, for whoever reads may ask for a note
        notes = {row[AGE]: row if row[OP] is None else row_of(read(row)) for row in self._in_order()}
        for rows in (self.head, self.tail, self.of_worst):
            rows[:] = [part for row in each(rows) for part in notes[row[AGE]]]

    def _in_order(self) -> list[Row]:
        chosen = {row[AGE]: row for rows in (self.head, self.of_worst, self.tail) for row in each(rows)}
        return sorted(chosen.values(), key=_order)

    def end(self, run: PassNote) -> None:
        """Keep a pass that has ended."""
        self.passes.append(run)
        self._judge(run)
        if self._front + run.weight <= FRONT or not self._front:
            self._front += run.weight
        else:
            self._recent.append(run)
            self._in_recent += run.weight
            while self._in_recent > RECENT and len(self._recent) > 1:
                old = self._recent.popleft()
                self._in_recent -= old.weight
                old.held = False
                if old is not self.worst:
                    self._forget(old)
        if len(self.passes) > PASSES:
            self.passes = [p for i, p in enumerate(self.passes) if p.events or i % 2 == 0]

    def _judge(self, run: PassNote) -> None:
        """Keep the ops and events of the step with the largest gradient, or of the first that is not finite."""
        worst = self.worst
        if not run.events or (worst is not None and not run.worse_than(worst)):
            return
        step = run.place.step
        self.of_worst = [] if step is None else _of_step(self.tail, step)
        self.worst = run
        if worst is not None and not worst.held:
            self._forget(worst)

    def _forget(self, run: PassNote) -> None:
        self.events_dropped += run.weight
        run.events, run.trail, run.weight = [], None, 0


def _of_step(rows: Rows, step: Any) -> Rows:
    """The rows of a step of a loop."""
    around = {id(steps): steps for steps in rows[STEPS::WIDTH]}
    mine = {key for key, steps in around.items() if step_of(steps) == step}
    return [part for row in each(rows) if id(row[STEPS]) in mine for part in row]
