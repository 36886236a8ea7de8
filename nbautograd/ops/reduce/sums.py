"""Sums, means and products."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.modes import may_look
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dim, canonical_dims_or_all
from nbautograd.ops.elementwise.bounds import kept
from nbautograd.ops.samples import along, cases, over, shaped, through, unary


def restore(g, dim, keepdim):
    """The reduced dimensions back as size one, so that `g` broadcasts against the input."""
    if keepdim or dim is None:
        return g
    if g.__class__ is np.ndarray and dim.__class__ is int and dim >= 0:  # NumPy takes ten times as long to find out how
        return g.reshape((*g.shape[:dim], 1, *g.shape[dim:]))
    return xp.expand_dims(g, dim)


def count_of(shape: tuple[int, ...], dim: Any) -> int:
    """How many elements each result was made of."""
    dims = range(len(shape)) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    count = 1
    for d in dims:
        count *= shape[d]
    return count


WHOLE = shaped(
    ((),),
    ((1,),),
    ((5,),),
    ((2, 3),),
    ((3, 1),),
    ((2, 3, 2),),
    ((4, 4),),
    ((1, 1, 7),),
    ((6, 2),),
    ((2, 2, 2, 2),),
    distinct=True,
)
"""Tensors of several shapes, none of them empty."""


class Sum(Op):
    """The sum of all elements.

    Math: out = Σᵢ xᵢ
    Shape: x (…) → ()
    """

    tex = {"x": "1"}
    samples = unary()

    def forward(x, *, dim=None, keepdim=False):
        return xp.sum(x, axis=dim, keepdims=keepdim)

    def dx(g, x_shape, dim, keepdim):
        return xp.broadcast_to(restore(g, dim, keepdim), x_shape)


class SumDim(Sum):
    """The sum over some dimensions."""

    node_name = "SumBackward1"
    samples = through("sum", over())


class Nansum(Op):
    """The sum of the elements that are numbers."""

    tex = {"x": "[x = x]"}
    samples = cases(unary(), over())

    def forward(x, *, dim=None, keepdim=False):
        if x.__class__ is np.ndarray:
            found = xp.sum(x, axis=dim, keepdims=keepdim)
            if (found == found).all():  # so nothing that was added is NaN
                return found
        return xp.sum(kept(x, x == x), axis=dim, keepdims=keepdim)

    def dx(g, x, dim, keepdim):
        return xp.where(x == x, restore(g, dim, keepdim), 0)


class Mean(Op):
    """The mean of all elements.

    Math: out = (1/n) Σᵢ xᵢ
    """

    tex = {"x": "\\frac{1}{n}"}
    code = {"out": "x.mean(axis=dim, keepdims=keepdim)"}
    samples = unary()

    def forward(x, *, dim=None, keepdim=False):
        return mean_of(x, dim, keepdim)

    def dx(g, x_shape, dim, keepdim):
        return xp.broadcast_to(restore(g, dim, keepdim) / builtins.max(count_of(x_shape, dim), 1), x_shape)


def mean_of(x, dim, keepdim):
    """The mean of an array over `dim`; NumPy's own takes several times as long to look at its arguments."""
    if x.dtype.itemsize < 4:
        return xp.mean(x, axis=dim, keepdims=keepdim)  # which adds up half precision in single
    return xp.sum(x, axis=dim, keepdims=keepdim) / x.dtype.type(count_of(x.shape, dim))


class MeanDim(Mean):
    """The mean over some dimensions."""

    node_name = "MeanBackward1"
    samples = through("mean", over())


class Prod(Op):
    """The product of all elements, or over one dimension.

    Math: ∂out/∂xᵢ = Πⱼ≠ᵢ xⱼ, which is out/xᵢ where no element is zero.
    """

    tex = {"x": "\\prod_{j \\neq i} x_j"}
    samples = unary(0.5, 2)

    def forward(x, *, dim=None, keepdim=False):
        return xp.prod(in_halves(x, dim), axis=dim, keepdims=keepdim)

    def dx(g, x, out, dim, keepdim):
        g, out = restore(g, dim, keepdim), restore(out, dim, keepdim)
        if not x.ndim:
            return g
        return g * out / x if none_is_zero(x) else g * products_of_others(x, dim)


class ProdDim(Prod):
    """The product over one dimension."""

    node_name = "ProdBackward1"
    samples = through("prod", along(), along(keepdim=True))


