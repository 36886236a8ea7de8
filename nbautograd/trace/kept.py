"""What a recorder keeps of a long run: the first ops and passes, the last ones, and those of the worst step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from nbautograd.trace.notes import OpNote, PassNote
from nbautograd.trace.where import step_of

Row = tuple[Any, ...]
"""An op as it was jotted down; see NOTE [Jotting]: its entry, the order of its node and those of its parents, result,
inputs, settings, code, instruction, the loops round it, and its scope."""

HEAD, TAIL = 1200, 600
"""Ops kept from the beginning and from the end."""
FRONT, RECENT = 2000, 1600
"""Events of backward passes kept from the beginning and from the end."""
PASSES = 4000
"""Passes of which at least the figures are kept."""


class Kept:
    """The ops and passes of a run, with a bound on all of them."""

    def __init__(self) -> None:
        self.fresh: list[OpNote | Row] = []
        """What has run since the others were `settled`."""
        self.head: list[OpNote | Row] = []
        self.tail: deque[OpNote | Row] = deque()
        self.passes: list[PassNote] = []
        self.worst: PassNote | None = None
        self.of_worst: list[OpNote | Row] = []
        self.rows = 0
        """How many rows were settled since the last were read."""
        self.latest = -math.inf
        """The order of the last op that was settled."""
        self.events_dropped = 0
        self._front = 0
        self._recent: deque[PassNote] = deque()
        self._in_recent = 0

    @property
    def full(self) -> bool:
        """Whether ops have been let go."""
        return len(self.tail) >= TAIL

    def settle(self) -> list[OpNote | Row]:
        """Keep what is fresh; returns what had to go for it."""
        fresh, tail = self.fresh, self.tail
        if fresh:
            self.latest = max(self.latest, _order(fresh[-1]))
        self.rows += sum([isinstance(each, tuple) for each in fresh])
        room = HEAD - len(self.head)
        self.head += fresh[:room]
        tail.extend(fresh[room:])
        fresh.clear()
        return [tail.popleft() for _ in range(len(tail) - TAIL)]

    def ops(self) -> list[OpNote]:
        """Every op that is kept, in the order in which they ran; none is a row any more."""
        return [note for note in self._in_order() if isinstance(note, OpNote)]

    def replace(self, read: Callable[[Row], OpNote]) -> None:
        """Replace each row by what `read` makes of it, in the order in which they ran."""
        self.rows = 0  # first, for whoever reads may ask for a note
        notes = {id(each): read(each) if isinstance(each, tuple) else each for each in self._in_order()}
        self.head = [notes[id(each)] for each in self.head]
        self.tail = deque([notes[id(each)] for each in self.tail])
        self.of_worst = [notes[id(each)] for each in self.of_worst]

    def _in_order(self) -> list[OpNote | Row]:
        chosen = {id(each): each for each in (*self.head, *self.of_worst, *self.tail)}
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
        self.of_worst = [each for each in self.tail if step is not None and _step(each) == step]
        self.worst = run
        if worst is not None and not worst.held:
            self._forget(worst)

    def _forget(self, run: PassNote) -> None:
        self.events_dropped += run.weight
        run.events, run.trail, run.weight = [], None, 0


def _step(each: OpNote | Row) -> Any:
    return step_of(each[8]) if isinstance(each, tuple) else each.place.step


def _order(each: OpNote | Row) -> float:
    return -each[1] if isinstance(each, tuple) else each.order
