"""From the recorder's notes to a `Trace`: chooses what to keep, gives ids and names, and says what was folded."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from functools import lru_cache
from typing import Any

from nbautograd.core import dtype as dtypes
from nbautograd.core.tensor import Tensor
from nbautograd.trace import ledger
from nbautograd.trace.bystanders import without_bystanders
from nbautograd.trace.model import (
    Accumulate,
    Contribution,
    Flow,
    Fold,
    Free,
    Ledger,
    Op,
    Pass,
    Scope,
    Seed,
    Span,
    StepFigures,
    Summary,
    Trace,
    Update,
    Value,
)
from nbautograd.trace.names import Names
from nbautograd.trace.notes import EventNote, OpNote, PassNote, ScopeNote, ValueNote, in_words
from nbautograd.trace.record import Recorder
from nbautograd.trace.settings import setting, tells
from nbautograd.trace.summary import FULL, WHOLE, Summaries
from nbautograd.trace.texts import texts
from nbautograd.trace.where import Place

STEPS = 500


def assemble(recorder: Recorder, error: BaseException | None) -> Trace:
    """The trace of what `recorder` noted; `error` is what ended the code."""
    return _Assembly(recorder).trace(error)


class _Assembly:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.result = Trace(recorder.cell, recorder.places.sources, op_count=recorder.op_count)
        self.steps: dict[tuple[Any, int], int] = {}
        self._last_step: tuple[Any, int | None] = (None, None)
        self.names = Names(recorder.namespace, recorder.places.sources)
        self.told = Summaries()
        self.grads: dict[int, Summary] = {}
        """What is told of each leaf's `.grad`, by the id of the leaf."""
        self.calls: dict[tuple[int, Any], Value] = {}
        """The result that was named after its line, per place and step."""
        self.pass_ids: dict[int, int] = {}
        """Per number of a pass its id here; most passes of a long loop have none."""

    def trace(self, error: BaseException | None) -> Trace:
        recorder, trace = self.recorder, self.result
        passes = self._chosen_passes()
        ops = self._chosen_ops()
        for note in ops:
            self._op(note)
        orders = [note.order for note in ops]
        for p in passes:
            trace.passes.append(self._pass(p))
            trace.passes[-1].ops_before = bisect_right(orders, p.after)
        self._count_arrivals()
        self._figures(passes)
        self._ledgers()
        self._folds()
        trace.grad_accum = recorder.grad_accum
        if error is not None:
            trace.error = in_words(error)
        return trace

    # --- values, ops, scopes ---

    def _chosen_ops(self) -> list[OpNote]:
        ran, most = self.recorder.kept.ops(), self.recorder.max_nodes
        ops = without_bystanders(ran, self._names_a_tensor)
        self.result.op_count -= len(ran) - len(ops)
        return ops if len(ops) <= most else ops[: most - most // 3] + ops[len(ops) - most // 3 :]

    def _names_a_tensor(self, note: OpNote) -> bool:
        """Whether the user has a name for what an op put out."""
        if any(self.names.of(value) for value in note.outputs):
            return True
        name = self.names.assigned(note.place.span)
        return name is not None and isinstance(self.recorder.namespace.get(name), Tensor)

    def _value(self, note: ValueNote) -> int:
        if note.id is not None:
            return note.id
        note.id = len(self.result.values)
        dtype = dtypes.of_numpy(note.dtype).name
        value = Value(note.id, note.kind, list(note.shape), dtype, str(note.device), note.requires_grad)
        self.result.values.append(value)
        value.name = self.names.of(note)
        value.output = note.output
        if note.numbers is not None:
            value.data = self.told(_array(note.numbers), FULL if self.recorder.values == "full" else WHOLE)
        tensor = note.tensor() if note.tensor is not None else None
        if note.kind == "leaf" and tensor is not None:
            value.grad = self._grad(tensor)
        elif note.gradient is not None:
            value.grad = self.told(note.gradient)
        if note.base is not None:
            value.base = self._value(note.base)
        return note.id

    def _grad(self, leaf: Any) -> Summary | None:
        """What the `.grad` of a leaf holds."""
        if leaf._grad is None:
            return None
        found = self.grads.get(id(leaf))
        if found is None:
            data, looks = leaf._grad._data, self.recorder.looks
            found = self.grads[id(leaf)] = self.told(data if looks.figures or data.size <= WHOLE else looks(data))
        return found

    def _op(self, note: OpNote) -> None:
        trace, entry = self.result, note.entry
        inputs = [self._value(v) for v in note.inputs]
        note.id = len(trace.ops)
        outputs = [self._value(v) for v in note.outputs]
        for i in outputs:
            trace.values[i].op = note.id
        op = Op(note.id, entry.title, entry.node_name if note.recorded else None, inputs, outputs)
        if note.params:
            defaults = entry.forward.__kwdefaults__ or {}
            given = {k: v for k, v in note.params.items() if k not in defaults or not _same(v, defaults[k])}
            op.params = {k: setting(v) for k, v in given.items() if tells(k, v)}
        op.span = note.place.span
        op.scope = self._scope(note.scope, note.place)
        if note.recorded:
            op.saved = list(_saved(entry))
            op.local = [self._local(entry, i, inputs) for i in range(len(inputs))]
        self._name_result(note, op)
        op.in_place = note.in_place
        op.origin = note.origin
        op.code, op.rules = texts(note)
        trace.ops.append(op)

    def _name_result(self, note: OpNote, op: Op) -> None:
        """Name a result that no variable holds any more after what its line assigned it to."""
        name = self.names.assigned(op.span)
        if name is None or len(op.outputs) != 1:
            return
        call = (id(op.span), note.place.step)
        value = self.result.values[op.outputs[0]]
        before = self.calls.get(call)
        if before is not None:  # both come from one call of the user's, whose result is the last
            before.name = None
        if value.name is None:
            value.name = name
            self.calls[call] = value

    def _local(self, entry: Any, index: int, inputs: list[int]) -> str | None:
        """The rule of one input as TeX, in the user's names where they are known."""
        letters = entry.inputs
        tex = entry.tex.get(letters[min(index, len(letters) - 1)])
        if tex is None:
            return None
        return _named(tex, letters, tuple([self.result.values[i].name for i in inputs[: len(letters)]]))

    def _scope(self, note: ScopeNote | None, place: Place) -> int | None:
        if note is None:
            return self._step(place)
        if note.id is None:
            parent = self._scope(note.parent, note.place)
            note.id = len(self.result.scopes)
            name = self.names.modules.get(id(note.owner)) or note.name
            kind = type(note.owner).__name__
            self.result.scopes.append(Scope(note.id, "module", name, parent, kind, span=note.place.span))
        return note.id

    def _step(self, place: Place) -> int | None:
        """The scope of the loop step that `place` is in."""
        if place.steps is self._last_step[0]:  # as of most ops that follow one another
            return self._last_step[1]
        found = place.step
        if found is not None and found not in self.steps:
            loop, index = found
            scope = Scope(len(self.result.scopes), "step", f"line {loop.line}", index=index)
            scope.span = Span(loop.source, loop.line, 0, loop.line, 0)
            self.steps[found] = scope.id
            self.result.scopes.append(scope)
        self._last_step = place.steps, None if found is None else self.steps[found]
        return self._last_step[1]

    def _step_index(self, place: Place) -> int | None:
        found = place.step
        return None if found is None else found[1]

    # --- passes ---

    def _chosen_passes(self) -> list[PassNote]:
        """The passes whose events are kept; those of a long loop's middle have none."""
        return [p for p in self.recorder.kept.passes if p.events]

    def _pass(self, note: PassNote) -> Pass:
        result = Pass(len(self.result.passes), note.kind, [self._value(v) for v in note.roots])
        self.pass_ids[note.id] = result.id
        result.span = note.place.span
        result.create_graph, result.retain_graph, result.error = note.create_graph, note.retain_graph, note.error
        for event in note.events:
            self._add_event(result, event)
        return result

    def _add_event(self, to: Pass, event: EventNote) -> None:
        if event.kind == "free":
            if event.op is not None and event.op.id is not None:
                last = to.events[-1] if to.events else None
                if isinstance(last, Free):
                    last.ops.append(event.op.id)
                else:
                    to.events.append(Free([event.op.id]))
            return
        assert event.value is not None
        if event.kind == "seed":
            to.events.append(Seed(self._value(event.value), self.told(event.after)))
        elif event.kind == "accumulate":
            to.events.append(
                Accumulate(
                    self._value(event.value),
                    self.told(event.contribution),
                    self.told(event.after),
                    self._maybe(event.before),
                    [self._contribution(s) for s in event.earlier],
                )
            )
        elif event.op is not None and event.op.id is not None:
            to.events.append(self._flow(event))

    def _flow(self, event: EventNote) -> Flow:
        assert event.op is not None
        assert event.op.id is not None
        assert event.value is not None
        return Flow(
            event.op.id,
            event.input,
            self._value(event.value),
            self.told(event.upstream),
            self.told(event.contribution),
            self.told(event.after),
            self._maybe(event.before),
            self._maybe(event.local),
            event.reduced,
            event.arrival,
        )

    def _maybe(self, numbers: Any) -> Summary | None:
        return None if numbers is None else self.told(numbers)

    def _count_arrivals(self) -> None:
        for p in self.result.passes:
            totals: dict[int, int] = {}
            for e in p.events:
                if isinstance(e, Flow):
                    totals[e.target] = max(totals.get(e.target, 0), e.arrival)
            for e in p.events:
                if isinstance(e, Flow):
                    e.arrivals = totals[e.target]

    def _contribution(self, share: ledger.Share) -> Contribution:
        here = share.trace == self.recorder.number
        return Contribution(
            share.cell,
            share.label,
            share.run,
            self.told(share.gradient),
            share.line,
            self.pass_ids.get(share.pass_id) if here and share.pass_id is not None else None,
            share.consumed,
            share.step,
            share.passes,
        )

    # --- figures, ledgers, folds ---

    def _figures(self, kept: list[PassNote]) -> None:
        """A line for each step that has a backward pass; where several loops train, their steps count on."""
        rows: dict[tuple[Any, int], StepFigures] = {}
        before: dict[Any, int] = {}
        keeping = {p.id for p in kept}
        for p in self.recorder.kept.passes:
            if p.place.step is None:
                continue
            loop, number = p.place.step
            start = before.setdefault(loop, sum(other.rounds + 1 for other in before))
            row = rows.setdefault(p.place.step, StepFigures(start + number))
            row.loss, row.grad_norm = p.loss, math.sqrt(p.norm2) if p.norm2 == p.norm2 else "nan"
            row.events += p.weight + p.dropped
            row.ops += p.ops
            row.kept = row.kept or p.id in keeping
        steps = list(rows.values())
        stride = -(-len(steps) // STEPS)
        last = len(steps) - 1
        self.result.steps = [s for i, s in enumerate(steps) if i % stride == 0 or s.kept or i == last]

    def _ledgers(self) -> None:
        recorder, trace = self.recorder, self.result
        for note in recorder.leaves.updates:
            value = self._value(recorder.leaves.seen.get(id(note.tensor)) or recorder.known.value(note.tensor))
            trace.updates.append(
                Update(
                    value,
                    trace.values[value].name or _describe(note.tensor),
                    note.by,
                    [self._contribution(s) for s in note.shares],
                    note.cleared,
                    note.place.span,
                    self._step_index(note.place),
                    note.code,
                )
            )
        for key, note in recorder.leaves.seen.items():
            tensor = note.tensor() if note.tensor is not None else None
            if tensor is None:
                continue
            known = ledger.of(tensor)
            known.review()
            known.fill()
            value = self._value(note)
            trace.ledgers.append(
                Ledger(
                    value,
                    trace.values[value].name or _describe(tensor),
                    self._grad(tensor),
                    [self._contribution(s) for s in known.shares],
                    key in recorder.leaves.cleared,
                    key in recorder.leaves.updated,
                )
            )

    def _folds(self) -> None:
        recorder, trace = self.recorder, self.result
        ops = trace.op_count - sum(op.origin is None for op in trace.ops)
        events = recorder.kept.events_dropped + sum(p.dropped for p in recorder.kept.passes)
        whole = "a trace keeps the beginning and the end, and the step with the largest gradient"
        for what, count, why in (
            ("ops", ops, whole),
            ("passes", recorder.pass_count - len(trace.passes), whole),
            ("events", events, whole),
            ("updates", recorder.leaves.updates_dropped, "a trace keeps the first, and those with something to tell"),
        ):
            if count > 0:
                trace.folds.append(Fold(what, count, why))
        if recorder.failure is not None:
            trace.folds.append(Fold("whatever came later", 1, f"the recorder failed: {recorder.failure}"))


@lru_cache(maxsize=1024)
def _saved(entry: Any) -> tuple[str, ...]:
    """The names of the values that an op saves for its rules."""
    kinds = zip(entry.saves, entry.plan, strict=False)
    return tuple([name for name, (kind, _, _) in kinds if kind in ("input", "out", "aux")])


@lru_cache(maxsize=1024)
def _named(tex: str, letters: tuple[str, ...], names: tuple[str | None, ...]) -> str:
    """A rule's TeX in the user's names."""
    known = dict(zip(letters, names, strict=False))

    def shown(match: re.Match[str]) -> str:
        name = (known[match[0]] or match[0]).rpartition(".")[2].replace("_", r"\_")
        return name if len(name) == 1 else rf"\mathrm{{{name}}}"

    return re.sub(rf"(?<![\\A-Za-z])(?:{'|'.join(map(re.escape, letters))})(?![A-Za-z])", shown, tex)


def _array(numbers: Any) -> Any:
    import numpy as np

    if isinstance(numbers, bool | int | float | complex):
        return np.asarray(numbers)
    return numbers


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, int | float | str) and value == default)


def _describe(tensor: Any) -> str:
    return f"a parameter of shape {tuple(tensor._data.shape)}"
