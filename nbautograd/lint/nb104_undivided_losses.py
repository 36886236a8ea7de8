"""NB104: the means of several batches are added up, and not divided.

`with nb.accumulate(k):` (or `--grad-accum k`) says that k passes make one update. If every loss is a mean, the sum of
k of them is k times the mean of all, as if the learning rate were k times as large.

    with nb.accumulate(2):
        for x, y in halves:
            criterion(model(x), y).backward()        # add: / 2

It is a note: with losses that are sums nothing is to be divided, and some people choose the learning rate for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbautograd.trace.model import Finding, Op, Pass, Seed, Trace

CODE = "NB104"
MEANS = ("mean", "cross_entropy", "mse_loss", "nll_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def find(trace: Trace) -> Iterator[Finding]:
    """At most one note, about the first loss that is a mean and not divided."""
    k = trace.grad_accum
    if k is None or k < 2:
        return
    whole = [p for p in trace.passes if p.kind == "backward" and _is_mean(p, trace)]
    if len(whole) < 2:
        return
    first = whole[0]
    name = trace.values[first.roots[0]].name or "the loss"
    yield Finding(
        CODE,
        "note",
        f"{k} means are added up, not divided by {k}",
        f"{len(whole)} backward passes started from a mean that is not divided: their sum is {k} times the mean of "
        f"all, as if the learning rate were {k} times as large.",
        f"`({name} / {k}).backward()`" if name.isidentifier() else f"divide {name} by {k} before backward()",
        f"%%autograd --mute {CODE}",
        first.span,
        list(first.roots),
    )


def _is_mean(run: Pass, trace: Trace) -> bool:
    """Whether a pass starts from a mean, with a gradient of one."""
    seed = next((e for e in run.events if isinstance(e, Seed)), None)
    if len(run.roots) != 1 or seed is None or seed.gradient.data != [1.0]:
        return False
    made_by = trace.values[run.roots[0]].op
    return made_by is not None and _means(trace.ops[made_by])


def _means(op: Op) -> bool:
    return op.name in MEANS and op.params.get("reduction", "'mean'") == "'mean'"
