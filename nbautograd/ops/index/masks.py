"""Elements where a mask is true."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import library_of
from nbautograd.core.modes import may_look
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.elementwise.bounds import chosen
from nbautograd.ops.index.subscript import Index
from nbautograd.ops.samples import Make, cases

MASKS = (((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (0,)),
         ((2, 3), (1,)), ((4,), (1,)), ((2, 2, 2), (2, 2)), ((1, 3), (1, 3)))  # fmt: skip


class MaskedFill(Op):
    """`x` with one value where the mask is true."""

    promote = "none"
    elementwise = overlaps = True
    tex = {"x": "[\\lnot mask]"}
    samples = cases(lambda make: ((make(*s), make.bools(*m), 1.5) for s, m in MASKS))

    def forward(x, mask, value):
        return chosen(mask, value.astype(x.dtype) if hasattr(value, "dtype") else x.dtype.type(value), x)

    def check(x, mask, value):
        if not isinstance(value, complex) or x.dtype.kind == "c":
            return None
        kind = {"float32": "float", "float64": "double"}.get(x.dtype.name, f"{x.dtype.name}_t")
        return f"value cannot be converted to type {kind} without overflow"

    def dx(g, mask):
        return chosen(mask, 0, g)

    def dvalue(g, mask):
        return chosen(mask, g, 0)


class MaskedSelect(Index):
    """The elements where the mask is true, in one row."""

    node_name = "MaskedSelectBackward0"
    samples = cases(lambda make: ((make(*s), make.bools(*m)) for s, m in MASKS))


def _masked_sources(make: Make) -> Any:
    for shape, mask in MASKS:
        chosen = make.bools(*mask)
        count = int(np.broadcast_to(chosen, shape).sum())
        yield make(*shape), chosen, make(count + 2)
        yield make(*shape), chosen, make(2, count)


class MaskedScatter(Op):
    """`x` with the elements of `source`, one after the other, where the mask is true."""

    promote = "same"
    holds = ("mask",)
    samples = cases(_masked_sources)

    def forward(x, source, *, mask):
        if mask.__class__ is not np.ndarray:
            return xp.where(mask, source.reshape(-1)[numbered(mask)], x) if source.size else xp.array(x)
        out = xp.array(x)
        out[mask] = source.reshape(-1)[: int(mask.sum())]
        return out

    def dx(g, mask):
        return chosen(mask, 0, g)

    def dsource(g, source_shape, mask):
        count = math.prod(source_shape)
        if mask.__class__ is not np.ndarray:  # what is not there meets behind the row
            places = library_of(mask).where(mask, numbered(mask), count).reshape(-1)
            row = xp.unindex(g.reshape((-1,)), shape=(count + 1,), index=(places,))[:count]
        else:
            taken = g[mask]
            row = xp.unslice(taken, shape=(count,), index=(slice(taken.shape[0]),))
        return row.reshape(tuple(source_shape))


def numbered(mask):
    """For each true element how many come before it."""
    return (mask.reshape(-1).cumsum() - 1).reshape(mask.shape)


def _whole_mask(input: Tensor, mask: Tensor, source: Tensor) -> dict[str, Any]:
    """The mask in the shape of the input.

    Raises: RuntimeError when there is less to write than places.
    """
    if mask._data.dtype.kind != "b":
        raise RuntimeError(
            f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype.tensor_type}"
        )
    whole = np.broadcast_to(mask._data, input._data.shape)
    if may_look(whole) and source._data.size < np.count_nonzero(whole):
        raise RuntimeError("Number of elements of source < number of ones in mask")
    return {"mask": whole}


@public()
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy with the elements of `source`, one after the other, where `mask` is true."""
    shape = np.broadcast_shapes(input._data.shape, mask._data.shape)
    input = input if input._data.shape == shape else input.expand(*shape)
    return MaskedScatter.call(input, source, **_whole_mask(input, mask, source))


@public(top=False)
def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """`masked_scatter`, in place."""
    return inplace.apply(MaskedScatter, self, source, **_whole_mask(self, mask, source))


def _check_fill(mask: Tensor, value: Any) -> None:
    """torch's refusals.

    Raises: RuntimeError
    """
    if mask._data.dtype.kind != "b":
        kind = {"Long": "long int", "Int": "int", "Byte": "unsigned char"}.get(
            mask.dtype.tensor_type, mask.dtype.tensor_type.lower()
        )
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {kind}")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s)."
        )


@public()
def masked_fill(input, mask, value):
    """A copy with `value` where `mask` is true."""
    _check_fill(mask, value)
    return MaskedFill.call(input, mask, value)


@public(top=False)
def masked_fill_(self, mask, value):
    """`masked_fill`, in place."""
    _check_fill(mask, value)
    return inplace.apply(MaskedFill, self, mask, value)


@public()
def masked_select(input, mask):
    """The elements where `mask` is true, in one row."""
    if mask._data.dtype.kind != "b":
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = np.broadcast_shapes(tuple(input.shape), tuple(mask.shape))
    wide = input if tuple(input.shape) == shape else input.expand(*shape)
    return MaskedSelect.call(wide, index=(np.broadcast_to(mask._data, shape),))
