"""Elements where a mask is true."""

from __future__ import annotations

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.index.subscript import Index
from nbautograd.ops.samples import cases

MASKS = (((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (0,)),
         ((2, 3), (1,)), ((4,), (1,)), ((2, 2, 2), (2, 2)), ((1, 3), (1, 3)))  # fmt: skip


class MaskedFill(Op):
    """`x` with one value where the mask is true."""

    promote = "none"
    elementwise = True
    tex = {"x": "[\\lnot mask]"}
    samples = cases(lambda make: ((make(*s), make.bools(*m), 1.5) for s, m in MASKS))

    def forward(x, mask, value):
        return xp.where(mask, xp.astype(xp.asarray(value), x.dtype), x)

    def dx(g, mask):
        return xp.where(mask, xp.zeros_like(g), g)

    def dvalue(g, mask):
        return xp.where(mask, g, xp.zeros_like(g))


class MaskedSelect(Index):
    """The elements where the mask is true, in one row."""

    node_name = "MaskedSelectBackward0"
    samples = cases(lambda make: ((make(*s), make.bools(*m)) for s, m in MASKS))


@public()
def masked_fill(input, mask, value):
    """A copy with `value` where `mask` is true."""
    return MaskedFill.call(input, mask, value)


@public(top=False)
def masked_fill_(self, mask, value):
    """`masked_fill`, in place."""
    return inplace.apply(MaskedFill, self, mask, value)


@public()
def masked_select(input, mask):
    """The elements where `mask` is true, in one row."""
    shape = np.broadcast_shapes(tuple(input.shape), tuple(mask.shape))
    wide = input if tuple(input.shape) == shape else input.expand(*shape)
    return MaskedSelect.call(wide, index=(np.broadcast_to(mask._data, shape),))