def in_halves(x, dim):
    """A few elements with the products that `x` has along `dim`: those of its halves, again and again.

    Along the last dimension NumPy multiplies one element after the other, whole halves in a tenth of the time.
    """
    if x.__class__ is not np.ndarray or x.size <= FEW or dim not in (None, x.ndim - 1) or x.dtype.char not in "fd":
        return x
    if dim is None:
        x = x.reshape(-1)
    while x.size > FEW and x.shape[-1] > SHORT:
        middle = x.shape[-1] // 2
        rest = x[..., 2 * middle :]
        x = x[..., :middle] * x[..., middle : 2 * middle]
        x[..., : rest.shape[-1]] *= rest
    return x


FEW, SHORT = 1024, 32
"""So many elements, and rows of so many, are multiplied one after the other."""


def none_is_zero(x):
    """Whether all may be divided by. On a GPU nobody looks: the program would wait for it."""
    return may_look(getattr(x, "_data", x)) and not (x == 0).any()


def products_of_others(x, dim):
    """For each element the product of all others, right also where some are zero."""
    flat = x.reshape((-1,)) if dim is None else xp.moveaxis(x, dim, -1)
    ones = xp.ones_like(flat[..., :1])
    before = xp.concatenate([ones, flat[..., :-1]], axis=-1)
    after = xp.concatenate([flat[..., 1:], ones], axis=-1)
    others = cumulative_product(before) * xp.flip(cumulative_product(xp.flip(after, -1)), -1)
    return others.reshape(tuple(x.shape)) if dim is None else xp.moveaxis(others, -1, dim)


def cumulative_product(x):
    """Products from the left along the last dimension, by doubling: differentiable wherever multiplication is."""
    step = 1
    while step < x.shape[-1]:
        x = xp.concatenate([x[..., :step], x[..., step:] * x[..., :-step]], axis=-1)
        step *= 2
    return x


def cast_to(input: Any, dtype: Any) -> Any:
    return input if dtype is None else input.to(dtype)


def totalled(op: Any, input: Any, dtype: Any, **settings: Any) -> Any:
    """What `op` adds up (or multiplies) in `dtype`; without one, whole numbers of every kind in int64, as in torch."""
    if dtype is None:
        return op.call(input.to(dtypes.int64) if input._data.dtype.kind == "u" else input, **settings)
    found = op.call(input.to(dtype), **settings)
    return found if found._data.dtype == dtype.numpy else found.to(dtype)


def _floating(name: str, input: Any) -> None:
    if input._data.dtype.kind not in "fcV":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype.tensor_type}\n  hint: x.float().{name}()"
        )


@public()
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum of all elements, or over `dim`.

    Example:
        >>> import nbautograd as torch
        >>> torch.tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=0)
        tensor([4., 6.])
    """
    op, dim = (Sum, None) if dim is None else (SumDim, canonical_dims_or_all(dim, input.ndim))
    if dtype is None and input._data.dtype.kind != "u":
        return op.call(input, dim=dim, keepdim=keepdim)
    return totalled(op, input, dtype, dim=dim, keepdim=keepdim)


@public()
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of all elements, or over `dim`.

    Raises: RuntimeError for integer tensors.
    """
    input = cast_to(input, dtype)
    _floating("mean", input)
    if dim is None:
        return Mean.call(input, dim=None, keepdim=keepdim)
    return MeanDim.call(input, dim=canonical_dims_or_all(dim, input.ndim), keepdim=keepdim)


@public()
def prod(input, dim=None, keepdim=False, *, dtype=None):
    """The product of all elements, or over one `dim`."""
    if dim is None:
        return totalled(Prod, input, dtype)
    dim = canonical_dim(dim, input.ndim) if input.ndim else None
    return totalled(ProdDim, input, dtype, dim=dim, keepdim=keepdim)


@public()
def nansum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum of the elements that are numbers, of all or over `dim`."""
    if dtype is not None and not dtype.is_floating_point:
        input = input.nan_to_num(0.0, math.inf, -math.inf)  # a whole number cannot be NaN
    return totalled(Nansum, input, dtype, dim=canonical_dims_or_all(dim, input.ndim), keepdim=keepdim)


@public()
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of the elements that are numbers, of all or over `dim`."""
    input = cast_to(input, dtype)
    _floating("nanmean", input)
    numbers = input.isnan().logical_not()
    count = numbers.sum(dim, keepdim) if dim is not None else numbers.sum()
    return nansum(input, dim, keepdim) / count
