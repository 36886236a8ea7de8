"""NB103: the gradients were cleared between `backward()` and `step()`, so the step had nothing to use.

    loss.backward()
    optimizer.zero_grad()       # clears what backward has just computed
    optimizer.step()            # changes nothing

The order is: clear, backward, step. Nothing fails here, the parameters simply never move.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbautograd.lint.finding import joined
from nbautograd.trace.model import Finding, Trace

CODE = "NB103"
TITLE = "the gradients were cleared before the step could use them"


def find(trace: Trace) -> Iterator[Finding]:
    """One finding for each step without gradients."""
    seen: set[tuple[int, int]] = set()
    for update in trace.updates:
        if update.cleared is None:
            continue
        place = (update.span.source, update.span.line) if update.span else (-1, -1)
        if place in seen:
            continue
        seen.add(place)
        leaves = [u for u in trace.updates if u.cleared is not None and u.span == update.span]
        names = list(dict.fromkeys(u.name for u in leaves))
        at = f" at line {update.span.line}" if update.span else ""
        yield Finding(
            CODE,
            "warning",
            TITLE,
            f"{update.by}(){at} changed nothing: the gradients of {joined(names)} had been cleared at line "
            f"{update.cleared.line}, after backward() and before this step.",
            f"move the clearing at line {update.cleared.line} before backward(), or behind the step",
            f"%%autograd --mute {CODE}",
            update.span,
            list(dict.fromkeys(u.value for u in leaves)),
        )
