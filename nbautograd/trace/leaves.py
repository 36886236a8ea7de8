"""The recorder's eye on leaves: what reaches their `.grad`, what clears it, what updates them from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbautograd.trace import ledger
from nbautograd.trace.loops import train
from nbautograd.trace.notes import EventNote, PassNote, UpdateNote, ValueNote
from nbautograd.trace.where import Place

if TYPE_CHECKING:
    from nbautograd.trace.passes import Passes

UPDATES = 300
"""Updates that are kept from the beginning, and as many again of those with something to tell."""


class Leaves:
    """Keeps the ledgers of the leaves, and notes their updates."""

    def __init__(self, recorder: Passes) -> None:
        self.seen: dict[int, ValueNote] = {}
        """The leaves whose `.grad` received something, by the id of the tensor."""
        self.cleared: set[int] = set()
        self.updated: set[int] = set()
        self.updates: list[UpdateNote] = []
        self.updates_dropped = 0
        self._recorder = recorder
        self._steps: list[tuple[str, Place, Any]] = []
        self._written: ValueNote | None = None
        self._last_pass: Place | None = None
        self._telling = 0
        self._updated_at = (0, 0)

    def accumulate(self, run: PassNote, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """A leaf added to its `.grad`."""
        recorder, place = self._recorder, run.place
        run.norm2 += ledger.squares(contribution)
        self._last_pass = place
        amount = recorder.looks(contribution) if run.told else None
        share = ledger.Share(recorder.cell.id, recorder.cell.label, recorder.cell.run, amount)
        share.line = None if place.span is None else place.span.line
        share.step = None if place.step is None else place.step[1]
        share.pass_id, share.trace = run.id, recorder.number
        earlier = ledger.of(tensor).add(share, before, tensor._grad)
        value = self.seen[id(tensor)] = recorder.known.value(tensor)
        if run.told:
            event = EventNote("accumulate", value, contribution=amount, after=amount)
            if before is not None:
                looks = recorder.looks
                event.before, event.after = looks(before, changed=True), looks(after, changed=True)
                event.earlier = [replace(s) for s in earlier]
            value.gradient = event.after
            recorder.event(event)

    def written(self, value: ValueNote) -> None:
        """An op's result goes into a tensor, whose change is told next."""
        self._written = value

    def mutated(self, tensor: Any, within_pass: bool) -> None:
        """Values were changed in place: perhaps a leaf's, perhaps those of a `.grad`."""
        written, self._written = self._written, None
        leaf = ledger.leaf_with(tensor)
        if leaf is not None and leaf._node is not None and self._uses_gradient(written):
            self._updated(leaf)
        cleared = None if within_pass else ledger.of_gradient(tensor)
        if cleared is not None:
            self._review(cleared)

    def grad_set(self, tensor: Any) -> None:
        """`.grad` of a leaf was replaced."""
        known = ledger.known(tensor)
        if known is not None:
            self._review(known)

    def step_begins(self, name: str, optimizer: Any) -> None:
        """An optimizer's step begins. If all its gradients were cleared since backward, that is noted."""
        place = self._recorder.places.here()
        self._steps.append((name, place, optimizer))
        emptied: list[Any] = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                known = ledger.known(p)
                if known is None:
                    continue
                known.review()
                if known.shares:
                    return
                if known.cleared_unused is not None:
                    emptied.append(known)
        for known in emptied:
            self._note(UpdateNote(known.tensor(), name, place, [], known.cleared_unused))
            known.cleared_unused = None

    def step_ends(self) -> None:
        """The optimizer's step is over."""
        self._steps.pop()

    def _review(self, known: ledger.LeafLedger) -> None:
        """The `.grad` of a leaf was touched here."""
        known.review(lambda: self._recorder.places.here().span)
        if not known.shares:
            self.cleared.add(id(known.tensor()))

    def _uses_gradient(self, written: ValueNote | None) -> bool:
        """Whether a change in place is an update: an optimizer's, or one with numbers computed from a gradient.

        Clamping, loading or initialising a parameter is none. `p.data = …` may be anything, and counts as one.
        """
        if self._steps:
            return True
        return self._recorder.detailed if written is None else written.from_grad

    def _updated(self, leaf: Any) -> None:
        known = ledger.known(leaf)
        if known is None:
            return
        by, place, optimizer = self._steps[-1] if self._steps else ("in-place", self._recorder.places.here(), None)
        known.review()
        moment = (id(leaf), self._recorder.op_count)
        if not known.shares or (moment == self._updated_at and not self._steps):
            return  # `w.data -= …` changes `w.data` and then sets it
        self._updated_at = moment
        self._settle(place)
        self.updated.add(id(leaf))
        code = [] if optimizer is None else optimizer.update_text(leaf)
        self._note(UpdateNote(leaf, by, place, known.shares, code=code))
        for share in known.shares:
            share.consumed += 1

    def _note(self, note: UpdateNote) -> None:
        tells = note.cleared is not None or len({s.consumed > 0 for s in note.shares}) > 1
        self._telling += tells
        if len(self.updates) < UPDATES or (tells and self._telling < UPDATES):
            ledger.of(note.tensor).fill()
            note.shares = [replace(s) for s in note.shares]
            self.updates.append(note)
        else:
            self.updates_dropped += 1

    def _settle(self, update: Place) -> None:
        """A loop trains if it is the innermost one round both a backward pass and the update that uses it."""
        before = () if self._last_pass is None else self._last_pass.steps
        both = [a for a, b in zip(before, update.steps, strict=False) if a[0] is b[0]]
        if both and not both[-1][0].trains:
            for loop, _ in before:
                loop.trains = False
            train(tuple(both))
