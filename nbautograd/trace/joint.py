"""What a pass brought to leaves that had no `.grad`, entered once for all of them.

NOTE [Joint entries]
A loop that trains brings gradients to the same leaves, uses and clears them, step after step; between that nobody asks
what they are made of. So of a step that nobody looks at there is one entry for all its leaves. It is written into their
ledgers as soon as anybody asks for one of them (`ledger.of` and its kin see to that), or when a leaf fares differently
from the others; it is dropped when all have been cleared. No gradient is kept alive by it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from nbautograd.core.node import ORDER
from nbautograd.trace import ledger, prints
from nbautograd.trace.ledger import Share, Spot

Fresh = list[tuple[Any, Any]]
"""Leaves, each with its new `.grad`."""


class Joint:
    """Leaves that passes bring gradients to together, and the entry of the last pass while it is open."""

    __slots__ = ("_at", "_gradient", "_grads", "_ledgers", "_left", "_orders", "_prints", "_share", "_used")

    def __init__(self, fresh: Fresh) -> None:
        self._ledgers = [ledger.of(leaf) for leaf, _ in fresh]
        self._orders = [leaf._node[ORDER] for leaf, _ in fresh]
        self._at = {id(leaf): i for i, (leaf, _) in enumerate(fresh)}
        self._grads: list[weakref.ref[Any] | None] = []
        """What each `.grad` was; None where it was cleared."""
        self._prints: list[prints.Print] = []
        self._left = self._used = 0
        """How many are not cleared; how many updates there were."""
        self._share: Any = None
        self._gradient: Any = None

    @property
    def leaves(self) -> Iterable[int]:
        """The ids of the leaves."""
        return self._at

    def begin(self, fresh: Fresh, share: Share, gradient: Any) -> float | None:
        """Enter what a pass brought; returns the sum of its squares, or None if it has to be entered leaf by leaf.

        `share` and `gradient` are as in `LeafLedger.begin`.
        """
        ledger.enter()
        for (leaf, _), entry, order in zip(fresh, self._ledgers, self._orders, strict=True):
            if entry.tensor() is not leaf or entry.seen is not None or leaf._node[ORDER] != order:
                return None
        looked = [prints.look(grad._data) for _, grad in fresh]
        self._prints = [now for _, now in looked]
        self._grads = [weakref.ref(grad) for _, grad in fresh]
        self._share, self._gradient = share, gradient
        self._left, self._used = len(fresh), 0
        ledger.put_off(self)
        return sum([square for square, _ in looked])

    def holds(self, leaf: Any) -> bool:
        """Whether what was entered for `leaf` is its `.grad` still."""
        i = self._index(leaf)
        grad = None if i is None else self._grads[i]
        return i is not None and grad is not None and ledger.is_still(leaf._grad, grad, self._prints[i])

    def use(self, changed: list[Any]) -> bool:
        """An optimizer has changed those tensors; returns whether they are the leaves, and have what was entered."""
        if len(changed) != self._left or self._left != len(self._ledgers):
            return False
        for leaf, entry, grad, seen in zip(changed, self._ledgers, self._grads, self._prints, strict=True):
            if entry.tensor() is not leaf or grad is None or not ledger.is_still(leaf._grad, grad, seen):
                return False
        self._used += 1
        return True

    def clear(self, leaf: Any, here: Callable[[], Spot | None]) -> bool:
        """`.grad` of `leaf` was set; returns whether that cleared a leaf of these. `here` is as in `review`."""
        i = self._index(leaf)
        if i is None or leaf._grad is not None:
            return False
        if self._grads[i] is not None:
            self._grads[i] = None
            self._ledgers[i].cleared_unused = None if self._used else here()
            self._left -= 1
            if not self._left:
                ledger.drop(self)
        return True

    def owns(self, tensor: Any) -> bool:
        """Whether `tensor` is one of the leaves."""
        return self._index(tensor) is not None

    def enter(self) -> None:
        """Write the entry into the ledgers."""
        for entry, grad, now in zip(self._ledgers, self._grads, self._prints, strict=True):
            leaf = entry.tensor()
            if grad is not None and leaf is not None:
                entry.begin(self._share, self._gradient, leaf, grad, now)
                entry.use(self._used)

    def _index(self, leaf: Any) -> int | None:
        i = self._at.get(id(leaf))
        return i if i is not None and self._ledgers[i].tensor() is leaf else None
