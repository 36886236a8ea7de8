"""A trace as text, for terminals and for those who cannot see: the ops in order, the gradients, the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from nbautograd.export.graph.diagram import SYMBOLS, settings_of
from nbautograd.export.graph.format import brief, label
from nbautograd.export.words import NUMBERS, arrivals, clean, folded, headline, place, sums
from nbautograd.trace.model import Contribution, Finding, Op, Summary, Trace, Value

OPS = 40
LEAVES = 30
FINDINGS = 10

T = TypeVar("T")


def to_text(trace: Trace) -> str:
    """The trace as some dozens of lines, however large it is."""
    sections = [_ops(trace), _leaves(trace), _findings(trace), _rest(trace)]
    return "\n\n".join([headline(trace), *("\n".join(section) for section in map(list, sections) if section)])


def _some(items: Sequence[T], most: int) -> tuple[Sequence[T], int, Sequence[T]]:
    """The first and the last items, and how many are left out between them."""
    if len(items) <= most:
        return items, 0, []
    return items[: most // 2], len(items) - 2 * (most // 2), items[-(most // 2) :]


def _ops(trace: Trace) -> Iterator[str]:
    meetings = arrivals(trace)
    first, skipped, last = _some(trace.ops, OPS)
    rows = [_op(op, trace, meetings) for op in (*first, *last)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for n, row in enumerate(rows):
        if skipped and n == len(first):
            yield f"  … {skipped:,} more ops …"
        yield "  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _op(op: Op, trace: Trace, meetings: dict[int, list[Summary]]) -> tuple[str, str, str, str]:
    """Where an op stands, what it computes, the outcome, the gradient that reached it."""
    outputs = [trace.values[i] for i in op.outputs]
    results = "; ".join(_numbers(out.data, out.shape) for out in outputs[:3])
    gradients = [label(out.grad, NUMBERS) for out in outputs[:3] if out.grad]
    gradient = f"gradient {'; '.join(gradients)}" if gradients else ""
    if total := sums(meetings.get(op.outputs[0], ()) if op.outputs else ()):
        gradient += f" = {total}"
    names = ", ".join(_called(out) for out in outputs[:3])
    return place(op.span, trace), f"{names} = {_expression(op, trace)}", results, gradient


def _expression(op: Op, trace: Trace) -> str:
    """`x × w`, `sum(h, dim=1)`."""
    inputs = [_called(trace.values[i]) for i in op.inputs[:6]] + ["…"] * (len(op.inputs) > 6)
    sign = SYMBOLS.get(op.name.lower())
    if sign and len(inputs) == 2:
        return f" {sign} ".join(inputs)
    settings = [clean(setting, 40) for setting in settings_of(op)[:4]]
    return f"{clean(op.name, 30)}({', '.join(inputs + settings)})"


def _called(value: Value) -> str:
    if value.name is not None:
        return clean(value.name, 30)
    if value.kind == "constant" and value.data and not value.shape:
        return brief(value.data)
    return f"#{value.id}"


def _numbers(data: Summary | None, dims: Sequence[int]) -> str:
    return brief(data or Summary(list(dims), ""), NUMBERS)


def _leaves(trace: Trace) -> Iterator[str]:
    leaves = [value for value in trace.values if value.kind == "leaf" and value.requires_grad]
    ledgers = {ledger.value: ledger.contributions for ledger in trace.ledgers}
    meetings = arrivals(trace)
    first, skipped, last = _some(leaves, LEAVES)
    for value in (*first, *last):
        if skipped and last and value is last[0]:
            yield f"  … {skipped:,} more leaves …"
        grad = label(value.grad, NUMBERS)
        if value.grad:
            grad += _origin(ledgers.get(value.id, []), meetings.get(value.id, []), trace)
        yield f"  {_called(value)} = {_numbers(value.data, value.shape)}   .grad {grad}"


def _origin(passes: list[Contribution], paths: list[Summary], trace: Trace) -> str:
    """What a leaf's `.grad` is the sum of: several passes, or several paths of one."""
    if len(passes) > 1 and (total := sums(each.gradient for each in passes)):
        runs = [each.run for each in passes if each.cell == trace.cell.id]
        return f" = {total}" + (f" (runs {', '.join(map(str, runs))} of this cell)" if len(set(runs)) > 1 else "")
    total = sums(paths)
    return f" = {total}" if total else ""


def _findings(trace: Trace) -> Iterator[str]:
    for finding in trace.findings[:FINDINGS]:
        yield from _finding(finding, trace)
    if len(trace.findings) > FINDINGS:
        yield f"… {len(trace.findings) - FINDINGS:,} more findings"


def _finding(finding: Finding, trace: Trace) -> Iterator[str]:
    where = place(finding.span, trace)
    yield f"{finding.code} {finding.severity}{', ' + where if where else ''}: {clean(finding.title)}"
    yield f"  {clean(finding.message, 600)}"
    yield f"  hint: {clean(finding.hint)}"
    yield f"  to silence this: {clean(finding.mute)}"


def _rest(trace: Trace) -> Iterator[str]:
    yield from folded(trace.folds)[:FINDINGS]
    if trace.error:
        yield f"stopped by {clean(trace.error)}"
