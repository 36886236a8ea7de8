"""What things were when a program was made, and which of them are not the same any more when it is to be replayed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import call, is_
from typing import Any

import numpy as np

from nbautograd.core.array import is_cupy
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Grown

NUMBERS = (int, float, complex, str, bytes, type(None))
GONE = object()
_NO_ANSWER = (LookupError, AttributeError, ValueError)
"""A name that stands for nothing any more, in a module, of an object, in a closure."""


class Watched:
    """Places, and what was there. This is compared before each replay: what is the same object is looked at no further.

    Whoever makes a program says with `watch_…` what it depends on.
    """

    def __init__(self) -> None:
        self._asks: list[Callable[[Any], Any]] = []
        self._asked: list[Any] = []
        self._answers: list[Any] = []
        self._questions: list[str] = []
        """Names in modules, the code of functions, the classes of objects: what to call with what, what that gave."""
        self._loaded: list[int] = []
        """Which of these are a library's."""
        self._absent: dict[int, tuple[Any, set[str]]] = {}
        """By the ids of modules the names in them, and names that are not."""
        self.groups: list[tuple[Any, list[Any], str]] = []
        """What has parts: a live view of them, and what they were."""
        self._keys: dict[int, list[str]] = {}
        """What the parts are called, by the id of their view."""
        self._flat: tuple[list[Any], list[int], list[Any]] | None = None
        """The views, how many parts each had, and all parts in a row."""
        self.tensors: list[tuple[Tensor, Any, Any, Any, bool, str]] = []
        """Tensors: their numbers, the kind of a number, how they lay in memory, whether they required grad."""
        self.arrays: list[tuple[Any, Any, str]] = []
        self.generators: list[tuple[Any, Any, str]] = []
        self.schedules: list[tuple[Any, int, str]] = []

    def watch(self, name: str, ask: Callable[[Any], Any], thing: Any, own: bool = True) -> Any:
        """What `ask(thing)` gives, now and later; what is not the user's `own` may be loaded when it is first used."""
        if not own:
            self._loaded.append(len(self._asks))
        self._asks.append(ask)
        self._asked.append(thing)
        self._answers.append(now := _answer(ask, thing))
        self._questions.append(name)
        return now

    def watch_absence(self, name: str, space: dict[str, Any]) -> None:
        """That a module has no such name."""
        self._absent.setdefault(id(space), (space.keys(), set()))[1].add(name)

    def watch_parts(self, name: str, parts: Any, keys: Iterable[str] = ()) -> None:
        """Lists, the values of dictionaries, attributes; `keys` are what the parts are called."""
        self.groups.append((parts, list(parts), name))
        self._keys[id(parts)] = [*keys]

    def watch_tensor(self, name: str, t: Tensor) -> None:
        """A tensor's layout, and whether it is a NumPy scalar; its numbers are read anew at each replay."""
        data = t._data
        kind = data.__class__ if isinstance(data, np.generic) else None
        self.tensors.append((t, data, kind, layout_of(data), t._node is not None, name))

    def settle(self) -> None:
        """What the run has loaded of libraries is what they are."""
        for i in self._loaded:
            self._answers[i] = _answer(self._asks[i], self._asked[i])

    def change(self) -> str | None:
        """The name of the first thing that is not as it was; None where nothing has changed."""
        try:
            same = all(map(is_, map(call, self._asks, self._asked), self._answers))
        except _NO_ANSWER:
            same = False
        found = None if same else self._other_answer()
        if found is None and self._absent:
            found = next(
                (min(some & names) for names, some in self._absent.values() if not names.isdisjoint(some)), None
            )
        if found is None and self.groups:
            found = self._other_parts()
        if found is not None:
            return found
        for t, data, kind, layout, recorded, name in self.tensors:
            now = t._data
            if now is not data and now.__class__ is not kind and (kind is not None or layout_of(now) != layout):
                return f"the shape, dtype or layout of {name}"
            if (t._node is not None) is not recorded:
                return f"{name}.requires_grad"
        return next((name for array, before, name in self.arrays if contents(array) != before), None)

    def _other_answer(self) -> str | None:
        for i, (ask, thing, before) in enumerate(zip(self._asks, self._asked, self._answers, strict=True)):
            now = _answer(ask, thing)
            if not _same(now, before):
                return self._questions[i]
            self._answers[i] = now  # so that it is the same object next time
        return None

    def _other_parts(self) -> str | None:
        if self._flat is None:
            before = [parts for _, parts, _ in self.groups]
            self._flat = [view for view, *_ in self.groups], [*map(len, before)], [*chain.from_iterable(before)]
        views, sizes, parts = self._flat
        if [*map(len, views)] == sizes and all(map(is_, chain.from_iterable(views), parts)):
            return None
        for view, before, name in self.groups:
            if len(view) != len(before) or not all(map(_same, view, before)):
                return f"{name}{self._which(view, before)}"
        return None

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
            if new and len(old) == len(before) and all(map(is_, old, before)) and self._is_alone(values, name):
                self.groups = [each for each in self.groups if each is not entry]
                self._flat = None
                found.append(Grown(name, values, new))
        return found

    def _is_alone(self, values: list[Any], name: str) -> bool:
        """Whether a list of that name is found in one place only."""
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


def _answer(ask: Callable[[Any], Any], thing: Any) -> Any:
    try:
        return ask(thing)
    except _NO_ANSWER:
        return GONE


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
