"""What each leaf's `.grad` is made of, kept from trace to trace: the memory behind the accumulation warning.

NOTE [Judging by value]
Gradients are cleared in many ways: `= None`, `zero_()`, `.data.zero_()`, an optimizer's `zero_grad()`, in code that
is traced
and in code that is not. So a ledger never trusts that it was told. Before it uses what it knows, it compares `.grad`
with what
it saw last: gone or all zero means cleared, different means that something unknown was added.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbautograd.core.inplace import storage
from nbautograd.trace.model import Span


@dataclass(slots=True)
class Share:
    """What one backward pass added to a leaf's `.grad`."""

    cell: str
    label: str
    run: int
    gradient: Any
    line: int | None = None
    pass_id: int | None = None
    trace: int = 0
    step: int | None = None
    consumed: int = 0


@dataclass(slots=True)
class LeafLedger:
    """The shares that a leaf's `.grad` is the sum of."""

    tensor: weakref.ref[Any]
    shares: list[Share] = field(default_factory=list)
    print: Any = None
    """The fingerprint of `.grad` after the last share."""
    cleared_unused: Span | None = None
    """Where shares were cleared that no update had used."""

    def review(self, span: Span | None = None) -> None:
        """Find out whether `.grad` is still what it was; `span` is where we are now."""
        tensor = self.tensor()
        grad = None if tensor is None else tensor._grad
        now = None if grad is None else fingerprint(grad._data)
        if now is None or now == (0.0, 0.0):
            if any(not s.consumed for s in self.shares):
                self.cleared_unused = span
            self.shares = []
        elif grad is not None and (now != self.print or not self.shares):
            self.shares = [_elsewhere(grad._data)]
        self.print = now

    def add(self, share: Share, before: Any, after: Any) -> list[Share]:
        """Enter a share; returns those that were there before it."""
        known = None if before is None else fingerprint(before)
        if known is None or known == (0.0, 0.0):
            self.shares = []
        elif known != self.print or not self.shares:
            self.shares = [_elsewhere(before)]
        earlier = list(self.shares)
        self.shares.append(share)
        self.print = fingerprint(after)
        self.cleared_unused = None
        return earlier


def _elsewhere(data: Any) -> Share:
    from nbautograd.trace.summary import held

    return Share("", "code that was not traced", 0, held(data))


def fingerprint(data: Any) -> tuple[float, float]:
    """Two sums that tell almost any change of an array."""
    with np.errstate(all="ignore"):
        flat = data.reshape(-1) if data.ndim else data
        total = float(flat.sum())
        return (total, float((flat * flat).sum())) if total == total else (0.5, 0.5)


_ledgers: dict[int, LeafLedger] = {}


def of(tensor: Any) -> LeafLedger:
    """The ledger of the leaf `tensor`."""
    found = _ledgers.get(id(tensor))
    if found is None or found.tensor() is not tensor:
        key = id(tensor)
        found = _ledgers[key] = LeafLedger(weakref.ref(tensor, lambda _: _ledgers.pop(key, None)))
    return found


def known(tensor: Any) -> LeafLedger | None:
    """The ledger of `tensor`, if it has one."""
    found = _ledgers.get(id(tensor))
    return found if found is not None and found.tensor() is tensor else None


def forget() -> None:
    """Forget what every leaf's `.grad` is made of."""
    _ledgers.clear()


def leaves_sharing(tensor: Any) -> list[Any]:
    """The leaves with a ledger whose memory `tensor` is or shares (`w`, `w.data`, `w.detach()`)."""
    if known(tensor) is not None:
        return [tensor]
    if isinstance(tensor._data, np.generic):
        group = tensor._scalar_group or ()
        return [t for t in (r() for r in group) if t is not None and known(t) is not None]
    owner = storage(tensor._data)
    found: list[Any] = []
    for entry in list(_ledgers.values()):
        leaf = entry.tensor()
        if leaf is not None and not isinstance(leaf._data, np.generic) and storage(leaf._data) is owner:
            found.append(leaf)
    return found
