"""The recorder's side of backward: what goes along each edge, what reaches the leaves, in the engine's order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import trail
from nbautograd.core.node import FITS, ORDER, PARENTS, SAVED, is_packed, op_of
from nbautograd.core.tensor import Tensor
from nbautograd.trace import provenance
from nbautograd.trace.jots import Jots
from nbautograd.trace.kept import Kept
from nbautograd.trace.known import Known
from nbautograd.trace.leaves import Leaves
from nbautograd.trace.loops import train
from nbautograd.trace.model import Cell
from nbautograd.trace.notes import EventNote, OpNote, PassNote, ValueNote, in_words
from nbautograd.trace.summary import Looks, held
from nbautograd.trace.trails import Trail, reduced
from nbautograd.trace.turns import Turns
from nbautograd.trace.where import Places

EVENTS = 3600
"""The most events of one pass."""
NODES = 3 * EVENTS
"""The most nodes on a trail: many may be of ops that were let go of."""
LOCAL = 16
"""Local derivatives are computed for tensors of at most so many elements."""


class Passes(Turns):
    """Notes backward passes; what it notes them in is made by the recorder."""

    number: int
    cell: Cell
    places: Places
    kept: Kept
    known: Known
    leaves: Leaves
    looks: Looks
    last: OpNote | None
    """The op that was noted last, as it ran."""
    jots: Jots | None
    """What ops are jotted down in, where no numbers are wanted."""
    work: provenance.Work | None

    def __init__(self) -> None:
        super().__init__()
        self.current: PassNote | None = None
        """The pass under way."""
        self._trail: Trail | None = None
        self._counted = 0

    def backward_begin(
        self, roots: list[Any], seeds: list[Any], kind: Any, retain_graph: bool, create_graph: bool
    ) -> trail.Trail | None:
        """A pass starts; where no numbers are wanted, a trail of it is enough."""
        self.leaves.catch_up(self.current)  # one in which a hook starts another
        self.leaves.look_at_step()
        self.settle()
        place = self.places.here()
        if place.steps and not any(loop.trains for loop, _ in place.steps):
            train(place.steps)
        self.count_unseen()
        current = self.current = PassNote(self.pass_count, kind, [], place, retain_graph, create_graph)
        current.ops, self._counted = self.op_count - self._counted, self.op_count
        current.gaps = self.kept.full or self.ops_unseen()
        current.after = self.kept.latest
        current.told = self.detailed or self.pass_count < self.first
        self.pass_count += 1
        self._trail = None
        values: Sequence[ValueNote | None] = [None] * len(roots)
        if self.jots is not None and self.detailed:
            self._trail = current.trail = Trail(roots, self.jots.since)
        elif current.told:
            values = current.roots = [self.known.value(r) for r in roots]
            if not self.detailed:
                self.known.note_near(roots)
        if roots[0]._data.size == 1:
            current.loss = float(roots[0]._data.real)
        for value, seed in zip(values, seeds, strict=True) if current.told else ():
            self.event(EventNote("seed", value, after=held(seed._data if isinstance(seed, Tensor) else seed)))
        return self._trail and self._trail.walked

    def settle(self) -> None:
        """Count the rows that were jotted down, and let go of what is too much."""
        before = self.kept.rows
        self.known.settle()
        self.op_count += self.kept.rows - before
        if self.jots is not None:
            self.looks_away()

    def flow(self, node: Any, index: int, upstream: Any, contribution: Any, before: Any, after: Any) -> None:
        """A gradient went along an edge."""
        current = self.current
        if current is None or not self.detailed:
            return
        if self._trail is not None:
            self._trail.told.setdefault(node[ORDER], []).append(index)
            return
        event = self.edge(current, node, index, upstream, contribution)
        if event is None:
            return
        if isinstance(upstream, tuple | dict):
            upstream = next(u for u in (upstream.values() if isinstance(upstream, dict) else upstream) if u is not None)
        looks = self.looks
        event.upstream = looks(upstream)
        event.contribution = event.after = looks(contribution)
        if before is not None and not isinstance(before, dict):
            event.before, event.after = looks(before, changed=True), looks(after, changed=True)
        if node[FITS] is not None:
            event.reduced = reduced(node, upstream.shape, contribution.shape)
        if len(current.events) < EVENTS:
            event.local = _local(node, index, upstream)
        event.passes_on()
        self.event(event)

    def edge(self, run: PassNote, node: Any, index: int, upstream: Any, contribution: Any) -> EventNote | None:
        """The flow from `node` to its input `index`, its numbers left open; None where the op was let go of.

        `upstream` and `contribution` tell the shapes of what was not seen when it was made.
        """
        note = self.known.ops.get(node[ORDER])
        if note is None:
            if run.gaps and provenance.builder(node) is self.work:
                run.dropped += 1
                return None
            note = self.known.unknown_op(node, upstream)
        parent = node[PARENTS][index]
        arrival = run.arrivals[parent[ORDER]] = run.arrivals.get(parent[ORDER], 0) + 1
        position = index if note.slots is None else note.slots.index(index)
        target = note.inputs[position] if position < len(note.inputs) else self.known.node_value(parent, contribution)
        if note.place.span is None and hasattr(contribution, "shape"):
            target.shape = contribution.shape  # nobody saw it computed
        return EventNote("flow", target, note, position, arrival=arrival)

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """A leaf added to its `.grad`."""
        if self.current is not None and tensor.is_leaf:
            self.leaves.accumulate(self.current, tensor, contribution, before)

    def freed(self, node: Any) -> None:
        """An op let go of what it had saved."""
        if self._trail is not None:
            self._trail.freed.add(node[ORDER])
            return
        note = self.known.ops.get(node[ORDER])
        if note is not None:
            self.event(EventNote("free", op=note))

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""
        self.leaves.catch_up(self.current)
        current, self.current = self.current, None
        trail, self._trail = self._trail, None
        self.looks.forget()
        if current is None:
            return
        if error is not None:
            current.error = in_words(error)
        current.weight = len(current.events)
        if trail is not None:
            trail.end()
            if self.kept.full or len(trail.came) > NODES:
                current.dropped += trail.keep(NODES, self.kept.orders(), self.known.since)
            if current.retain_graph or current.kind == "grad" or error is not None:
                trail.let_go()
            current.weight = min(current.weight + trail.weight(), EVENTS)
        worst = self.kept.worst
        first_bad = not math.isfinite(current.norm2) and (worst is None or math.isfinite(worst.norm2))
        self.kept.end(current)
        self.pass_ended(first_bad)

    def event(self, event: EventNote) -> None:
        """Note an event of the pass under way."""
        current = self.current
        if current is None:
            return
        if len(current.events) >= EVENTS:
            current.dropped += 1
        else:
            current.events.append(event)


def _local(node: Any, index: int, upstream: Any) -> Any:
    """The local derivative in numbers, for small elementwise ops: what the rule makes of a gradient of ones."""
    op = op_of(node)
    if not op.elementwise or upstream.size > LOCAL or arrays.is_cupy(upstream):
        return None
    if node[SAVED] is None or is_packed(node):
        return None
    ones = np.ones_like(upstream) if upstream.ndim else upstream.dtype.type(1)
    with np.errstate(all="ignore"):
        return held(np.asarray(op.pulls[index](ones, node[SAVED])))
