"""What the exporters say about a trace, in words: one line each, from text that nobody has vouched for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nbautograd.export.graph.format import brief, label, shape
from nbautograd.trace.model import Fold, Span, Summary, Trace, Value
from nbautograd.trace.plain import clean

NUMBERS = 40
"""Characters within which a tensor is written whole; a longer one is its shape."""


def plural(count: int, noun: str) -> str:
    """A number of things: `1 op`, `3,000 ops`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun if noun.endswith('es') else noun + 's'}"


def headline(trace: Trace) -> str:
    """What was traced: `In [1], run 2: 2 ops, 1 backward pass`."""
    run = f", run {trace.cell.run}" if trace.cell.run > 1 else ""
    return f"{clean(trace.cell.label, 60)}{run}: {figures(trace)}"


def figures(trace: Trace) -> str:
    """How much happened: `2 ops, 1 backward pass`."""
    passes = trace.passes_run
    counted = "no backward pass" if not passes else f"{passes:,} backward {'pass' if passes == 1 else 'passes'}"
    return f"{plural(max(trace.op_count, len(trace.ops)), 'op')}, {counted}"


def place(span: Span | None, trace: Trace) -> str:
    """Where it stands: `line 3`, with the source's name where it is not the traced cell."""
    if span is None:
        return ""
    source = f" of {clean(trace.sources[span.source].label, 40)}" if span.source else ""
    return f"line {span.line}{source}"


def folded(folds: Iterable[Fold]) -> list[str]:
    """What was counted but not kept: `9,900 ops, 20 passes not kept: why`, for each reason."""
    lost: dict[str, list[str]] = {}
    for fold in folds:
        what = clean(fold.what, 40)
        what = re.sub(r"^(\w*ss)es\b|^(\w+)s\b", r"\1\2", what) if fold.count == 1 else what
        lost.setdefault(fold.why, []).append(f"{fold.count:,} {what}")
    return [f"{', '.join(counts)} not kept: {clean(why)}" for why, counts in lost.items()]


def sums(parts: Iterable[Summary], limit: int = NUMBERS) -> str | None:
    """`[3, -1] + [3, -1]`, where that is short enough to be read."""
    texts: list[str] = []
    for part in parts:
        texts.append(brief(part, limit))
        if len(" + ".join(texts)) > limit or texts[-1] == shape(part.shape):
            return None
    return " + ".join(texts).replace("+ -", "− ")


def arrivals(trace: Trace) -> dict[int, list[Summary]]:
    """For each value that several paths lead to, what came along each of them in the last pass that reached it."""
    out: dict[int, list[Summary]] = {}
    for run in trace.passes:
        for event in run.events:
            if event.kind == "flow" and event.arrivals > 1:
                known = out.setdefault(event.target, [])
                if event.arrival == 1:
                    known.clear()
                known.append(event.contribution)
    return out


def gradient(value: Value, trace: Trace) -> str | None:
    """What the picture calls a value's gradient: `.grad [6, -2]` for a leaf, `∇ 1` for what an op put out."""
    if value.kind == "leaf" and value.requires_grad:
        return f".grad {label(value.grad)}" if value.grad or trace.passes else None
    return f"∇ {label(value.grad)}" if value.grad else None
