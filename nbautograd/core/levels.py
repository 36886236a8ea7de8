"""Levels of forward mode: who has which tangent, and which of them are looked at.

NOTE [Levels]
While a level is open, a tensor may have a tangent at it: the derivative of its values along a direction that was chosen
at the inputs. The level owns the tangents, so closing it lets go of all of them. Levels nest, for derivatives of
derivatives, and what keeps those apart is one rule: the tangents at a level are computed while only the levels below it
are active. A tangent is a tensor like any other, with a history for backward and with tangents at lower levels. Levels
of the same depth know nothing of each other: several directions in one run of a function.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from . import inplace
from .array import library_of
from .call import wrap
from .doors import Door
from .modes import is_grad_enabled, local, put
from .op import TABLE
from .tensor import Tensor


class Level:
    """The tangents of one direction; see NOTE [Levels]."""

    __slots__ = ("_held", "depth")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._held: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}

    def get(self, x: Any) -> Tensor | None:
        """The tangent of `x`, or None."""
        found = self._held.get(id(x))
        return None if found is None else found[1]

    def set(self, x: Tensor, tangent: Tensor) -> None:
        """Let `tangent` be that of `x` for as long as both `x` and the level live."""
        held, key = self._held, id(x)
        held[key] = (weakref.ref(x, lambda _: held.pop(key, None)), tangent)

    def others(self) -> tuple[Level, ...]:
        """The active levels but this one."""
        return tuple([level for level in local.levels if level is not self])


class active(Door):
    """Let `levels` be those at which this thread's ops compute tangents, inside a `with` block."""

    def __init__(self, levels: Iterable[Level] = ()) -> None:
        super().__init__()
        self._levels = tuple(levels)

    def read(self) -> tuple[Level, ...]:
        return local.levels

    def put(self, value: tuple[Level, ...]) -> None:
        switch(value)

    def inside(self, before: tuple[Level, ...]) -> tuple[Level, ...]:
        return self._levels


def switch(levels: tuple[Level, ...]) -> None:
    """Make `levels` this thread's active ones."""
    put("levels", levels)


def below(depth: int) -> active:
    """Only the levels below `depth` are active inside."""
    return active([level for level in local.levels if level.depth < depth])


class opened(active):
    """A `with` block in which `count` new levels of one depth are open, one for each direction."""

    def __init__(self, count: int = 1) -> None:
        super().__init__()
        self._count = count

    def inside(self, before: tuple[Level, ...]) -> tuple[Level, ...]:
        self.given = tuple([new_level() for _ in range(self._count)])
        return *before, *self.given


def new_level() -> Level:
    """A level above those that are active; it is not active yet."""
    return Level(local.levels[-1].depth + 1 if local.levels else 0)


def close(level: Level) -> None:
    """Take `level` away, however many were opened since."""
    switch(level.others())


def fit_direction(x: Tensor, tangent: Tensor) -> None:
    """Refuse a `tangent` that `x` cannot move along.

    Raises: ValueError for integers, RuntimeError for another shape, both in torch's words.
    """
    for what, t in (("primal", x), ("tangent", tangent)):
        if not (t.dtype.is_floating_point or t.dtype.is_complex):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {t.dtype}")
    if x.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(x.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )


def tangents_of(x: Any) -> list[tuple[Level, Tensor]]:
    """The tangents of `x` at the levels that are active."""
    return [(level, t) for level in local.levels if (t := level.get(x)) is not None]


def put_tangents(x: Tensor, tangents: list[tuple[Level, Tensor]]) -> None:
    """Give `x` those of `tangents` whose level is active."""
    for level, tangent in tangents:
        if level in local.levels:
            level.set(x, tangent)


def alias(x: Tensor) -> Tensor:
    """Another tensor round the numbers of `x`, with its history and its tangents."""
    if x._node is None or not is_grad_enabled():
        return without_history(x)
    return TABLE["view"].call(x, shape=tuple(x.shape))


def without_history(x: Tensor, of_tangent: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """Another tensor round the numbers of `x`, with its tangents only (or with what `of_tangent` makes of them)."""
    own = wrap(None)
    inplace.share(x, own)
    for level, tangent in tangents_of(x):
        level.set(own, tangent if of_tangent is None else of_tangent(tangent))
    return own


def zeros_like(x: Tensor) -> Tensor:
    """Zeros in the form of `x`."""
    return wrap(library_of(x._data).zeros_like(x._data))
