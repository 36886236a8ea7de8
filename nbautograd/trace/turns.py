"""When the recorder looks at single ops and edges, and when it only counts.

NOTE [Bounds]
A cell may run a million ops; its trace may not. Of ops and events those of the beginning and the end are kept, and
those of the step with the largest gradient (`Kept`). And looking must not take longer than the running: a loop that
trains is looked at step by step only as long as that took a part of the time of all other steps; in those ops take
their short path, and what is still seen are passes, gradients of leaves and updates. What was not kept is said in
`Trace.folds`.
"""

from __future__ import annotations

from time import perf_counter

from nbautograd.core.node import tick
from nbautograd.trace.seam import Attachment

LOOKED_AT, LOOKED_FOR = 4000, 1.0
"""In a loop that trains, so many ops are always looked at, and steps for so many seconds."""
STRAIGHT = 10_000
"""So many ops are always looked at where no backward pass has come yet."""
LOOKING = 0.25
"""The time for looking at steps, as a part of the time of the steps that are not looked at."""
FIRST = 20
"""So many passes are always looked at, and their leaves are told."""
FEW, BRIEFLY, SELDOM = 2, 0.003, 0.05
"""The passes, seconds and part instead of these where no numbers are wanted: a few steps tell what all do."""


class Turns:
    """Counts ops and passes, and takes turns at looking and looking away."""

    values = "stats"
    """What is kept of numbers: `none`, `stats` or `full`."""

    def __init__(self) -> None:
        self.op_count = self.pass_count = 0
        self.detailed = True
        """Whether single ops and edges are looked at now."""
        self.attachment = Attachment(self)
        self._since = 0.0
        self._looked = self._ahead = 0.0
        self._unseen_from = 0

    def begin(self) -> None:
        """Begin to watch what runs in this thread and context."""
        self._since = perf_counter()
        self.attachment.attach()

    def ops_unseen(self) -> bool:
        """Whether ops run now that nobody looks at."""
        return self._unseen_from > 0

    def ticked(self) -> None:
        """Something that is no op took a number from the clock."""
        self._unseen_from += self._unseen_from > 0

    def looks_away(self) -> bool:
        """Look away from a long run of ops without a pass; returns whether that is so."""
        if self.op_count <= STRAIGHT or self.pass_count:
            return False
        self.look(False)
        return True

    def pass_ended(self, must_look: bool) -> None:
        """A pass has ended: look at the next step, unless looking has taken too long already."""
        now = perf_counter()
        self._looked += now - self._since if self.detailed else 0.0
        if not self.detailed or self._looked_enough():
            part = SELDOM if self.values == "none" else LOOKING
            self._ahead += self._since - now if self.detailed else (now - self._since) * part
            self.look(self._ahead >= 0 or must_look)
        self._since = now

    @property
    def first(self) -> int:
        """Of so many passes the leaves are told although nobody looked."""
        return FEW if self.values == "none" else FIRST

    def _looked_enough(self) -> bool:
        if self.pass_count <= self.first:
            return False
        if self.values == "none":
            return self._looked > BRIEFLY
        return self._looked > LOOKED_FOR and self.op_count > LOOKED_AT

    def look(self, detailed: bool) -> None:
        """Look from here on, or look away."""
        if detailed is not self.detailed:
            self.count_unseen()
            self.detailed = detailed
            self._unseen_from = 0 if detailed else -tick()
            self._since = perf_counter()
            self.attachment.watch(detailed)

    def count_unseen(self) -> None:
        """Count the ops that nobody looked at, by the clock that numbers their nodes."""
        if self._unseen_from:
            now = -tick()
            self.op_count += now - self._unseen_from - 1
            self._unseen_from = now
