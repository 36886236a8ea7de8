"""What each leaf's `.grad` is made of, kept from trace to trace: the memory behind the accumulation warning.

NOTE [Judging by value]
Gradients are cleared in many ways: `= None`, `zero_()`, `.data.zero_()`, an optimizer's `zero_grad()`, in code that is
traced and in code that is not. So a ledger never trusts that it was told. Before it uses what it knows, it compares
`.grad` with what it saw last: gone or all zero means cleared; another tensor means that somebody put a gradient there;
the same tensor with other numbers means that it was scaled or clipped, and its shares stay.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.inplace import storage
from nbautograd.trace.model import Summary
from nbautograd.trace.prints import Print, fingerprint
from nbautograd.trace.summary import held

if TYPE_CHECKING:
    from nbautograd.trace.joint import Joint

Spot = tuple[CodeType, int]
"""A place in the user's code: the number of an instruction."""
SHARES, WAITING = 6, 16
"""A loop that never clears would go on adding shares: so many are told apart, and where some wait for an update."""


@dataclass(slots=True)
class Share:
    """What one backward pass added to a leaf's `.grad`."""

    cell: str
    label: str
    run: int
    gradient: Any
    """None while it is `.grad` itself, which nobody has asked about."""
    line: int | None = None
    pass_id: int | None = None
    trace: int = 0
    step: int | None = None
    consumed: int = 0
    passes: int = 1
    """How many backward passes stand here as one."""

    def copy(self) -> Share:
        """The share as it is now."""
        mine = self.cell, self.label, self.run, self.gradient, self.line, self.pass_id, self.trace, self.step
        return Share(*mine, self.consumed, self.passes)


@dataclass(slots=True, eq=False)
class LeafLedger:
    """The shares that a leaf's `.grad` is the sum of."""

    tensor: weakref.ref[Any]
    _shares: list[Share] = field(default_factory=list[Share])
    _single: tuple[Share, Any] | None = None
    """The only share while nobody has asked for it: what it is a copy of; its gradient, or who tells it by the leaf."""
    _uses: int = 0
    """How many updates that share has had."""
    seen: Print | None = None
    """The fingerprint of `.grad` when we looked last."""
    holder: weakref.ref[Any] | None = None
    """The tensor that was `.grad` then."""
    memory: list[int] = field(default_factory=lambda: [0, 0])
    """The ids of the memory of the leaf and of `.grad`."""
    cleared_unused: Spot | None = None
    """Where shares were cleared that no update had used."""

    @property
    def shares(self) -> list[Share]:
        """The shares, the oldest first."""
        if self._single is not None:
            (share, gradient), self._single = self._single, None
            share, leaf = share.copy(), self.tensor()
            share.gradient = gradient(leaf._data) if leaf is not None and callable(gradient) else gradient
            share.consumed = self._uses
            self._shares = [share]
        return self._shares

    @shares.setter
    def shares(self, shares: list[Share]) -> None:
        self._shares, self._single = shares, None

    @property
    def empty(self) -> bool:
        """Whether there is no share."""
        return self._single is None and not self._shares

    @property
    def unused(self) -> bool:
        """Whether a share has had no update."""
        return not self._uses if self._single is not None else any(not share.consumed for share in self._shares)

    def begin(self, share: Share, gradient: Any, leaf: Any, grad: weakref.ref[Any], now: Print) -> None:
        """The `grad` of the leaf is new: all that is in it is `gradient`, a share as that of others in a pass."""
        self._single, self._uses = (share, gradient), 0
        self._enter(leaf, grad, now)

    def use(self, times: int = 1) -> None:
        """An update has used the shares."""
        if self._single is not None:
            self._uses += times
        else:
            for share in self._shares:
                share.consumed += times

    def tells(self) -> bool:
        """Whether an update now would tell something: it uses shares of which only some were used before."""
        return self._single is None and len({share.consumed > 0 for share in self._shares}) > 1

    def review(self, here: Callable[[], Spot | None] = lambda: None) -> None:
        """Find out whether `.grad` is still what it was; `here` tells where we are now."""
        tensor = self.tensor()
        grad: Any = None if tensor is None else tensor._grad
        if grad is not None and self.seen is not None and _ends_are(self.seen, grad) and self._same(grad):
            return
        now = None if grad is None else fingerprint(grad._data)
        if now == self.seen and (grad is None or self._same(grad)):
            return
        if grad is None or now is None or not now[0]:
            if self.unused:
                self.cleared_unused = here()
            self.shares = []
        elif self.empty or not self._same(grad):
            self.shares = [_elsewhere(grad._data)]
        self._see(None if grad is None else weakref.ref(grad), now)

    def add(self, share: Share, before: Any, grad: Any, now: Print) -> list[Share]:
        """Enter a share of the tensor `grad`, which held the numbers `before`; returns what was there before it.

        `now` is the fingerprint of `grad`.
        """
        known = fingerprint(before)
        if not known[0]:
            self.shares = []
        elif self.empty or (known != self.seen and not self._same(grad)):
            self.shares = [_elsewhere(before)]
        else:
            self.fill(before)
        earlier = self.shares
        self.shares = [*_shortened(earlier), share] if earlier else [share]
        self._enter(self.tensor(), weakref.ref(grad), now)
        return earlier

    def _enter(self, leaf: Any, grad: weakref.ref[Any], now: Print) -> None:
        """A share has been added to the `grad` of the leaf."""
        self._see(grad, now)
        self.cleared_unused = None
        self._at(_by_numbers, 0, id(storage(leaf._data)))

    def fill(self, data: Any = None) -> None:
        """Write down a share that was left open: it is `.grad`, whose numbers are `data`."""
        for share in self.shares:
            if share.gradient is None:
                tensor = self.tensor()
                if data is None and tensor is not None and tensor._grad is not None:
                    data = tensor._grad._data
                share.gradient = held(data)

    def _same(self, grad: Any) -> bool:
        return self.holder is not None and self.holder() is grad

    def _see(self, holder: weakref.ref[Any] | None, now: Print | None) -> None:
        self.seen = now
        self.holder = holder
        grad = None if holder is None else holder()
        self._at(_by_gradient, 1, 0 if grad is None else id(storage(grad._data)))

    def _at(self, ledgers: dict[int, LeafLedger], which: int, memory: int) -> None:
        """Be found in one of the two tables under the id of that memory, and under no other."""
        before = self.memory[which]
        if memory != before:
            if ledgers.get(before) is self:
                del ledgers[before]
            self.memory[which] = memory
        if memory:
            ledgers[memory] = self

    def close(self) -> None:
        """The leaf is gone."""
        self._at(_by_numbers, 0, 0)
        self._at(_by_gradient, 1, 0)


