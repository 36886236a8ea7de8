"""What a recorder keeps of a long run: the first ops and passes, the last ones, and those of the worst step."""

from __future__ import annotations

from collections import deque

from nbautograd.trace.notes import OpNote, PassNote

HEAD, TAIL = 1200, 600
"""Ops kept from the beginning and from the end."""
FRONT, RECENT = 2000, 1600
"""Events of backward passes kept from the beginning and from the end."""
PASSES = 4000
"""Passes of which at least the figures are kept."""


class Kept:
    """The ops and passes of a run, with a bound on all of them."""

    def __init__(self) -> None:
        self.head: list[OpNote] = []
        self.tail: deque[OpNote] = deque()
        self.passes: list[PassNote] = []
        self.worst: PassNote | None = None
        self.of_worst: list[OpNote] = []
        self.events_dropped = 0
        self._front = 0
        self._recent: deque[PassNote] = deque()
        self._in_recent = 0

    @property
    def full(self) -> bool:
        """Whether ops have been let go."""
        return len(self.tail) >= TAIL

    def op(self, note: OpNote) -> OpNote | None:
        """Keep an op; returns the one that had to go for it."""
        if len(self.head) < HEAD:
            self.head.append(note)
            return None
        self.tail.append(note)
        return self.tail.popleft() if len(self.tail) > TAIL else None

    def ops(self) -> list[OpNote]:
        """Every op that is kept, in the order in which they ran."""
        chosen = {id(note): note for note in (*self.head, *self.of_worst, *self.tail)}
        return sorted(chosen.values(), key=lambda note: note.order)

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
        self.of_worst = [note for note in self.tail if step is not None and note.place.step == step]
        self.worst = run
        if worst is not None and not worst.held:
            self._forget(worst)

    def _forget(self, run: PassNote) -> None:
        self.events_dropped += run.weight
        run.events, run.weight = [], 0
