"""Making a trace smaller than a number of bytes, saying what was left out.

NOTE [What is let go]
In this order, and only as far as needed: the numbers of tensors with more than four elements and all histograms; lines
of code that nothing ran on; updates and steps in the middle; then ops, with their values and events. If few ops would
be left, what they compute as text goes before them. Of ops the first stay, and the last; in a loop whole steps: the
first, the last, the one with the largest gradient, and others from both ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from nbautograd.trace.codec import dumps, to_dict
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
    Summary,
    Trace,
    Update,
)

T = TypeVar("T")
E = TypeVar("E", Ledger, Update)
Event = Seed | Flow | Accumulate | Free
WHY = "to keep the notebook small"
UPDATES, STEPS, TEXT = 12, 100, 300
ENOUGH = 100
"""So many ops with their texts tell more than many more without."""


def fit(trace: Trace, max_bytes: int) -> Trace:
    """`trace` itself when it is small enough, else a copy of it with less inside; see NOTE [What is let go]."""
    if size(trace) <= max_bytes:
        return trace
    trace = _without_numbers(trace)
    for smaller in (_without_idle_lines, _without_middle):
        if size(trace) > max_bytes:
            trace = smaller(trace)
    if size(trace) > max_bytes:
        fewer = _without_ops(trace, max_bytes)
        trace = fewer if len(fewer.ops) >= ENOUGH else _without_texts(trace)
    if size(trace) > max_bytes:
        trace = _without_ops(trace, max_bytes)
    while size(trace) > max_bytes and trace.ops:
        trace = _keep(trace, _ranked(trace)[: len(trace.ops) * 3 // 4])
    return trace if size(trace) <= max_bytes else _bare(trace)


def size(trace: Trace) -> int:
    """How many bytes of JSON a trace takes."""
    return len(dumps(trace).encode())


def _without_numbers(trace: Trace) -> Trace:
    """Numbers only for tensors of at most four elements."""
    thinned: dict[int, Summary] = {}

    def thin(s: Summary | None) -> Any:
        if s is None or (s.histogram is None and (s.data is None or len(s.data) <= 4)):
            return s
        if id(s) not in thinned:
            thinned[id(s)] = replace(s, data=None, histogram=None)
        return thinned[id(s)]

    def thin_event(event: Event) -> Any:
        names = ("gradient", "upstream", "contribution", "before", "after", "local")
        return replace(event, **{n: thin(getattr(event, n)) for n in names if hasattr(event, n)})

    def thin_parts(entry: Any) -> Any:
        return replace(entry, contributions=[replace(c, gradient=thin(c.gradient)) for c in entry.contributions])

    fold = Fold("numbers", len(trace.values), f"{WHY}, only tensors of at most four elements are told whole")
    return replace(
        trace,
        values=[replace(v, data=thin(v.data), grad=thin(v.grad)) for v in trace.values],
        passes=[replace(p, events=[thin_event(e) for e in p.events]) for p in trace.passes],
        updates=[thin_parts(u) for u in trace.updates],
        ledgers=[replace(thin_parts(entry), total=thin(entry.total)) for entry in trace.ledgers],
        folds=[*trace.folds, fold],
    )


def _without_idle_lines(trace: Trace) -> Trace:
    """Of long files only the lines round what ran; the others stay as empty lines, so that the numbers hold."""
    used: dict[int, set[int]] = {}
    for item in (*trace.ops, *trace.scopes, *trace.passes, *trace.updates, *trace.findings):
        if item.span is not None:
            near = used.setdefault(item.span.source, set())
            near.update(range(item.span.line - 3, item.span.end_line + 4))
    sources = [
        replace(
            s,
            code="\n".join(
                line[:TEXT] if n in used.get(i, ()) else "" for n, line in enumerate(s.code.split("\n"), 1)
            ).rstrip(),
        )
        for i, s in enumerate(trace.sources)
    ]
    told = [sum(map(bool, map(str.strip, s.code.split("\n")))) for s in (*trace.sources, *sources)]
    idle = sum(told[: len(sources)]) - sum(told[len(sources) :])
    folds = [Fold("lines of code", idle, WHY)] if idle else []
    return replace(trace, sources=sources, folds=[*trace.folds, *folds])


def _without_middle(trace: Trace) -> Trace:
    """Fewer updates, steps and passes: the ends stay, and what a finding may be about."""
    updates = _ends(trace.updates, UPDATES, [u for u in trace.updates if _tells(u)][:UPDATES])
    whole = _ends([s for s in trace.steps if s.kept], 2 * STEPS, ())
    steps = _ends(trace.steps, 2, [*trace.steps[:: len(trace.steps) // STEPS + 1], *whole])
    folds = [
        Fold(what, before - after, WHY)
        for what, before, after in (
            ("updates", len(trace.updates), len(updates)),
            ("steps", len(trace.steps), len(steps)),
        )
        if before > after
    ]
    trace = replace(trace, updates=updates, steps=steps, folds=[*trace.folds, *folds])
    return _keep(trace, trace.ops)


def _without_texts(trace: Trace) -> Trace:
    """Ops without what they and their rules compute as Python: a reader can do with their names."""
    told = sum(bool(op.code) for op in trace.ops)
    folds = [*trace.folds, Fold("texts of ops", told, WHY)] if told else trace.folds
    return replace(trace, ops=[replace(op, code="", rules=[]) for op in trace.ops], folds=folds)


def _tells(update: Update) -> bool:
    return update.cleared is not None or any(c.consumed for c in update.contributions)


def _ends(items: Sequence[T], count: int, also: Iterable[T]) -> list[T]:
    """The first and last of `items`, and those in `also`, in their order."""
    kept = {id(item) for item in (*items[: count // 2], *items[len(items) - min(count // 2, len(items)) :], *also)}
    return [item for item in items if id(item) in kept]


# --- ops ---


def _without_ops(trace: Trace, budget: int) -> Trace:
    """As many ops as the budget of bytes allows, the most telling ones first."""
    costs, others = _costs(trace)
    budget -= others
    chosen: list[Op] = []
    for op in _ranked(trace):
        budget -= costs[op.id]
        if budget < 0:
            break
        chosen.append(op)
    return _keep(trace, _whole_steps(trace, chosen))


def _whole_steps(trace: Trace, chosen: list[Op]) -> list[Op]:
    """Without the ops of steps that are not chosen as a whole, if any is: half a step tells nothing."""
    steps = {op.id: _step(trace, op) for op in trace.ops}
    missing = {steps[i] for i in steps.keys() - {op.id for op in chosen}} - {None}
    whole = [op for op in chosen if steps[op.id] not in missing]
    return whole if any(steps[op.id] is not None for op in whole) else chosen


def _costs(trace: Trace) -> tuple[list[int], int]:
    """The bytes per op, with its events and the values and scopes first met with it, and of all that is no op's.

    What a pass has besides counts on its first op, without which the pass is not kept.
    """
    data = to_dict(trace)
    costs, values, scopes = ([_bytes(part) for part in data.pop(name, [])] for name in ("ops", "values", "scopes"))
    for op in trace.ops:
        for v in (*op.inputs, *op.outputs):
            costs[op.id] += values[v]
            values[v] = 0
        for scope in _around(trace, op):
            costs[op.id] += scopes[scope.id]
            scopes[scope.id] = 0
    for run in data.get("passes", []):
        events = run.pop("events", [])
        first = next((e["op"] for e in events if e["kind"] == "flow"), None)
        if first is None:
            run["events"] = events
            continue
        costs[first] += _bytes(run)
        run.clear()
        for e in events:
            costs[e.get("op", first)] += _bytes(e)
    return costs, _bytes(data) + sum(values)


def _bytes(item: Any) -> int:
    return len(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()) + 1


def _ranked(trace: Trace) -> list[Op]:
    """The ops by what they tell: telling steps whole, then from both ends towards the middle, two from the front."""
    ops = trace.ops
    by_step: dict[int | None, list[Op]] = {}
    for op in ops:
        by_step.setdefault(_step(trace, op), []).append(op)
    order = {op.id: op for step in _telling_steps(trace) for op in by_step.get(step, ())}
    front, back = 0, len(ops) - 1
    while front <= back:
        for i in dict.fromkeys((front, min(front + 1, back), back)):
            order.setdefault(i, ops[i])
        front, back = front + 2, back - 1
    return list(order.values())


def _telling_steps(trace: Trace) -> list[int]:
    """The scopes of the first step, the last, and the one with the largest gradient."""
    scopes = [s for s in trace.scopes if s.kind == "step"]
    if not scopes:
        return []
    norms = {s.index: s.grad_norm for s in trace.steps if s.kept and s.grad_norm is not None}
    known = [s for s in scopes if s.index in norms]
    worst = [max(known, key=lambda s: _badness(norms[s.index or 0])).id] if known else []
    return list(dict.fromkeys([scopes[0].id, max(scopes, key=lambda s: s.index or 0).id, *worst]))


def _badness(norm: Any) -> float:
    return float("inf") if isinstance(norm, str) else float(norm)


def _step(trace: Trace, op: Op) -> int | None:
    """The scope of the step that `op` is in."""
    return next((scope.id for scope in _around(trace, op) if scope.kind == "step"), None)


def _around(trace: Trace, op: Op) -> Iterator[Scope]:
    """The scopes of an op, from the innermost to the outermost."""
    scope = op.scope
    while scope is not None:
        yield trace.scopes[scope]
        scope = trace.scopes[scope].parent


def _keep(trace: Trace, ops: list[Op]) -> Trace:
    """The trace with these ops and what belongs to them, in the order in which they ran, under new ids."""
    ops = sorted(ops, key=lambda op: op.id)
    op_ids = {op.id: i for i, op in enumerate(ops)}
    used = {v for op in ops for v in (*op.inputs, *op.outputs)}
    used.update(entry.value for entry in (*trace.ledgers, *trace.updates))
    passes = _kept_passes(trace, op_ids)
    used.update(r for p in passes for r in p.roots)
    stack = list(used)
    while stack:
        base = trace.values[stack.pop()].base
        if base is not None and base not in used:
            used.add(base)
            stack.append(base)
    ids = {old: new for new, old in enumerate(sorted(used))}
    scopes = _used_scopes(trace, ops)
    scope_ids = {scope.id: i for i, scope in enumerate(scopes)}
    whole = {scope.index for scope in scopes if scope.kind == "step"}
    pass_ids = {p.id: i for i, p in enumerate(passes)}
    moved = [
        replace(
            p,
            id=i,
            roots=[ids[r] for r in p.roots],
            events=_moved(p, op_ids, ids, pass_ids),
            ops_before=_before(p, ops),
        )
        for i, p in enumerate(passes)
    ]
    lost = sum(len(p.events) for p in trace.passes) - sum(len(p.events) for p in moved)
    folds = [
        Fold("ops", len(trace.ops) - len(ops), WHY),
        Fold("events", lost, WHY),
        Fold("passes", len(trace.passes) - len(passes), WHY),
    ]
    return replace(
        trace,
        ops=[
            replace(
                op,
                id=op_ids[op.id],
                inputs=[ids[v] for v in op.inputs],
                outputs=[ids[v] for v in op.outputs],
                scope=None if op.scope is None else scope_ids[op.scope],
            )
            for op in ops
        ],
        values=[
            replace(v, id=new, op=_at(op_ids, v.op), base=_at(ids, v.base))
            for new, v in enumerate(trace.values[old] for old in ids)
        ],
        scopes=[replace(s, id=scope_ids[s.id], parent=_at(scope_ids, s.parent)) for s in scopes],
        passes=moved,
        ledgers=[_with_parts(replace(entry, value=ids[entry.value]), pass_ids) for entry in trace.ledgers],
        updates=[_with_parts(replace(update, value=ids[update.value]), pass_ids) for update in trace.updates],
        findings=[
            replace(f, values=[ids[v] for v in f.values if v in ids], ops=[op_ids[o] for o in f.ops if o in op_ids])
            for f in trace.findings
        ],
        steps=[replace(s, kept=s.kept and s.index in whole) for s in trace.steps],
        folds=_merged([*trace.folds, *(fold for fold in folds if fold.count)]),
    )


def _before(p: Pass, ops: list[Op]) -> int | None:
    return None if p.ops_before is None else sum(op.id < p.ops_before for op in ops)


def _merged(folds: list[Fold]) -> list[Fold]:
    counts: dict[tuple[str, str], int] = {}
    for fold in folds:
        counts[fold.what, fold.why] = counts.get((fold.what, fold.why), 0) + fold.count
    return [Fold(what, count, why) for (what, why), count in counts.items()]


def _at(ids: dict[int, int], old: int | None) -> int | None:
    return None if old is None else ids.get(old)


def _used_scopes(trace: Trace, ops: list[Op]) -> list[Scope]:
    used = {scope.id for op in ops for scope in _around(trace, op)}
    return [trace.scopes[i] for i in sorted(used)]


def _kept_passes(trace: Trace, ops: dict[int, int]) -> list[Pass]:
    """The passes through one of the ops; of those through none, which brought gradients all the same, the ends."""
    through = {p.id: [e.op for e in p.events if isinstance(e, Flow)] for p in trace.passes}
    kept = [p for p in trace.passes if any(op in ops for op in through[p.id])]
    return _ends(trace.passes, 0, [*kept, *_ends([p for p in trace.passes if not through[p.id]], UPDATES, ())])


def _parts(contributions: list[Contribution], passes: dict[int, int]) -> list[Contribution]:
    return [replace(c, pass_id=_at(passes, c.pass_id)) for c in contributions]


def _with_parts(entry: E, passes: dict[int, int]) -> E:
    return replace(entry, contributions=_parts(entry.contributions, passes))


def _moved(p: Pass, ops: dict[int, int], values: dict[int, int], passes: dict[int, int]) -> list[Event]:
    """The events of a pass that are still about something."""
    moved: list[Event] = []
    for event in p.events:
        if isinstance(event, Free):
            kept = [ops[o] for o in event.ops if o in ops]
            if kept:
                moved.append(Free(kept))
        elif isinstance(event, Flow):
            if event.op in ops and event.target in values:
                moved.append(replace(event, op=ops[event.op], target=values[event.target]))
        elif event.value in values:
            if isinstance(event, Accumulate):
                event = replace(event, earlier=_parts(event.earlier, passes))
            moved.append(replace(event, value=values[event.value]))
    return moved


def _bare(trace: Trace) -> Trace:
    """What must be said in any case."""
    findings = [
        replace(f, message=f.message[:TEXT], hint=f.hint[:TEXT], span=None, values=[], ops=[])
        for f in trace.findings[:10]
    ]
    cell = replace(trace.cell, id=trace.cell.id[:TEXT], label=trace.cell.label[:TEXT])
    error = None if trace.error is None else trace.error[:TEXT]
    fold = Fold("ops", trace.op_count, f"{WHY}: not even the smallest graph fits")
    return Trace(cell, findings=findings, folds=[fold], op_count=trace.op_count, error=error, engine=trace.engine)
