"""The recorder's eye on leaves: what reaches their `.grad`, what clears it, what updates them from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from nbautograd.core.node import ORDER
from nbautograd.trace import ledger, prints
from nbautograd.trace.joint import Fresh, Joint
from nbautograd.trace.loops import Loop, train
from nbautograd.trace.model import Span
from nbautograd.trace.notes import EventNote, PassNote, UpdateNote, ValueNote
from nbautograd.trace.where import Place

if TYPE_CHECKING:
    from nbautograd.trace.passes import Passes

UPDATES = 300
"""Updates that are kept from the beginning, and as many again of those with something to tell."""
JOINTS = 8
"""Loops that train bring gradients to so many groups of leaves in turn, or to other leaves each time."""


class Leaves:
    """Keeps the ledgers of the leaves, and notes their updates.

    NOTE [Afterwards]
    Between two ops that work on large arrays the processor forgets the recorder's code, and remembering it takes longer
    than running it. So of leaves that a pass reaches, and of those that an optimizer changes, is first noted only which
    they are; they are looked at together when the pass or the step is over, or when anything else happens to a leaf.
    """

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
        self._settled: tuple[Place | None, Place | None] = (None, None)
        self._trained: list[Loop] = []
        """The loops round a pass of which it is known which one trains."""
        self._telling = 0
        self._updated_at = (0, 0)
        self.fresh: Fresh = []
        """Leaves that the pass under way was the first to bring something to, and their `.grad`."""
        self._changed: list[Any] = []
        """What the optimizer at work has changed."""
        self._sharing: tuple[Any, Any] = (None, None)
        """The pass whose shares are made, and one of those."""
        self._joints: dict[tuple[int, int], Joint] = {}
        """Joints by the id of their first leaf and how many they are."""

    def accumulate(self, run: PassNote, tensor: Any, contribution: Any, before: Any) -> None:
        """A leaf added to its `.grad`, which was `before`."""
        self.catch_up(run)
        if before is None:
            self._begin(run, [(tensor, tensor._grad)])
        else:
            self._add(run, tensor, tensor._grad, contribution, before)

    def catch_up(self, run: PassNote | None) -> None:
        """Look at the leaves that the pass has reached so far."""
        if self.fresh:
            fresh = self.fresh[:]
            self.fresh.clear()
            if run is not None:
                self._begin(run, fresh)

    def _begin(self, run: PassNote, fresh: Fresh) -> None:
        if run.told:
            self._begin_each(run, fresh)
            return
        key = id(fresh[0][0]), len(fresh)
        joint = self._joints.get(key)
        norm2 = None if joint is None else joint.begin(fresh, self._share(run), self._teller())
        if norm2 is not None:
            run.norm2 += norm2
            return
        self._begin_each(run, fresh)
        if len(self._joints) >= JOINTS:
            self._joints.clear()
        self._joints[key] = Joint(fresh)

    def _teller(self) -> Any:
        """Who tells a gradient by its leaf when somebody asks: it is `.grad` itself, or nobody wants its numbers."""
        looks = self._recorder.looks
        return None if looks.figures else looks

    def _begin_each(self, run: PassNote, fresh: Fresh) -> None:
        looks, share, norm2 = self._recorder.looks, self._share(run), run.norm2
        for tensor, grad in fresh:
            square, now = prints.look(grad._data)
            norm2 += square
            amount = looks(grad._data) if run.told else self._teller()
            ledger.of(tensor).begin(share, amount, tensor, ref(grad), now)
            value = self._met(tensor)
            if run.told:
                self._tell(EventNote("accumulate", value, contribution=amount, after=amount))
        run.norm2 = norm2

    def _met(self, tensor: Any) -> ValueNote:
        value = self.seen.get(id(tensor))
        return value if value is not None and value.order == tensor._node[ORDER] else self._see(tensor)

    def _see(self, tensor: Any) -> ValueNote:
        value = self.seen[id(tensor)] = self._recorder.known.value(tensor)
        return value

    def _add(self, run: PassNote, tensor: Any, grad: Any, contribution: Any, before: Any) -> None:
        looks = self._recorder.looks
        share = self._share(run).copy()
        share.gradient = amount = looks(contribution) if run.told or not looks.figures else None
        earlier = ledger.of(tensor).add(share, before, grad, prints.fingerprint(grad._data))
        run.norm2 += prints.squares(contribution)
        value = self._see(tensor)
        if run.told:
            event = EventNote("accumulate", value, contribution=amount)
            event.before, event.after = looks(before, changed=True), looks(grad._data, changed=True)
            event.earlier = [s.copy() for s in earlier]
            self._tell(event)

    def _tell(self, event: EventNote) -> None:
        assert event.value is not None
        event.value.gradient = event.after
        self._recorder.event(event)

    def _share(self, run: PassNote) -> ledger.Share:
        """What the pass `run` has brought to leaves, but for the gradient."""
        self._last_pass = run.place
        if self._sharing[0] is not run:
            cell, place, number = self._recorder.cell, run.place, self._recorder.number
            line = None if place.span is None else place.span.line
            step = None if place.step is None else place.step[1]
            self._sharing = run, ledger.Share(cell.id, cell.label, cell.run, None, line, run.id, number, step)
        return self._sharing[1]

    def written(self, value: ValueNote) -> None:
        """An op's result goes into a tensor, whose change is told next."""
        self._written = value

    def mutated(self, tensor: Any, run: PassNote | None) -> None:
        """Values were changed in place, within the pass `run`: perhaps a leaf's, perhaps those of a `.grad`."""
        if self.fresh:
            self.catch_up(run)
        if self._steps:
            self._changed.append(tensor)
            return
        written, self._written = self._written, None
        if written is None and not self._recorder.detailed and self._is_joint(tensor):
            return
        leaf = ledger.leaf_with(tensor)
        if leaf is not None and leaf._node is not None and self._uses_gradient(written):
            self._updated(leaf, "in-place")
        cleared = None if run is not None else ledger.of_gradient(tensor)
        if cleared is not None:
            self._review(cleared)

    def grad_set(self, tensor: Any, run: PassNote | None) -> None:
        """`.grad` of a leaf was replaced."""
        if self.fresh:
            self.catch_up(run)
        if self._steps:
            self.look_at_step()
        joint = ledger.joint()
        if joint is not None and joint.clear(tensor, self._recorder.places.spot):
            self.cleared.add(id(tensor))
            return
        known = ledger.known(tensor)
        if known is not None:
            self._review(known)

    def step_begins(self, name: str, optimizer: Any) -> None:
        """An optimizer's step begins. If all its gradients were cleared since backward, that is noted."""
        place = self._recorder.places.here()  # always: it tells that the loop round a pass was left
        self._steps.append((name, place, optimizer))
        emptied: list[Any] = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                joint = ledger.joint()
                if joint is not None and joint.holds(p):
                    return
                known = ledger.known(p)
                if known is None:
                    continue
                known.review()
                if not known.empty:
                    return
                if known.cleared_unused is not None:
                    emptied.append(known)
        for known in emptied:
            self._note(known, name, place, self._recorder.places.span(*known.cleared_unused))
            known.cleared_unused = None

    def step_ends(self) -> None:
        """The optimizer's step is over."""
        try:
            self.look_at_step()
        finally:
            self._steps.pop()

    def look_at_step(self) -> None:
        """Note the updates that the optimizer at work has made so far."""
        if not self._changed:
            return
        changed, self._changed = self._changed, []
        joint = ledger.joint()
        if joint is not None and self._in_short() and joint.use(changed):
            self.updated.update(joint.leaves)
            self.updates_dropped += len(changed)
            return
        by, place, optimizer = self._steps[-1]
        groups: dict[int, Any] = {}
        texts: dict[Any, list[str]] = {}
        for tensor in changed:
            leaf = ledger.leaf_with(tensor)
            if leaf is not None and leaf._node is not None:
                note = self._updated(leaf, by, place)
                if note is not None:
                    groups = groups or {id(p): group for group in optimizer.param_groups for p in group["params"]}
                    note.code = _text(optimizer, groups.get(id(leaf)), leaf, texts)
            cleared = ledger.of_gradient(tensor)
            if cleared is not None:
                self._review(cleared)

    def _review(self, known: ledger.LeafLedger) -> None:
        """The `.grad` of a leaf was touched here."""
        known.review(self._recorder.places.spot)
        if known.empty:
            self.cleared.add(id(known.tensor()))

    def _is_joint(self, tensor: Any) -> bool:
        joint = ledger.joint()
        return joint is not None and joint.owns(tensor)

    def _uses_gradient(self, written: ValueNote | None) -> bool:
        """Whether a change in place is an update: an optimizer's, or one with numbers computed from a gradient.

        Clamping, loading or initialising a parameter is none. `p.data = …` may be anything, and counts as one.
        """
        if self._steps:
            return True
        return self._recorder.detailed if written is None else written.from_grad

    def _updated(self, leaf: Any, by: str, place: Place | None = None) -> UpdateNote | None:
        known = ledger.known(leaf)
        if known is None:
            return None
        known.review()
        moment = (id(leaf), self._recorder.op_count)
        if known.empty or (moment == self._updated_at and not self._steps):
            return None  # `w.data -= …` changes `w.data` and then sets it
        self._updated_at = moment
        self.updated.add(id(leaf))
        if self._in_short() and not known.tells():
            self.updates_dropped += 1
            note = None
        else:
            place = place or self._recorder.places.here()
            self._settle(place)
            note = self._note(known, by, place)
        known.use()
        return note

    def _in_short(self) -> bool:
        """Whether nobody looks at updates that tell as little as others did in this loop."""
        recorder, last = self._recorder, self._last_pass
        if recorder.detailed or recorder.looks.figures or last is None:
            return False
        return [loop for loop, _ in last.steps] == self._trained

    def _note(self, known: ledger.LeafLedger, by: str, place: Place, cleared: Span | None = None) -> UpdateNote | None:
        """Note an update, unless there are too many of those that tell as little."""
        tells = cleared is not None or known.tells()
        self._telling += tells
        many = len(self.updates) >= UPDATES or not (self._recorder.detailed or self._recorder.looks.figures)
        if many and not (tells and self._telling < UPDATES):
            self.updates_dropped += 1
            return None
        known.fill()
        note = UpdateNote(known.tensor(), by, place, [s.copy() for s in known.shares], cleared)
        self.updates.append(note)
        return note

    def _settle(self, update: Place) -> None:
        """A loop trains if it is the innermost one round both a backward pass and the update that uses it."""
        if (update, self._last_pass) == self._settled:
            return
        self._settled = update, self._last_pass
        before = () if self._last_pass is None else self._last_pass.steps
        both = [a for a, b in zip(before, update.steps, strict=False) if a[0] is b[0]]
        if both and not both[-1][0].trains:
            for loop, _ in before:
                loop.trains = False
            train(tuple(both))
        self._trained = [loop for loop, _ in before]


def _text(optimizer: Any, group: Any, leaf: Any, known: dict[Any, list[str]]) -> list[str]:
    """What the optimizer did to a leaf of that group; most leaves of a group have the same text."""
    if group is None:
        return []
    state = optimizer.state.get(leaf, {})
    step = state.get("step")
    key = id(group), None if step is None else float(step)
    found = known.get(key)
    if found is None:
        found = known[key] = optimizer.as_text(group, state)
    return found
