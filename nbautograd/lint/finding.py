"""What all findings share: the words for a gradient and for where it came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from nbautograd.trace.model import Contribution, Number, Summary, Trace

T = TypeVar("T")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def numbers(s: Summary | None) -> str:
    """A gradient in a sentence: `12`, `[3, -1]`, or shape and norm when it is large."""
    if s is None:
        return "nothing"
    if s.data is None:
        norm = f" of norm {s.norm:.4g}" if isinstance(s.norm, int | float) else ""
        return f"a {tuple(s.shape)} tensor{norm}"
    shown = [v if isinstance(v, str) else f"{v:.4g}" for v in s.data[:6]]
    if not s.shape:
        return shown[0]
    return f"[{', '.join(shown)}{', …' if len(s.data) > 6 else ''}]"


def clearest(items: Sequence[T], gradient: Callable[[T], Summary | None]) -> T:
    """The item to speak of where several are meant: its gradient is not zero, and has few numbers."""

    def unclear(item: T) -> tuple[bool, int]:
        s = gradient(item)
        return (True, 0) if s is None or not (any(s.data) if s.data else s.norm) else (False, math.prod(s.shape))

    return min(items, key=unclear)


def run(number: int) -> str:
    """`the second run`."""
    return f"the {ORDINALS[number - 1]} run" if number <= len(ORDINALS) else f"run {number}"


def source(c: Contribution, trace: Trace) -> str:
    """Where a contribution came from, in words."""
    if not c.cell:
        return c.label
    line = "" if c.line is None else f" (line {c.line})"
    cell = f"{run(c.run)} of this cell" if c.cell == trace.cell.id else c.label
    return f"{cell}{line}{f' and {c.passes - 1} more passes' if c.passes > 1 else ''}"


def adds_up(parts: Sequence[Contribution], total: Summary | None) -> bool:
    """Whether the parts sum to the total; they do not when somebody scaled or clipped it in between."""
    if total is None or total.data is None or any(c.gradient.data is None for c in parts):
        return total is not None
    columns = zip(total.data, *(c.gradient.data or () for c in parts), strict=False)
    return all(_close(whole, shares) for whole, *shares in columns)


def _close(whole: Number, shares: Sequence[Number]) -> bool:
    if isinstance(whole, str) or any(isinstance(s, str) for s in shares):
        return True
    return math.isclose(whole, sum(float(s) for s in shares), rel_tol=1e-3, abs_tol=1e-6)


def total(parts: Sequence[Contribution], trace: Trace) -> str:
    """`6 from the first run of this cell + 6 from the second run of this cell`."""
    shown = [f"{numbers(c.gradient)} from {source(c, trace)}" for c in parts[:4]]
    more = [f"{sum(c.passes for c in parts[4:])} more"] if len(parts) > 4 else []
    return " + ".join(shown + more)


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and 3 more`."""
    if len(names) == 1:
        return names[0]
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"
