"""Which dimensions a kernel of rows goes along, and where it finds the elements of an array; see NOTE [Reductions]."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .traces import Join, Shape, UnfitError, UntraceableError

LONG, MANY = 1 << 14, 64
"""One block along a row longer than this is slower than all of them call by call, unless there are many rows."""


class Load(NamedTuple):
    """An argument that a kernel reads."""

    place: int
    narrow: bool
    """Whether it lacks the dimensions that are reduced."""
    steps: tuple[np.int64, ...]
    """How far apart its elements are where it lies in one piece."""


class Layout:
    """Which dimensions are reduced, and what that makes of a shape."""

    def __init__(self, joins: list[Join]) -> None:
        self.form, self.axes = joins[0].form, joins[0].axes
        if any(j.form != self.form or j.axes != self.axes for j in joins):
            raise UntraceableError("it reduces different dimensions")
        runs = self._runs()
        kept, reduced = ([dims for is_row, dims in runs if is_row is kind] for kind in (False, True))
        if len(kept) > 2 or len(reduced) > 2:
            raise UnfitError("dimensions in many parts")
        self.apart = len(reduced) == 2
        kept, reduced = [*kept, [], []][:2], reduced or [[]]
        self.groups = (*kept, *reduced)
        self.kept = tuple([1 if i in self.axes else n for i, n in enumerate(self.form)])
        self.dropped = tuple([n for i, n in enumerate(self.form) if i not in self.axes])
        self.along = tuple([n if i in self.axes else 1 for i, n in enumerate(self.form)])
        self.ones = (1,) * len(self.form)
        self.n, self.rows = math.prod(self.along), math.prod(self.kept)
        self.inner, self.near = self._size(kept[1]), self._size(reduced[-1])
        self.lanes = min(32, 1 << (self.rows - 1).bit_length()) if runs and not runs[-1][0] else 1
        if self.n * self.lanes > LONG and self.rows // self.lanes < MANY:
            raise UnfitError("too few rows and too long ones")

    def _runs(self) -> list[tuple[bool, list[int]]]:
        """Neighbouring dimensions that are reduced, or kept, together; those of one element are none."""
        runs: list[tuple[bool, list[int]]] = []
        for i, n in enumerate(self.form):
            if n > 1:
                if not runs or runs[-1][0] != (i in self.axes):
                    runs.append((i in self.axes, []))
                runs[-1][1].append(i)
        return runs

    def _size(self, dims: list[int]) -> int:
        return math.prod(self.form[i] for i in dims)

    def padded(self, form: Shape) -> Shape:
        return (1,) * (len(self.form) - len(form)) + form

    def varies(self, form: Shape) -> bool:
        """Whether an array that meets others in this shape has elements along rows.

        Raises: UntraceableError for what is neither rows nor one number for each.
        """
        form = self.padded(form)
        if form in (self.kept, self.ones):
            return False
        if form in (self.form, self.along):
            return True
        raise UntraceableError("its shapes")

    def load(self, place: int, form: Shape, meets: list[Shape]) -> tuple[bool, Load]:
        """Whether an argument varies along rows, and how it is read: it `meets` others in results of these shapes."""
        wide = any(len(m) == len(self.form) for m in meets)
        narrow = not wide and form == self.dropped and len(form) < len(self.form)
        return not narrow and self.varies(form), Load(place, narrow, self.of_one_piece(form, narrow))

    def of_one_piece(self, form: Shape, narrow: bool = False) -> tuple[np.int64, ...]:
        """`steps` of an array whose elements lie in order, one after the other."""
        strides = [math.prod(form[i + 1 :]) for i in range(len(form))]
        steps = self.steps(form, strides, narrow)
        assert steps is not None
        return steps

    def steps(self, shape: Shape, strides: list[int], narrow: bool) -> tuple[np.int64, ...] | None:
        """How far apart elements are in each group; None where one does not lie at equal distances."""
        found = [0 if n == 1 else s for n, s in zip(shape, strides, strict=True)]
        if narrow:
            for axis in self.axes:
                found.insert(axis, 0)
        found = [0] * (len(self.form) - len(found)) + found
        parts = [self._together(dims, found) for dims in self.groups]
        return None if None in parts else tuple([np.int64(p or 0) for p in parts])

    def _together(self, dims: list[int], strides: list[int]) -> int | None:
        """The one distance of the elements of several dimensions; None where there is none."""
        found = strides[dims[-1]] if dims else 0
        wanted = found
        for i in reversed(dims):
            if strides[i] != wanted:
                return None
            wanted = strides[i] * self.form[i]
        return found

    def grid(self) -> tuple[tuple[int], tuple[int]]:
        threads = 32
        while threads < min(self.n * self.lanes, 256):
            threads *= 2
        return (-(-self.rows // self.lanes),), (threads,)