def is_still(grad: Any, holder: weakref.ref[Any], seen: Print) -> bool:
    """Whether `grad` is the tensor `holder`, and has the numbers that were `seen` in it."""
    return grad is not None and holder() is grad and (_ends_are(seen, grad) or fingerprint(grad._data) == seen)


def _ends_are(seen: Print, grad: Any) -> bool:
    """Whether the ends of `.grad` tell that it was not cleared: who scaled something between them is not asked."""
    data = grad._data
    if not seen[1]:
        return False
    if data.__class__ is ndarray:
        return data.item(0) == seen[1] and data.item(-1) == seen[2]
    return isinstance(data, np.floating) and float(data) == seen[1]


def _elsewhere(data: Any) -> Share:
    return Share("", "code that was not traced", 0, held(data))


def _shortened(shares: list[Share]) -> list[Share]:
    """The first and the last of many shares; of those between them two of a kind become one."""
    if len(shares) <= (SHARES if all(s.consumed for s in shares) else WAITING):
        return shares
    between = range(SHARES // 2 - 1, len(shares) - 1)
    at = next(i for i in between if bool(shares[i].consumed) == bool(shares[i + 1].consumed))
    gap, last = shares[at : at + 2]
    merged = replace(gap, gradient=_sum(gap.gradient, last.gradient), passes=gap.passes + last.passes)
    return [*shares[:at], merged, *shares[at + 2 :]]


def _sum(a: Any, b: Any) -> Any:
    return b if isinstance(a, Summary) or isinstance(b, Summary) else a + b


_ledgers: dict[int, LeafLedger] = {}
_joint: Joint | None = None


def joint() -> Joint | None:
    """The entry for several leaves that is not yet in their ledgers, if there is one."""
    return _joint


def put_off(entry: Joint) -> None:
    """Enter that as soon as somebody asks for a ledger; what was put off before has been entered."""
    global _joint
    _joint = entry


def drop(entry: Joint) -> None:
    """Nothing of that is left to enter."""
    global _joint
    if _joint is entry:
        _joint = None


def enter() -> None:
    """Enter what was put off."""
    global _joint
    entry, _joint = _joint, None
    if entry is not None:
        entry.enter()


def of(tensor: Any) -> LeafLedger:
    """The ledger of the leaf `tensor`."""
    enter()
    found = _ledgers.get(id(tensor))
    if found is None or found.tensor() is not tensor:
        key = id(tensor)
        _forget(key)
        found = _ledgers[key] = LeafLedger(weakref.ref(tensor, lambda _: _forget(key)))
    return found


def _forget(key: int) -> None:
    gone = _ledgers.pop(key, None)
    if gone is not None:
        gone.close()


_by_numbers: dict[int, LeafLedger] = {}
"""The ledgers by the id of their leaf's memory; whoever finds one there makes sure of it."""
_by_gradient: dict[int, LeafLedger] = {}


def of_gradient(tensor: Any) -> LeafLedger | None:
    """The ledger of the leaf whose `.grad` has the memory of `tensor`, if there is one."""
    enter()
    memory = storage(tensor._data)
    found = _by_gradient.get(id(memory))
    leaf = None if found is None else found.tensor()
    grad = None if leaf is None else leaf._grad
    return found if grad is not None and storage(grad._data) is memory else None


def known(tensor: Any) -> LeafLedger | None:
    """The ledger of `tensor`, if it has one."""
    enter()
    found = _ledgers.get(id(tensor))
    return found if found is not None and found.tensor() is tensor else None


def begin() -> None:
    """A trace begins: where gradients were cleared before it is none of its places."""
    enter()
    for entry in list(_ledgers.values()):
        entry.cleared_unused = None


def forget() -> None:
    """Forget what every leaf's `.grad` is made of."""
    enter()
    for key in list(_ledgers):
        _forget(key)


def leaf_with(tensor: Any) -> Any:
    """The leaf with a ledger whose memory `tensor` is or shares (`w`, `w.data`, `w.detach()`)."""
    if known(tensor) is not None:
        return tensor
    memory = storage(tensor._data)
    found = _by_numbers.get(id(memory))
    leaf = None if found is None else found.tensor()
    return leaf if leaf is not None and storage(leaf._data) is memory else None
