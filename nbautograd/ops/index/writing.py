"""Parts of tensors written."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.index.meeting import add_at
from nbautograd.ops.index.places import ALONG, out_of_bounds, plain
from nbautograd.ops.samples import Make, cases, through

BROADCAST = (((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (1,)), ((2, 3), (2, 3)),
             ((1,), ()), ((2, 0), (1, 0)), ((3, 1), (1, 1)), ((2, 2, 3), (2, 1)))  # fmt: skip


def _put(make: Make) -> Any:
    for shape, _ in ALONG:
        for accumulate in (False, True):
            i = make.ints(1, high=shape[0])
            yield make(*shape), (i,), make(1, *shape[1:]), {"accumulate": accumulate}
    yield make(3, 4), (np.array([0, 2, 0]), np.array([1, 1, 1])), make(3), {"accumulate": True}
    yield make(3, 4), (np.array([0, 2]), np.array([1, 1])), make(), {"accumulate": False}


class IndexPut(Op):
    """`x` with `y` at some positions, or with it added there."""

    promote = "none"
    holds = ("index",)
    samples = cases(_put)

    def forward(x, y, *, index, accumulate=False):
        out = xp.array(x)
        y = xp.astype(xp.asarray(y), x.dtype)
        if accumulate:
            add_at(out, index, y)
        else:
            out[index] = y
        return out

    def refuse(x, y, *, index, accumulate=False):
        return out_of_bounds(x, index=index)

    def dx(g, index, accumulate):
        return g if accumulate else xp.index_zeroed(g, index=index)

    def dy(g, y_shape, index):
        return fitted(g[index], y_shape)


class IndexZeroed(Op):
    """`x` with zeros at some positions."""

    samples = through("", lambda make: ((make(*s), {"index": (make.ints(2, high=s[0]),)}) for s, _ in ALONG))

    def forward(x, *, index):
        out = xp.array(x)
        out[index] = 0
        return out

    def dx(g, index):
        return xp.index_zeroed(g, index=index)


def fitted(g, shape):
    """The sum of `g` over what broadcasting repeated, in `shape`."""
    extra = len(g.shape) - len(shape)
    axes = tuple(i for i, n in enumerate(g.shape) if i < extra or (shape[i - extra] == 1 and n != 1))
    return (xp.sum(g, axis=axes) if axes else g).reshape(shape)


class CopyInto(Op):
    """`y` in the shape and dtype of `x`, which it replaces."""

    node_name = "CopyBackwards"
    assigns = True
    promote = "none"
    samples = through("copy_", lambda make: ((make(*a), make(*b)) for a, b in BROADCAST))

    def forward(x, y):
        y = xp.asarray(y)
        if y.shape == x.shape and y.dtype == x.dtype:
            return y
        while y.ndim > x.ndim and y.shape[0] == 1:
            y = y[0]
        return xp.broadcast_to(xp.astype(y, x.dtype), x.shape)

    def refuse(x, y):
        shape, size = list(x.shape), list(y.shape)
        while len(size) > x.ndim and size[0] == 1:
            size = size[1:]
        if len(size) > x.ndim:
            kind = dtypes.of_numpy(y.dtype).tensor_type
            return (
                f"expand(torch.{kind}Tensor{{{size}}}, size={shape}): the number of sizes provided "
                f"({x.ndim}) must be greater or equal to the number of dimensions in the tensor ({len(size)})"
            )
        for back in range(1, len(size) + 1):
            if size[-back] not in (1, shape[-back]):
                return (
                    f"The expanded size of the tensor ({shape[-back]}) must match the existing size ({size[-back]}) at "
                    f"non-singleton dimension {x.ndim - back}.  Target sizes: {shape}.  Tensor sizes: {size}"
                )
        return None

    def dx(g):
        return xp.zeros_like(g)

    def dy(g, y_shape):
        return fitted(g, y_shape)


@public()
def index_put(input, indices, values, accumulate=False):
    """A copy with `values` written (or added) at the positions `indices`."""
    return IndexPut.call(input, values, index=plain(tuple(indices)), accumulate=accumulate)


@public(top=False)
def index_put_(self, indices, values, accumulate=False):
    """`index_put`, in place."""
    return inplace.apply(IndexPut, self, values, index=plain(tuple(indices)), accumulate=accumulate)
