"""The recorder: fills the engine's one observer slot and notes what runs, within bounds.

NOTE [Bounds]
A cell may run a million ops; its trace may not. The first `HEAD` ops are kept, then the last `TAIL` of them, and of a
loop
also the step with the largest gradient. After `WATCHED` ops the recorder stops looking at single ops, so that the
cell runs
at its own speed again, and only counts; passes, gradients of leaves and updates are still seen. What was not kept is
said
in `Trace.folds`.

NOTE [Steps]
Each round of one loop becomes a `Scope` of kind `step`. Which loop: the innermost one that holds both a backward pass and
an update (so that neither `for layer in layers`, nor `for p in parameters`, nor the loop over epochs is taken for it), else
the innermost round a backward pass, else, where nothing trains, the outermost.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.node import FITS, ORDER, PARENTS, SAVED, is_leaf_node, leaf_tensor, node_and_output, op_of, tick
from nbautograd.core.tensor import Tensor
from nbautograd.trace import ledger, provenance
from nbautograd.trace.loops import Steps
from nbautograd.trace.model import Cell, Source, Trace
from nbautograd.trace.notes import EventNote, OpNote, PassNote, ScopeNote, ValueNote, in_words
from nbautograd.trace.seam import Attachment
from nbautograd.trace.summary import FULL, WHOLE, held
from nbautograd.trace.where import Place, Places, labels

HEAD, TAIL, WATCHED = 1200, 600, 40_000
EVENTS_HEAD, EVENTS_TAIL = 2400, 1200
PASSES = 400

Shares = list[ledger.Share]


class UpdateNote:
    """A leaf was changed: by whom, where, and what its gradient was made of."""

    __slots__ = ("by", "cleared", "place", "shares", "tensor")

    def __init__(self, tensor: Any, by: str, place: Place, shares: Shares, cleared: Any) -> None:
        self.tensor, self.by, self.place, self.shares, self.cleared = tensor, by, place, shares, cleared


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
        self.detailed = True
        self.worst: tuple[PassNote, list[OpNote]] | None = None
        self.grad_accum: int | None = None
        self.max_nodes = HEAD + TAIL
        self.values = "stats"
        labels[filename] = (cell.label, cell.id)
        self.places = Places(filename, Source(cell.label, source, cell.id))
        self.head: list[OpNote] = []
        self.tail: deque[OpNote] = deque()
        self.passes: list[PassNote] = []
        self.passes_dropped = 0
        self.updates: list[UpdateNote] = []
        self.leaves: dict[int, ValueNote] = {}
        self.cleared: set[int] = set()
        self.op_count = 0
        self._by_node: dict[int, ValueNote] = {}
        self._by_tensor: dict[int, ValueNote] = {}
        self._ops: dict[int, OpNote] = {}
        self._scopes: list[ScopeNote] = []
        self._optimizers: list[str] = []
        self._pass: PassNote | None = None
        self._order = 0
        self._counting_from: int | None = None
        self._attachment = Attachment(self)
        self._born = 0
        self._work: provenance.Work | None = None
        self._last: OpNote | None = None
        self._written: ValueNote | None = None

    @property
    def whole(self) -> int:
        """Up to how many elements a value is kept whole."""
        return FULL if self.values == "full" else WHOLE

    # --- beginning and end ---

    def start(self) -> None:
        """Begin to watch what runs in this thread and context."""
        self._born = tick()
        self._work = provenance.begins(self.cell.label, self.cell.run)
        ledger.begin()
        self._attachment.attach()

    def stop(self, error: BaseException | None = None) -> Trace:
        """Stop watching, and make the trace."""
        try:
            self._attachment.detach()
        finally:  # an interrupt may have come in the middle
            self._attachment.detach()
        if self._counting_from is not None:
            self.op_count += -tick() - self._counting_from
        if self._work is not None:
            self._work.ends()
        self.places.forget()
        from nbautograd.trace.assemble import assemble

        return assemble(self, error)

    # --- what the engine tells ---

    def op(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> None:
        """An op ran forward."""
        if not any(op.rules):  # comparisons, random numbers: no part of the graph
            return
        self.op_count += 1
        if self.op_count > WATCHED:
            if self._counting_from is None:
                self._count_only()
            return
        place = self.places.here()
        note = OpNote(op, self._next(), [], [], place, self._scopes[-1] if self._scopes else None)
        note.inputs = [self._value(x) for x in inputs if isinstance(x, Tensor | int | float | complex | np.generic)]
        note.params = params
        note.in_place = in_place
        from_grad = any([v.from_grad for v in note.inputs])
        for i, t in enumerate(outputs):
            value = self._new_value("op", t)
            value.op, value.output, value.from_grad = note, i, from_grad
            self._remember(value, t)
            note.outputs.append(value)
        node = outputs[0]._node if outputs else None
        if node is not None:
            note.node = node_and_output(node)[0]
            self._ops[id(note.node)] = note
        self._keep(note)
        self._last = note

    def backward_begin(
        self, roots: list[Any], seeds: list[Any], kind: Any, retain_graph: bool, create_graph: bool
    ) -> None:
        """A pass starts."""
        values = [self._value(r) for r in roots]
        place = self.places.here()
        if place.steps and not any(loop.trains for loop, _ in place.steps):
            _train(place.steps)
        self._pass = PassNote(len(self.passes), kind, values, place, retain_graph, create_graph)
        if roots[0]._data.size == 1:
            self._pass.loss = float(np.real(roots[0]._data))
        for value, seed in zip(values, seeds, strict=True):
            self._event(EventNote("seed", value=value, after=held(seed._data if isinstance(seed, Tensor) else seed)))

    def flow(self, node: Any, index: int, upstream: Any, contribution: Any, before: Any, after: Any) -> None:
        """A gradient went along an edge."""
        current = self._pass
        if current is None or self._counting_from is not None:
            return
        note = self._ops.get(id(node))
        if note is None:
            if node[ORDER] < self._born and len(self.tail) >= TAIL:  # it ran here, and was forgotten
                current.dropped += 1
                return
            note = self._unknown_op(node, upstream)
        parent = node[PARENTS][index]
        key = id(parent)
        current.arrivals[key] = current.arrivals.get(key, 0) + 1
        target = self._node_value(parent, contribution)
        if isinstance(upstream, tuple | dict):
            upstream = next(u for u in (upstream.values() if isinstance(upstream, dict) else upstream) if u is not None)
        event = EventNote(
            "flow",
            value=target,
            op=note,
            input=index,
            upstream=held(upstream),
            contribution=held(contribution),
            before=None if before is None or isinstance(before, dict) else held(before),
            after=held(contribution if isinstance(after, dict) else after),
            arrival=current.arrivals[key],
        )
        event.reduced = _reduced(node, index, upstream, contribution)
        if len(current.events) < EVENTS_HEAD:
            event.local = _local(node, index, upstream, contribution)
        target.gradient = event.after
        if note.outputs and note.outputs[0].gradient is None:
            note.outputs[0].gradient = event.upstream
        self._event(event)

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """A leaf added to its `.grad`."""
        current = self._pass
        if current is None or not tensor.is_leaf:
            return
        with np.errstate(all="ignore"):
            current.norm2 += float((np.abs(np.asarray(arrays.place(contribution, arrays.CPU))) ** 2).sum())
        place = current.place
        share = ledger.Share(
            self.cell.id,
            self.cell.label,
            self.cell.run,
            held(contribution),
            place.span and place.span.line,
            current.id,
            self.number,
            place.step and place.step[1],
        )
        earlier = ledger.of(tensor).add(share, before, tensor._grad)
        value = self._value(tensor)
        self.leaves[id(tensor)] = value
        value.gradient = held(after)
        self._event(
            EventNote(
                "accumulate",
                value=value,
                contribution=held(contribution),
                after=held(after),
                before=None if before is None else held(before),
                earlier=[_snapshot(s) for s in earlier],
            )
        )

    def freed(self, node: Any) -> None:
        """An op let go of what it had saved."""
        note = self._ops.get(id(node))
        if note is not None and self._pass is not None:
            self._event(EventNote("free", op=note))

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""
        current = self._pass
        if current is None:
            return
        self._pass = None
        if error is not None:
            current.error = in_words(error)
        self.passes.append(current)
        self._judge(current)
        if len(self.passes) > PASSES:
            self._drop_a_pass()

    def in_place(self, target: Any, result: Any) -> None:
        """The result of the last op goes into `target`."""
        note = self._last
        if note is not None and note.outputs[0].tensor() is result:
            note.in_place = True
            value = note.outputs[0]
            value.tensor = weakref.ref(target)
            if target._node is None:
                self._by_tensor[id(target)] = value
            self._written = value

    def mutated(self, tensor: Any) -> None:
        """Values were changed in place."""
        written, self._written = self._written, None
        for leaf in ledger.leaves_sharing(tensor):
            if leaf._node is not None and self._uses_gradient(written):
                self._updated(leaf)
        cleared = ledger.of_gradient(tensor)
        if cleared is not None:
            self._reviewed(cleared)

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` was replaced."""
        known = ledger.known(tensor)
        if known is not None:
            self._reviewed(known)

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """A module call or an optimizer step begins."""
        if kind == "optimizer":
            self._optimizers.append(f"{name}.step")
            self._cleared_before_step(owner)
        elif kind == "module":
            parent = self._scopes[-1] if self._scopes else None
            name = (_name_in(parent.owner, owner) if parent else None) or ""
            type_name = type(owner).__name__
            self._scopes.append(ScopeNote(name, type_name, owner, parent, self.places.here()))

    def scope_end(self, kind: str) -> None:
        """The innermost scope was left."""
        if kind == "optimizer":
            self._optimizers.pop()
        elif kind == "module" and self._scopes:
            self._scopes.pop()

    def where(self, tensor: Any) -> str | None:
        """The line that computed `tensor`, for error texts."""
        return None if tensor._node is None else self.where_node(node_and_output(tensor._node)[0])

    def where_node(self, node: Any) -> str | None:
        """The line that made `node`, for error texts."""
        note = self._ops.get(id(node))
        if note is None or note.place.span is None:
            work = provenance.builder(node)
            return None if work is None or work is self._work else str(work)
        span = note.place.span
        lines = self.places.sources[span.source].code.splitlines()
        text = lines[span.line - 1].strip() if span.line <= len(lines) else ""
        return f"line {span.line}: {text}"

    # --- notes ---

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _value(self, x: Any) -> ValueNote:
        """The note of a tensor or number that is an input."""
        if not isinstance(x, Tensor):
            data = np.asarray(x)
            name = "float32" if data.dtype.kind == "f" else data.dtype.name
            return ValueNote("constant", [], name, "cpu", False, numbers=x)
        node = x._node
        found = self._by_node.get(id(node)) if node is not None else self._by_tensor.get(id(x))
        if found is not None and (node is not None or found.tensor() is x):
            return found
        if node is None:
            value = self._new_value("constant", x)
            value.from_grad = ledger.of_gradient(x) is not None
        elif is_leaf_node(node):
            value = self._new_value("leaf", x)
        else:
            return self._node_value(node, x._data)
        self._remember(value, x)
        return value

    def _new_value(self, kind: Any, t: Any) -> ValueNote:
        data = t._data
        note = ValueNote(
            kind, list(data.shape), dtypes.of_numpy(data.dtype).name, str(arrays.device_of(data)), t._node is not None
        )
        note.tensor = weakref.ref(t)
        note.node = t._node
        if len(self.head) < HEAD or data.size <= WHOLE:
            note.numbers = held(data, self.whole)
        if t._base is not None:
            note.base = self._by_node.get(id(t._base._node)) or self._by_tensor.get(id(t._base))
        return note

    def _remember(self, value: ValueNote, t: Any) -> None:
        if t._node is not None:
            self._by_node[id(t._node)] = value
        else:
            self._by_tensor[id(t)] = value

    def _node_value(self, node: Any, like: Any) -> ValueNote:
        """The note of what `node` put out, made from the node where this trace did not see it made."""
        found = self._by_node.get(id(node))
        if found is not None:
            return found
        tensor = leaf_tensor(node) if is_leaf_node(node) else None
        if tensor is not None:
            value = self._new_value("leaf", tensor)
        else:
            kind = "leaf" if is_leaf_node(node) else "op"
            value = ValueNote(kind, list(like.shape), dtypes.of_numpy(like.dtype).name, "cpu", True, node=node)
        value.node = node
        self._by_node[id(node)] = value
        return value

    def _unknown_op(self, node: Any, upstream: Any) -> OpNote:
        """The note of an op that ran outside this trace, told from its node."""
        note = OpNote(op_of(node), node[ORDER], [], [], Place(None), None, node)
        output = self._by_node.get(id(node))
        if output is None and not isinstance(upstream, tuple | dict):
            output = self._node_value(node, upstream)
        if output is not None:
            output.op = note
            note.outputs = [output]
        for i, parent in enumerate(node[PARENTS]):
            if parent is None:
                note.inputs.append(ValueNote("constant", [], "float32", "cpu", False))
            else:
                shape = node[FITS][i][0] if node[FITS] is not None else None
                like = (
                    np.empty(shape or (), np.float32)
                    if shape is not None or isinstance(upstream, tuple | dict)
                    else upstream
                )
                note.inputs.append(self._node_value(parent, like))
        note.order = -(10**12) - node[ORDER]  # before everything that ran here, oldest first
        work = provenance.builder(node)
        note.origin = None if work is None or work is self._work else str(work)
        self._ops[id(node)] = note
        self._keep(note)
        return note

    def _keep(self, note: OpNote) -> None:
        if len(self.head) < HEAD:
            self.head.append(note)
            return
        self.tail.append(note)
        if len(self.tail) > TAIL:
            old = self.tail.popleft()
            self._ops.pop(id(old.node), None)
            for value in old.outputs:
                self._by_node.pop(id(value.node), None)

    def _event(self, event: EventNote) -> None:
        current = self._pass
        if current is None:
            return
        if len(current.events) >= EVENTS_HEAD + EVENTS_TAIL:
            del current.events[EVENTS_HEAD]
            current.dropped += 1
        current.events.append(event)

    def _judge(self, current: PassNote) -> None:
        """Keep the ops of the step with the largest gradient, or with one that is not finite, from being forgotten."""
        if self.worst is None or not current.norm2 <= self.worst[0].norm2:
            step = current.place.step
            same = [note for note in self.tail if step is not None and note.place.step == step]
            self.worst = (current, same)

    def _drop_a_pass(self) -> None:
        """Forget the events of a middle pass, but of the one with the largest gradient last."""
        middle = [p for p in self.passes[PASSES // 2 : -PASSES // 4] if p.events]
        if middle:
            weakest = min(middle, key=lambda p: p.norm2)
            self.passes_dropped += 1
            weakest.dropped += len(weakest.events)
            weakest.events = []

    def _count_only(self) -> None:
        """Stop looking at single ops; see NOTE [Bounds]."""
        self._counting_from = -tick()
        self.detailed = False
        self._attachment.watch(False)

    def _settle(self, update: Place) -> None:
        """A loop trains if it is the innermost one round both a backward pass and the update that uses it."""
        if self.passes:
            both = [a for a, b in zip(self.passes[-1].place.steps, update.steps, strict=False) if a[0] is b[0]]
            if both and not both[-1][0].trains:
                for loop, _ in self.passes[-1].place.steps:
                    loop.trains = False
                _train(tuple(both))

    # --- the ledger ---

    def _reviewed(self, known: ledger.LeafLedger) -> None:
        """`.grad` was touched here."""
        known.review(self.places.here().span)
        if not known.shares:
            self.cleared.add(id(known.tensor()))

    def _uses_gradient(self, written: ValueNote | None) -> bool:
        """Whether a change in place is an update: an optimizer's, or one with numbers computed from a gradient.

        Clamping, loading or initialising a parameter is none. `p.data = …` may be anything, and counts as one.
        """
        if self._optimizers:
            return True
        return self.detailed if written is None else written.from_grad

    def _updated(self, leaf: Any) -> None:
        known = ledger.known(leaf)
        if known is None:
            return
        place = self.places.here()
        known.review()
        by = self._optimizers[-1] if self._optimizers else "in-place"
        if known.shares:
            self._settle(place)
            self.updates.append(UpdateNote(leaf, by, place, [_snapshot(s) for s in known.shares], None))
            for share in known.shares:
                share.consumed += 1

    def _cleared_before_step(self, optimizer: Any) -> None:
        """Note a step whose gradients were all cleared before it could use them."""
        span = self.places.here()
        entries: list[Any] = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                known = ledger.known(p)
                if known is None:
                    continue
                known.review()
                if known.shares:
                    return
                if known.cleared_unused is not None:
                    entries.append((p, known))
        for p, known in entries:
            self.updates.append(UpdateNote(p, self._optimizers[-1], span, [], known.cleared_unused))
            known.cleared_unused = None


def _snapshot(share: ledger.Share) -> ledger.Share:
    return ledger.Share(
        share.cell,
        share.label,
        share.run,
        share.gradient,
        share.line,
        share.pass_id,
        share.trace,
        share.step,
        share.consumed,
        share.passes,
    )


def _train(steps: Steps) -> None:
    """The innermost of these loops is the one whose rounds are steps."""
    for loop, _ in steps:
        loop.holds = True
    steps[-1][0].holds, steps[-1][0].trains = False, True


def _name_in(parent: Any, owner: Any) -> str | None:
    for name, child in getattr(parent, "_modules", {}).items():
        if child is owner:
            return name
    return None


def _reduced(node: Any, index: int, upstream: Any, contribution: Any) -> str | None:
    """The sum that undid a broadcast, in words."""
    if not op_of(node).elementwise or node[FITS] is None or upstream.shape == contribution.shape:
        return None
    wide, narrow = tuple(upstream.shape), tuple(contribution.shape)
    extra = len(wide) - len(narrow)
    axes = [i for i, n in enumerate(wide) if i < extra or narrow[i - extra] != n]
    plural = "axes" if len(axes) > 1 else "axis"
    return f"sum over {plural} {', '.join(map(str, axes))}: {wide} → {narrow}"


def _local(node: Any, index: int, upstream: Any, contribution: Any) -> Any:
    """The local derivative in numbers, for small elementwise ops: what the rule makes of a gradient of ones."""
    op = op_of(node)
    if not op.elementwise or upstream.size > 16 or node[SAVED] is None or arrays.is_cupy(upstream):
        return None
    ones = np.ones_like(upstream) if upstream.ndim else upstream.dtype.type(1)
    with np.errstate(all="ignore"):
        return held(np.asarray(op.pulls[index](ones, node[SAVED])))
