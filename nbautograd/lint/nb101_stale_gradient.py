"""NB101: an update used a gradient that an earlier update had already used.

`backward()` adds to `.grad`; it never replaces it. When the gradients are not cleared between two steps, the second
step
uses the sum of both passes, the third the sum of three, and so on: the steps grow, and training goes wrong without
any error.

    for x, y in data:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()            # from the second step on, this uses old gradients again

Clear them once per step, before `backward()` or after `step()`; both are right:

    optimizer.zero_grad()

Adding up several backward passes *before* one step is fine, and not what this finding is about: only a gradient that
was
used once and then used again together with a new one is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbautograd.lint.finding import clearest, joined, numbers
from nbautograd.trace.model import Finding, Trace, Update

CODE = "NB101"
TITLE = "an update used an old gradient again"


def find(trace: Trace) -> Iterator[Finding]:
    """One finding for each place in the code that updates with stale gradients."""
    seen: set[tuple[int, int]] = set()
    for update in trace.updates:
        old = [c for c in update.contributions if c.consumed]
        if not old or len(old) == len(update.contributions):
            continue
        place = (update.span.source, update.span.line) if update.span else (-1, -1)
        if place not in seen:
            seen.add(place)
            yield _finding(trace, update)


def _finding(trace: Trace, update: Update) -> Finding:
    leaves = [
        u
        for u in trace.updates
        if u.span == update.span and u.step == update.step and any(c.consumed for c in u.contributions)
    ]
    update = clearest(leaves, lambda u: u.contributions[-1].gradient)
    others = list(dict.fromkeys(u.name for u in leaves if u.name != update.name))
    old = [c for c in update.contributions if c.consumed]
    new = [c for c in update.contributions if not c.consumed]
    at = f" at line {update.span.line}" if update.span else ""
    step = f", in step {update.step}," if update.step is not None else ""
    by_hand = update.by == "in-place"
    what = f"The update of {update.name}" if by_hand else f"{update.by}()"
    message = (
        f"{what}{at}{step} used {update.name}.grad = {' + '.join(numbers(c.gradient) for c in old)} from "
        f"{'an earlier step' if len(old) == 1 else f'{len(old)} earlier steps'}, which had been used already, "
        f"+ {' + '.join(numbers(c.gradient) for c in new)} from this one."
    )
    if others:
        message += f" The same holds for {joined(others)}."
    line = new[0].line
    before = f" before line {line}" if line is not None else " before backward()"
    clear = f"{update.name}.grad = None" if by_hand else f"{_optimizer(trace, update)}.zero_grad()"
    return Finding(
        CODE,
        "warning",
        TITLE,
        message,
        f"add `{clear}`{before}",
        f"%%autograd --mute {CODE}",
        update.span,
        list(dict.fromkeys(u.value for u in leaves)),
    )


def _optimizer(trace: Trace, update: Update) -> str:
    """What the code calls it, in the line that makes the step."""
    if update.span is None:
        return "optimizer"
    line = trace.sources[update.span.source].code.split("\n")[update.span.line - 1]
    called = re.search(r"([\w.]+)\.step\(", line)
    return called[1] if called else "optimizer"
