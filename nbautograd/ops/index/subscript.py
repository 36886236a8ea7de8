"""Square brackets: `x[…]` and `x[…] = y`."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace, inplace_short
from nbautograd.core.call import constant
from nbautograd.core.op import Op, xp
from nbautograd.core.tensor import Tensor
from nbautograd.ops.index.meeting import add_at, rows_at
from nbautograd.ops.index.places import ALONG, check_bounds, is_basic, numbers_apart, out_of_bounds, plain
from nbautograd.ops.index.writing import CopyInto, IndexPut
from nbautograd.ops.samples import SHAPES, Make, through

SLICES = (
    ((4,), slice(1, 3)), ((4,), slice(None, None, 2)), ((4,), slice(-2, None)), ((2, 3), slice(0, 1)),
    ((2, 3), (slice(None), slice(1, 3))), ((2, 3), (slice(0, 1), slice(0, 2))), ((2, 3, 2), (..., slice(0, 1))),
    ((0, 3), slice(0, 0)), ((3,), slice(2, 1)), ((5,), slice(0, 10)),
)  # fmt: skip


SELECTIONS = (
    ((4,), 1), ((4,), -1), ((2, 3), 0), ((2, 3), (1, 2)), ((2, 3), (slice(None), 1)), ((2, 3, 2), (..., 0)),
    ((2, 3, 2), (0, slice(None), 1)), ((1,), 0), ((2, 1), -1), ((2, 3), (-1, -1)),
)  # fmt: skip


def _advanced(make: Make) -> Any:
    for shape, _ in ALONG:
        yield make(*shape), make.ints(3, high=shape[0])
        yield make(*shape), make.bools(*shape)
    x = make(3, 4)
    yield x, (make.ints(2, high=3), make.ints(2, high=4))
    yield x, (slice(None), make.ints(2, high=4))
    yield x, (make.ints(2, 1, high=3), make.ints(2, high=4))
    yield x, (1, make.ints(2, high=4))
    yield x, (make.bools(3),)
    yield x, (..., make.ints(2, 2, high=4))
    yield make(2, 3, 4), (make.ints(2, high=2), slice(None), make.ints(2, high=4))
    yield make(2, 3, 4), (slice(0, 1), make.ints(2, high=3))
    yield make(5), make.ints(0)


def _unindexed(make: Make) -> Any:
    for x, index in _advanced(make):
        index = index if isinstance(index, tuple) else (index,)
        yield make(*x[index].shape), {"shape": x.shape, "index": index}


class Slice(Op):
    """A part of the tensor, as a view."""

    view = True
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    samples = through("__getitem__", lambda make: ((make(*shape), index) for shape, index in SLICES))

    def forward(x, *, index):
        return x[(*index, ...)] if Ellipsis not in index else x[index]

    def dx(g, x_shape, index):
        return xp.unslice(g, shape=x_shape, index=index)


class Select(Slice):
    """One index of a dimension, as a view."""

    samples = through("__getitem__", lambda make: ((make(*shape), index) for shape, index in SELECTIONS))


class NewAxis(Slice):
    """A part of the tensor with a new dimension of size one last, as a view."""

    node_name = "UnsqueezeBackward0"
    samples = through("__getitem__", lambda make: ((make(*s), (..., None)) for s in SHAPES))


class Unslice(Op):
    """Zeros with `x` at a basic index: what the gradient of a slice is."""

    samples = through(
        "", lambda make: ((make(*np.empty(s)[i].shape), {"shape": s, "index": i}) for s, i in SLICES + SELECTIONS)
    )

    def forward(x, *, shape, index):
        out = xp.zeros(shape, dtype=x.dtype)
        out[index] = x
        return out

    def dx(g, index):
        return g[index]


class Index(Op):
    """The elements at positions given by tensors or a mask, as a copy."""

    holds = ("index",)
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    samples = through("__getitem__", _advanced)
    refuse = out_of_bounds

    def forward(x, *, index):
        return rows_at(x, index[0]) if len(index) == 1 else x[index]

    def dx(g, x_shape, index):
        return xp.unindex(g, shape=x_shape, index=index)


class Unindex(Op):
    """Zeros to which `x` is added at positions that may repeat: what the gradient of advanced indexing is."""

    samples = through("", _unindexed)

    def forward(x, *, shape, index):
        out = xp.zeros(shape, dtype=x.dtype)
        add_at(out, index, x)
        return out

    def dx(g, index):
        return g[index]


def __getitem__(self: Tensor, index: Any) -> Tensor:
    items = plain(index)
    check_bounds(self._data.shape, items)
    if is_basic(items):
        return _slicing(items).call(self, index=items)
    if (apart := numbers_apart(items)) is not None:
        numbers, items = apart
        self = Select.call(self, index=numbers)
    return Index.call(self, index=items)


def _slicing(items: tuple[Any, ...]) -> type[Op]:
    """The op that torch would apply last."""
    for item in reversed(items):
        if item is None:
            return NewAxis
        if isinstance(item, int | np.integer):
            return Select
        if isinstance(item, slice) and item != slice(None):
            return Slice
    return Slice


def __setitem__(self: Tensor, index: Any, value: Any) -> None:
    items = plain(index)
    check_bounds(self._data.shape, items)
    if inplace_short.assign(self, items, value):
        return
    if not isinstance(value, Tensor):
        value = constant(np.asarray(value, dtype=self._data.dtype))
    if is_basic(items):
        part = self if _is_whole(self._data.shape, items) else _part(self, items)
        if (problem := CopyInto.refuse(part._data, value._data)) is not None:
            raise RuntimeError(problem)
        inplace.apply(CopyInto, part, value)
    else:
        if (apart := numbers_apart(items)) is not None:
            numbers, items = apart
            self = _part(self, numbers)
        if items and all(i is None or isinstance(i, slice) for i in items):
            items = (*items, Ellipsis)
        inplace.apply(IndexPut, self, value, index=items)


def _is_whole(shape: tuple[int, ...], items: tuple[Any, ...]) -> bool:
    """Whether `items` leave nothing out and change nothing: torch then writes to the tensor itself, not to a view."""
    if items == (Ellipsis,):
        return True
    return len(items) <= len(shape) and all(
        isinstance(i, slice) and i.indices(n) == (0, n, 1) for i, n in zip(items, shape, strict=False)
    )


def _part(self: Tensor, items: tuple[Any, ...]) -> Tensor:
    inplace.array_of(self)
    return Slice.call(self, index=items)


Tensor.__getitem__ = __getitem__
Tensor.__setitem__ = __setitem__
