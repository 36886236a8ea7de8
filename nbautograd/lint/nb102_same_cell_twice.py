"""NB102: `.grad` holds the gradients of two runs of the same cell.

In a notebook the commonest way to accumulate gradients by accident is to run a cell again: the leaf was made in another
cell, it still holds the gradient of the first run, and `backward()` adds the second one to it.

    x = torch.tensor(3.0, requires_grad=True)     # cell 1, run once

    y = x**2                                      # cell 2, run twice
    y.backward()
    x.grad                                        # 12, not 6

Clear the gradient at the top of the cell (`x.grad = None`, or `%zerograd x`), or make the leaf in the same cell. If
you mean
to add up several runs, say so: `with nb.accumulate(2):`, or `%%autograd --grad-accum 2`.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbautograd.lint.finding import adds_up, clearest, joined, numbers, total
from nbautograd.trace.model import Finding, Ledger, Trace

CODE = "NB102"
TITLE = "gradients of two runs of this cell are added up"


def find(trace: Trace) -> Iterator[Finding]:
    """At most one finding, about every leaf that holds the sum of several runs of this cell."""
    if trace.grad_accum is not None:
        return
    twice = [ledger for ledger in trace.ledgers if from_two_runs(ledger, trace)]
    if twice:
        yield _finding(trace, twice)


def from_two_runs(ledger: Ledger, trace: Trace) -> bool:
    """Whether this run and an earlier one of the same cell both stand in the ledger, and no update has used either."""
    mine = [c for c in ledger.contributions if c.cell == trace.cell.id]
    return len({c.run for c in mine}) > 1 and not any(c.consumed for c in ledger.contributions)


def _finding(trace: Trace, twice: list[Ledger]) -> Finding:
    first = clearest(twice, lambda ledger: ledger.total)
    parts = first.contributions
    sign = "=" if adds_up(parts, first.total) else "and was changed in place; it comes from"
    message = (
        f"{first.name}.grad is {numbers(first.total)} {sign} {total(parts, trace)}. "
        "backward() adds to .grad, and nothing cleared it in between."
    )
    names = [ledger.name for ledger in twice]
    if len(names) > 1:
        message += f" The same holds for {joined([name for name in names if name != first.name])}."
    clear = f"{first.name}.grad = None" if len(names) == 1 else "%zerograd"
    span = next((p.span for p in trace.passes if p.span is not None), None)
    return Finding(
        CODE,
        "warning",
        TITLE,
        message,
        f"put `{clear}` at the top of this cell, or make {joined(names)} in it; "
        "if the sum is meant: `with nb.accumulate(2):`",
        f"%%autograd --mute {CODE}",
        span,
        [ledger.value for ledger in twice],
    )
