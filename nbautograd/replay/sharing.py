"""Which tensors have their numbers in the same memory: a change of one is a change of the other."""

from __future__ import annotations

from operator import is_
from typing import Any

import numpy as np

from nbautograd.core.tensor import Tensor


def memory_of(t: Tensor) -> int | None:
    """What tells the memory of a tensor from others; None for a number that nobody shares."""
    data = t._data
    if isinstance(data, np.generic):
        return None if t._scalar_group is None else id(t._scalar_group)
    return owner_of(data)


def owner_of(data: Any) -> int:
    """The id of what an array's memory belongs to, whether that is an array or something else."""
    while (base := getattr(data, "base", None)) is not None:
        data = base
    return id(data)


class Alone:
    """That nothing a program reads has its numbers in the memory of a tensor that it changes, but that tensor itself.

    `changed` and `read` are tensors that last, `places` says which arguments are changed, `gradients` of which ones the
    gradients are.
    """

    def __init__(self, changed: list[Tensor], read: list[Tensor], places: set[int], gradients: set[int]) -> None:
        own = {id(t) for t in changed}
        self._all = [*changed, *[t for t in read if id(t) not in own]]
        self._count = len(changed)
        self._places = places
        self._gradients = gradients
        self._datas: list[Any] = []
        self._changed: set[int] = set()
        self._taken: set[int] = set()
        self._apart = True

    def holds(self, given: list[Tensor], gradients: list[Tensor]) -> bool:
        """Whether that is so, with these arguments; `gradients` are those of lasting tensors that are changed."""
        if not (self._count or self._places or self._gradients or gradients):
            return True
        tensors = [*gradients, *self._all]
        datas = [t._data for t in tensors]
        if len(datas) != len(self._datas) or not all(map(is_, datas, self._datas)):
            self._look(tensors, datas, len(gradients) + self._count)
        memories = [memory_of(t) for t in given]
        if not self._apart or not self._changed.isdisjoint(memories):
            return False
        memories += [memory_of(g) for i in self._gradients if (g := given[i]._grad) is not None]
        places = [*self._places, *range(len(given), len(memories))]
        own = [m for i in places if (m := memories[i]) is not None]
        return self._taken.isdisjoint(own) and all(memories.count(m) == 1 for m in own)

    def _look(self, tensors: list[Tensor], datas: list[Any], count: int) -> None:
        found = [memory_of(t) for t in tensors]
        changed = [m for m in found[:count] if m is not None]
        others = {m for m in found[count:] if m is not None}
        self._datas, self._changed, self._taken = datas, set(changed), {*changed, *others}
        self._apart = len(self._changed) == len(changed) and self._changed.isdisjoint(others)
