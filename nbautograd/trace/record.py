"""The recorder: notes what the engine tells it, within bounds; `assemble` makes a `Trace` of the notes.

NOTE [Bounds]
A cell may run a million ops; its trace may not. Of ops and events those of the beginning and the end are kept, and
those of the step with the largest gradient (`Kept`). And looking must not take longer than the running: a loop that
trains is looked at step by step only as long as that took a quarter of the time of all other steps; in those ops take
their short path, and what is still seen are passes, gradients of leaves and updates. What was not kept is said in
`Trace.folds`.

NOTE [Steps]
Each round of one loop becomes a `Scope` of kind `step`. Which loop: the innermost one that holds both a backward pass
and an update (so that neither `for layer in layers`, nor `for p in parameters`, nor the loop over epochs is taken for
it), else the innermost round a backward pass, else, where nothing trains, the outermost.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core.node import FITS, ORDER, PARENTS, SAVED, is_packed, node_and_output, op_of, tick
from nbautograd.core.tensor import Tensor
from nbautograd.trace import ledger, provenance
from nbautograd.trace.kept import HEAD, TAIL, Kept
from nbautograd.trace.known import Known
from nbautograd.trace.leaves import Leaves
from nbautograd.trace.loops import train
from nbautograd.trace.model import Cell, Source, Trace
from nbautograd.trace.notes import EventNote, OpNote, PassNote, ScopeNote, in_words
from nbautograd.trace.seam import Attachment
from nbautograd.trace.summary import FULL, WHOLE, Looks, held
from nbautograd.trace.where import Place, Places, labels

LOOKED_AT, LOOKED_FOR = 4000, 1.0
"""In a loop that trains, so many ops are always looked at, and steps for so many seconds."""
STRAIGHT = 10_000
"""So many ops are always looked at where no backward pass has come yet."""
EVENTS = 3600
"""The most events of one pass."""
LOOKING = 0.25
"""The time for looking at steps, as a part of the time of the steps that are not looked at."""
FIRST = 20
"""Of so many passes the leaves are told although nobody looked."""
LOCAL = 16
"""Local derivatives are computed for tensors of at most so many elements."""


class Recorder:
    """Records one piece of code: `start()`, run it, `stop(error)` gives the `Trace`.

    `namespace` is where the user's names are looked up when the code has ended.
    """

    _traces = 0

    def __init__(self, cell: Cell, source: str, filename: str, namespace: dict[str, Any]) -> None:
        Recorder._traces += 1
        self.number = Recorder._traces
        self.cell = cell
        self.filename = filename
        self.namespace = namespace
        self.grad_accum: int | None = None
        self.max_nodes = HEAD + TAIL
        self.values = "stats"
        labels[filename] = (cell.label, cell.id)
        self.places = Places(filename, Source(cell.label, source, cell.id))
        self._begin_notes()
        self.op_count = 0
        self.detailed = True
        """Whether single ops and edges are looked at now."""
        self._attachment = Attachment(self)
        self._work: provenance.Work | None = None
        self._scopes: list[ScopeNote] = []
        self._pass: PassNote | None = None
        self.pass_count = 0
        self._counted = 0
        self._unseen_from = 0
        self._since = 0.0
        self._looked = self._ahead = 0.0
        self._last: OpNote | None = None
        self.looks = Looks()

    def numbers(self, data: Any) -> Any:
        """What is kept of a value's numbers."""
        return None if self.values == "none" else held(data, FULL if self.values == "full" else WHOLE)

    # --- beginning and end ---

    def _begin_notes(self) -> None:
        self.kept = Kept()
        self.known = Known(self.kept, self.numbers, self._origin)
        self.leaves = Leaves(self)

    def start(self) -> None:
        """Begin to watch what runs in this thread and context."""
        self._work = provenance.begins(self.cell.label, self.cell.run)
        ledger.begin()
        self.looks = Looks(figures=self.values != "none")
        self._since = perf_counter()
        self._attachment.attach()

    @property
    def failure(self) -> str | None:
        """What made the recorder give up, if it did."""
        return self._attachment.failure

    def detach(self) -> None:
        """Stop watching; doing it twice does nothing."""
        self._attachment.detach()

    def stop(self, error: BaseException | None = None) -> Trace:
        """Stop watching, and make the trace."""
        try:
            self.detach()
        finally:  # an interrupt may have come in the middle
            self.detach()
        self._count_unseen()
        if self._work is not None:
            self._work.ends()
        self.places.forget()
        from nbautograd.trace.assemble import assemble

        trace = assemble(self, error)
        self._begin_notes()  # the notes hold the user's graph, and would do so until the garbage collector comes
        self._last, self.namespace = None, {}
        return trace

    # --- what the engine tells: forward ---

    def op(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> None:
        """An op ran forward."""
        if not any(op.rules):  # comparisons, random numbers: no part of the graph
            return
        self.op_count += 1
        if self.op_count > STRAIGHT and not self.pass_count:
            self._look(False)
            return
        values = [self.known.value(x) for x in inputs if x is not None]
        node = node_and_output(outputs[0]._node)[0] if outputs and outputs[0]._node is not None else None
        scope = self._scopes[-1] if self._scopes else None
        note = OpNote(op, -tick() if node is None else -node[ORDER], values, self.places.here(), scope, node)
        if len(values) < len(inputs):
            note.slots = [i for i, x in enumerate(inputs) if x is not None]
        note.params = params
        note.in_place = in_place
        from_grad = any(v.from_grad for v in values)
        for i, t in enumerate(outputs):
            value = self.known.new_value("op", t)
            value.output, value.from_grad = i, from_grad
            self.known.remember(value, t)
            note.outputs.append(value)
        if node is not None:
            self.known.ops[id(node)] = note
            for value in values:
                value.used = True
        self._last = note
        self.known.keep(note)

    def in_place(self, target: Any, result: Any) -> None:
        """The result of the last op goes into `target`."""
        note = self._last
        if self.detailed and note is not None and note.outputs[0].tensor() is result:
            note.in_place = True
            self.known.put(note.outputs[0], target)
            self.leaves.written(note.outputs[0])

    def mutated(self, tensor: Any) -> None:
        """Values were changed in place."""
        self._unseen_from += self._unseen_from > 0  # the change took a number from the clock, and is no op
        self.known.changed(tensor)
        self.leaves.mutated(tensor, within_pass=self._pass is not None)

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` was replaced."""
        self.leaves.grad_set(tensor)

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """A module call or an optimizer step begins."""
        if kind == "optimizer":
            self.leaves.step_begins(f"{name}.step", owner)
        elif kind == "module":
            parent = self._scopes[-1] if self._scopes else None
            name = (_name_in(parent.owner, owner) if parent else None) or ""
            place = self.places.here() if self.detailed else Place(None)
            self._scopes.append(ScopeNote(name, type(owner).__name__, owner, parent, place))

    def scope_end(self, kind: str) -> None:
        """The innermost scope was left."""
        if kind == "optimizer":
            self.leaves.step_ends()
        elif kind == "module" and self._scopes:
            self._scopes.pop()

    # --- what the engine tells: backward ---

    def backward_begin(
        self, roots: list[Any], seeds: list[Any], kind: Any, retain_graph: bool, create_graph: bool
    ) -> None:
        """A pass starts."""
        values = [self.known.value(r) for r in roots]
        place = self.places.here()
        if place.steps and not any(loop.trains for loop, _ in place.steps):
            train(place.steps)
        self._count_unseen()
        current = self._pass = PassNote(self.pass_count, kind, values, place, retain_graph, create_graph)
        current.ops, self._counted = self.op_count - self._counted, self.op_count
        if self._last is not None:
            current.after = self._last.order
        current.told = self.detailed or self.pass_count < FIRST
        self.pass_count += 1
        if not self.detailed and current.told:
            self.known.note_near(roots)
        if roots[0]._data.size == 1:
            current.loss = float(np.real(roots[0]._data))
        for value, seed in zip(values, seeds, strict=True) if current.told else ():
            self.event(EventNote("seed", value=value, after=held(seed._data if isinstance(seed, Tensor) else seed)))

    def flow(self, node: Any, index: int, upstream: Any, contribution: Any, before: Any, after: Any) -> None:
        """A gradient went along an edge."""
        current = self._pass
        if current is None or not self.detailed:
            return
        note = self.known.ops.get(id(node))
        if note is None:
            if self._ran_here(node):
                current.dropped += 1
                return
            note = self.known.unknown_op(node, upstream)
        parent = node[PARENTS][index]
        key = id(parent)
        arrival = current.arrivals[key] = current.arrivals.get(key, 0) + 1
        position = index if note.slots is None else note.slots.index(index)
        target = note.inputs[position] if position < len(note.inputs) else self.known.node_value(parent, contribution)
        if isinstance(upstream, tuple | dict):
            upstream = next(u for u in (upstream.values() if isinstance(upstream, dict) else upstream) if u is not None)
        looks = self.looks
        amount = looks(contribution)
        event = EventNote("flow", target, note, position, looks(upstream), amount, amount)
        if arrival > 1:
            event.arrival = arrival
        if before is not None and not isinstance(before, dict):
            event.before, event.after = looks(before, changed=True), looks(after, changed=True)
        if node[FITS] is not None:
            event.reduced = _reduced(node, upstream, contribution)
        if len(current.events) < EVENTS and self.values != "none":
            event.local = _local(node, index, upstream)
        target.gradient = event.after
        if note.outputs and note.outputs[0].gradient is None:
            note.outputs[0].gradient = event.upstream
        self.event(event)

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """A leaf added to its `.grad`."""
        if self._pass is not None and tensor.is_leaf:
            self.leaves.accumulate(self._pass, tensor, contribution, before, after)

    def freed(self, node: Any) -> None:
        """An op let go of what it had saved."""
        note = self.known.ops.get(id(node))
        if note is not None:
            self.event(EventNote("free", op=note))

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""
        current, self._pass = self._pass, None
        self.looks.forget()
        if current is None:
            return
        if error is not None:
            current.error = in_words(error)
        worst = self.kept.worst
        first_bad = not math.isfinite(current.norm2) and (worst is None or math.isfinite(worst.norm2))
        self.kept.end(current)
        self._take_turns(first_bad)

    def event(self, event: EventNote) -> None:
        """Note an event of the pass under way."""
        current = self._pass
        if current is None:
            return
        if len(current.events) >= EVENTS:
            current.dropped += 1
        else:
            current.events.append(event)

    # --- for error texts ---

    def where(self, tensor: Any) -> str | None:
        """The line that computed `tensor`."""
        return None if tensor._node is None else self.where_node(node_and_output(tensor._node)[0])

    def where_node(self, node: Any) -> str | None:
        """The line that made `node`, or the cell, where that was another."""
        note = self.known.ops.get(id(node))
        if note is None or note.place.span is None:
            return self._origin(node)
        span = note.place.span
        lines = self.places.sources[span.source].code.splitlines()
        text = lines[span.line - 1].strip() if span.line <= len(lines) else ""
        return f"line {span.line}: {text}"

    def _origin(self, node: Any) -> str | None:
        work = provenance.builder(node)
        return None if work is None or work is self._work else str(work)

    def _ran_here(self, node: Any) -> bool:
        """Whether a node that is not known was made in this trace, and let go since."""
        return (self.kept.full or self._unseen_from > 0) and provenance.builder(node) is self._work

    # --- when to look; see NOTE [Bounds] ---

    def _take_turns(self, must_look: bool) -> None:
        """A pass has ended: look at the next step, unless looking has taken too long already."""
        now = perf_counter()
        self._looked += now - self._since if self.detailed else 0.0
        if not self.detailed or (self.op_count > LOOKED_AT and self._looked > LOOKED_FOR and self.pass_count > FIRST):
            self._ahead += self._since - now if self.detailed else (now - self._since) * LOOKING
            self._look(self._ahead >= 0 or must_look)
        self._since = now

    def _look(self, detailed: bool) -> None:
        if detailed is not self.detailed:
            self._count_unseen()
            self.detailed = detailed
            self._unseen_from = 0 if detailed else -tick()
            self._since = perf_counter()
            self._attachment.watch(detailed)

    def _count_unseen(self) -> None:
        """Count the ops that nobody looked at, by the clock that numbers their nodes."""
        if self._unseen_from:
            now = -tick()
            self.op_count += now - self._unseen_from - 1
            self._unseen_from = now


def _name_in(parent: Any, owner: Any) -> str | None:
    for name, child in getattr(parent, "_modules", {}).items():
        if child is owner:
            return name
    return None


def _reduced(node: Any, upstream: Any, contribution: Any) -> str | None:
    """The sum that undid a broadcast, in words."""
    if not op_of(node).elementwise or upstream.shape == contribution.shape:
        return None
    wide, narrow = tuple(upstream.shape), tuple(contribution.shape)
    extra = len(wide) - len(narrow)
    axes = [i for i, n in enumerate(wide) if i < extra or narrow[i - extra] != n]
    plural = "axes" if len(axes) > 1 else "axis"
    return f"sum over {plural} {', '.join(map(str, axes))}: {wide} → {narrow}"


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
