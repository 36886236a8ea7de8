"""Making a trace smaller than a number of bytes, saying what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nbautograd.trace.codec import dumps
from nbautograd.trace.model import Accumulate, Flow, Fold, Free, Scope, Seed, Summary, Trace


def fit(trace: Trace, max_bytes: int) -> Trace:
    """`trace` itself when it is small enough, else a copy of it with less inside.

    First the histograms and the numbers of larger tensors go, then the ops and events in the middle, half of them at a
    time, so that the beginning and the end of what ran stay whole.
    """
    if _size(trace) <= max_bytes:
        return trace
    trace = _without_numbers(trace)
    keep = len(trace.ops)
    size = _size(trace)
    while size > max_bytes and keep > 8:
        keep = max(8, min(keep - 1, int(keep * max_bytes / size * 0.95)))
        smaller = _middle_out(trace, keep)
        size = _size(smaller)
        if size <= max_bytes:
            return smaller
    return _middle_out(replace(trace, passes=[]), 8) if size > max_bytes else trace


def _size(trace: Trace) -> int:
    return len(dumps(trace).encode())


def _without_numbers(trace: Trace) -> Trace:
    """Numbers only for tensors of at most four elements."""

    def thin(s: Summary | None) -> Any:
        if s is None or (s.data is not None and len(s.data) <= 4):
            return s
        return replace(s, data=None, histogram=None)

    events = [
        replace(p, events=[_map_summaries(e, thin) for e in p.events]) for p in trace.passes
    ]  # fmt: skip
    values = [replace(v, data=thin(v.data), grad=thin(v.grad)) for v in trace.values]
    why = "to keep the notebook small, only tensors of at most four elements are kept whole"
    return replace(trace, values=values, passes=events, folds=[*trace.folds, Fold("numbers", len(values), why)])


def _map_summaries(event: Any, change: Any) -> Any:
    fields = [f for f in ("gradient", "upstream", "contribution", "before", "after", "local") if hasattr(event, f)]
    return replace(event, **{f: change(getattr(event, f)) for f in fields})


def _middle_out(trace: Trace, keep: int) -> Trace:
    """The first two thirds and the last third of `keep` ops, with what belongs to them, under new ids."""
    head = keep * 2 // 3
    ops = trace.ops[:head] + trace.ops[len(trace.ops) - (keep - head) :]
    op_ids = {op.id: i for i, op in enumerate(ops)}
    used = dict.fromkeys(v for op in ops for v in (*op.inputs, *op.outputs))
    used.update(dict.fromkeys(entry.value for entry in (*trace.ledgers, *trace.updates)))
    used.update(dict.fromkeys(r for p in trace.passes for r in p.roots))
    for v in list(used):
        base = trace.values[v].base
        if base is not None:
            used[base] = None
    ids = {old: new for new, old in enumerate(sorted(used))}
    values = [
        replace(
            trace.values[old],
            id=new,
            op=op_ids.get(trace.values[old].op),  # type: ignore[arg-type]
            base=ids.get(trace.values[old].base),  # type: ignore[arg-type]
        )
        for old, new in ids.items()
    ]
    dropped = 0
    passes: list[Any] = []
    for p in trace.passes:
        events = [e for e in (_moved(e, op_ids, ids) for e in p.events) if e is not None]
        dropped += len(p.events) - len(events)
        passes.append(replace(p, roots=[ids[r] for r in p.roots], events=events))
    why = "to keep the notebook small, the beginning and the end are kept whole"
    folds = [*trace.folds, Fold("ops", len(trace.ops) - keep, why)]
    if dropped:
        folds.append(Fold("events", dropped, why))
    scopes = _used_scopes(trace, ops)
    scope_ids: dict[int | None, int] = {scope.id: i for i, scope in enumerate(scopes)}
    moved = [
        replace(
            op,
            id=op_ids[op.id],
            inputs=[ids[v] for v in op.inputs],
            outputs=[ids[v] for v in op.outputs],
            scope=scope_ids.get(op.scope),
        )
        for op in ops
    ]
    return replace(
        trace,
        ops=moved,
        scopes=[replace(s, id=scope_ids[s.id], parent=scope_ids.get(s.parent)) for s in scopes],
        values=values,
        passes=passes,
        ledgers=[replace(x, value=ids[x.value]) for x in trace.ledgers],
        updates=[replace(x, value=ids[x.value]) for x in trace.updates],
        findings=[
            replace(f, values=[ids[v] for v in f.values if v in ids], ops=[op_ids[o] for o in f.ops if o in op_ids])
            for f in trace.findings
        ],
        folds=folds,
    )


def _used_scopes(trace: Trace, ops: list[Any]) -> list[Scope]:
    used: set[int] = set()
    for op in ops:
        scope = op.scope
        while scope is not None and scope not in used:
            used.add(scope)
            scope = trace.scopes[scope].parent
    return [trace.scopes[i] for i in sorted(used)]


def _moved(event: Any, ops: dict[int, int], values: dict[int, int]) -> Any:
    if isinstance(event, Free):
        kept = [ops[o] for o in event.ops if o in ops]
        return Free(kept) if kept else None
    if isinstance(event, Flow):
        if event.op not in ops or event.target not in values:
            return None
        return replace(event, op=ops[event.op], target=values[event.target])
    assert isinstance(event, Seed | Accumulate)
    return replace(event, value=values[event.value]) if event.value in values else None
