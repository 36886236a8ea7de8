"""What things were when a program was made, and which of them are not the same any more when it is to be replayed."""

from __future__ import annotations

import random
import types
from collections.abc import Iterable, Iterator
from operator import is_
from typing import Any

import numpy as np

from nbautograd.core.array import is_cupy
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Grown

NUMBERS = (int, float, complex, str, bytes, type(None))
GONE = object()


class Watched:
    """Places, and what was there. This is compared before each replay: what is the same object is looked at no further.

    Whoever makes a program says with `watch_…` what it depends on.
    """

    def __init__(self) -> None:
        self.places: list[tuple[dict[str, Any], str, Any, str]] = []
        """Names in modules: where, which name, its value."""
        self.cells: list[tuple[types.CellType, Any, str]] = []
        self.functions: list[tuple[types.FunctionType, types.CodeType, Any, str]] = []
        """Functions, their code and defaults: reloading a module changes these in place."""
        self.groups: list[tuple[Any, list[Any], str]] = []
        """What has parts: a live view of them, and what they were."""
        self._keys: dict[int, list[str]] = {}
        """What the parts are called, by the id of their view."""
        self.tensors: list[tuple[Tensor, Any, Any, Any, bool, str]] = []
        """Tensors: their numbers, the kind of a number, how they lay in memory, whether they required grad."""
        self.arrays: list[tuple[Any, Any, str]] = []
        self.generators: list[tuple[Any, Any, str]] = []
        self.schedules: list[tuple[Any, int, str]] = []

    def watch_parts(self, name: str, parts: Any, keys: Iterable[str] = ()) -> None:
        """Lists, the values of dictionaries, attributes; `keys` are what the parts are called."""
        self.groups.append((parts, list(parts), name))
        self._keys[id(parts)] = [*keys]

    def watch_tensor(self, name: str, t: Tensor) -> None:
        """A tensor's layout; its numbers are read anew at each replay."""
        data = t._data
        kind = data.__class__ if isinstance(data, np.generic) else None
        self.tensors.append((t, data, kind, layout_of(data), t._node is not None, name))

    def change(self) -> str | None:
        """The name of the first thing that is not as it was; None where nothing has changed."""
        for space, key, before, name in self.places:
            if not _same(space.get(key, GONE), before):
                return name
        for cell, before, name in self.cells:
            if not _same(cell.cell_contents, before):
                return name
        for function, code, defaults, name in self.functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return name
        for parts, before, name in self.groups:
            if len(parts) != len(before) or not (all(map(is_, parts, before)) or all(map(_same, parts, before))):
                return f"{name}{self._which(parts, before)}"
        for t, data, kind, layout, recorded, name in self.tensors:
            now = t._data
            if now is not data and now.__class__ is not kind and layout_of(now) != layout:
                return f"the shape, dtype or layout of {name}"
            if (t._node is not None) is not recorded:
                return f"{name}.requires_grad"
        return next((name for array, before, name in self.arrays if contents(array) != before), None)

    def _which(self, parts: Any, before: list[Any]) -> str:
        """What the first part that has changed is called, as it is written behind its owner."""
        keys = self._keys[id(parts)]
        if not len(parts) == len(before) == len(keys):
            return ""
        return next(key for key, now, was in zip(keys, parts, before, strict=True) if not _same(now, was))

    def drawn(self) -> str | None:
        """The name of a generator of random numbers, NumPy's or Python's own, that was used since."""
        return next((name for generator, before, name in self.generators if state_of(generator) != before), None)

    def scheduled(self) -> str | None:
        """The name of a schedule that has gone a step since."""
        return next((name for schedule, epoch, name in self.schedules if schedule.last_epoch != epoch), None)

    def grown(self, names: set[str]) -> list[Grown]:
        """The lists of these names that have grown since; the step only appends to them, so they are not compared."""
        found: list[Grown] = []
        for entry in [entry for entry in self.groups if entry[2] in names and isinstance(entry[0], list)]:
            values, before, name = entry
            old, new = values[: len(before)], values[len(before) :]
            if new and len(old) == len(before) and all(map(is_, old, before)) and self._is_alone(values):
                self.groups = [each for each in self.groups if each is not entry]
                found.append(Grown(name, values, new))
        return found

    def _is_alone(self, values: list[Any]) -> bool:
        """Whether a list is found in one place only."""
        raise NotImplementedError


class Attributes:
    """The values of some attributes of an object, as a view."""

    def __init__(self, owner: Any, names: Iterable[str]) -> None:
        self._owner = owner
        self.names = [*names]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self._owner, name, GONE) for name in self.names)


def _same(now: Any, before: Any) -> bool:
    return now is before or (type(now) is type(before) and isinstance(now, NUMBERS) and repr(now) == repr(before))


def layout_of(data: Any) -> Any:
    """How numbers lie in memory."""
    return data.dtype, data.shape, data.strides, is_cupy(data)


def contents(array: Any) -> Any:
    """The numbers of an array that is no tensor, for comparing."""
    found = np.asarray(array)
    return found.dtype.str, found.shape, found.strides, found.tobytes()


def state_of(generator: Any) -> str:
    """The state of a generator of random numbers, NumPy's or Python's own."""
    if isinstance(generator, random.Random):
        return str(hash(generator.getstate()))
    return repr(generator.bit_generator.state if isinstance(generator, np.random.Generator) else generator.get_state())
