"""NB100: `.grad` is the sum of backward passes of several cells.

This is a note, not a warning: adding up gradients is what `.grad` is for, and often meant. It tells which cells
the numbers came from.

    (x**2).backward()        # In [3]
    (x * 5).backward()       # In [5]
    x.grad                   # the sum of both

To begin anew, clear it: `x.grad = None`, or `%zerograd x`. `%grads` shows every part.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbautograd.lint.finding import clearest, joined, numbers, total
from nbautograd.lint.nb102_same_cell_twice import from_two_runs
from nbautograd.trace.model import Finding, Ledger, Trace

CODE = "NB100"
LISTED = 4
"""Cells that the title names; of more, the first and the last."""


def find(trace: Trace) -> Iterator[Finding]:
    """At most one note, about the leaves whose gradient is not this cell's alone."""
    if trace.grad_accum is not None:
        return
    mixed = [ledger for ledger in trace.ledgers if _from_several_cells(ledger) and not from_two_runs(ledger, trace)]
    if not mixed:
        return
    first = clearest(mixed, lambda ledger: ledger.total)
    labels = list(dict.fromkeys(c.label for c in first.contributions))
    if len(labels) > LISTED:
        labels = [*labels[: LISTED - 1], "…", labels[-1]]
    names = [entry.name for entry in mixed if entry is not first]
    others = f" The same holds for {joined(names)}." if names else ""
    yield Finding(
        CODE,
        "note",
        f"{sum(c.passes for c in first.contributions)} contributions: {', '.join(labels)}",
        f"{first.name}.grad is {numbers(first.total)}: {total(first.contributions, trace)}.{others}",
        f"to begin anew: `{first.name}.grad = None`",
        f"%%autograd --mute {CODE}",
        values=[entry.value for entry in mixed],
    )


def _from_several_cells(ledger: Ledger) -> bool:
    runs = {(c.cell, c.run) for c in ledger.contributions}
    return len(runs) > 1 and all(c.cell and not c.consumed for c in ledger.contributions)
