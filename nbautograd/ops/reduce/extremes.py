"""The largest and the smallest elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim, canonical_dims_or_all
from nbautograd.ops.reduce.sums import WHOLE, restore
from nbautograd.ops.refusals import nothing_to_reduce
from nbautograd.ops.results import ReturnMax, ReturnMin, result
from nbautograd.ops.samples import along, over, through

ReturnAminmax = result("aminmax", "min", "max")


class Amax(Op):
    """The largest elements; equal ones share the gradient.

    Math: ∂out/∂xᵢ = 1/k for each of the k elements that equal the maximum, else 0
    """

    tex = {"x": "[x = out] / k"}
    samples = over(distinct=True)
    refuse = nothing_to_reduce("amax")

    def forward(x, *, dim=None, keepdim=False):
        return xp.max(x, axis=dim, keepdims=keepdim)

    def dx(g, x, out, dim, keepdim):
        return shared_among(x == restore(out, dim, keepdim), g, dim, keepdim)


class Amin(Op):
    """The smallest elements; equal ones share the gradient."""

    tex = {"x": "[x = out] / k"}
    samples = over(distinct=True)
    refuse = nothing_to_reduce("amin")

    def forward(x, *, dim=None, keepdim=False):
        return xp.min(x, axis=dim, keepdims=keepdim)

    def dx(g, x, out, dim, keepdim):
        return shared_among(x == restore(out, dim, keepdim), g, dim, keepdim)


class Max(Amax):
    """The largest element of all; equal ones share the gradient."""

    node_name = "MaxBackward1"
    samples = WHOLE
    refuse = nothing_to_reduce("max")

    def dx(g, x, out, dim, keepdim):
        return shared_among_equals(g, x, out, dim, keepdim)


class Min(Amin):
    """The smallest element of all; equal ones share the gradient."""

    node_name = "MinBackward1"
    samples = WHOLE
    refuse = nothing_to_reduce("min")

    def dx(g, x, out, dim, keepdim):
        return shared_among_equals(g, x, out, dim, keepdim)


def shared_among_equals(g, x, out, dim, keepdim):
    """`g` shared among the elements that equal `out`, NaN among NaNs; the others get zero also where `g` is NaN."""
    best = restore(out, dim, keepdim)
    hit = (x == best) | ((x != x) & (best != best))
    return xp.where(hit, restore(g, dim, keepdim) / xp.sum(xp.astype(hit, g.dtype), axis=dim, keepdims=True), 0)


def shared_among(hit, g, dim, keepdim):
    """`g` shared among the elements that were hit; NaN where none was."""
    hit = xp.astype(hit, g.dtype)
    return restore(g, dim, keepdim) * hit / xp.sum(hit, axis=dim, keepdims=True)


class SelectDim(Op, abstract=True):
    """Along one dimension, the element at `indices`: only that one gets the gradient."""

    aux = ("indices",)
    tex = {"x": "[i = \\text{indices}]"}

    def dx(g, x_shape, indices, dim, keepdim):
        if not x_shape:
            return g
        return xp.scatter_along(restore(g, dim, keepdim), restore(indices, dim, keepdim), shape=x_shape, dim=dim)


def picked(x, find, dim, keepdim):
    """The elements of `x` at the positions that `find` gives, and those; a 0-d tensor is its own one element."""
    if not x.ndim:
        return x + 0, xp.zeros((), dtype="int64")
    indices = find(x, dim)
    if x.__class__ is np.ndarray and dim == x.ndim - 1 and x.flags.c_contiguous:
        values = x.take(indices + np.arange(0, x.size, x.shape[dim]).reshape(indices.shape))
        return (values[..., None], indices[..., None]) if keepdim else (values, indices)
    values = xp.take_along_axis(x, xp.expand_dims(indices, dim), dim)
    return (values, xp.expand_dims(indices, dim)) if keepdim else (values.reshape(indices.shape), indices)


class MaxDim(SelectDim):
    """The largest element along a dimension and where it is; the first one of equals gets the gradient."""

    node_name = "MaxBackward0"
    samples = through("max", along(distinct=True), along(distinct=True, keepdim=True))
    refuse = nothing_to_reduce("max")

    def forward(x, *, dim, keepdim=False):
        return picked(x, xp.argmax, dim, keepdim)


class MinDim(SelectDim):
    """The smallest element along a dimension and where it is."""

    node_name = "MinBackward0"
    samples = through("min", along(distinct=True), along(distinct=True, keepdim=True))
    refuse = nothing_to_reduce("min")

    def forward(x, *, dim, keepdim=False):
        return picked(x, xp.argmin, dim, keepdim)


def _extreme(whole: Any, along_dim: Any, pairwise: str, result: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    if isinstance(dim, Tensor):
        from nbautograd.core.op import TABLE

        return TABLE[pairwise].call(input, dim)
    if dim is None:
        return whole.call(input)
    return result(*along_dim.call(input, dim=canonical_dim(dim, input.ndim), keepdim=keepdim))


@public()
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; with `dim`, the largest along it and where; with a tensor, the larger one of each pair."""
    return _extreme(Max, MaxDim, "maximum", ReturnMax, input, other if dim is None else dim, keepdim)


@public()
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; with `dim`, the smallest along it and where; with a tensor, the smaller of each pair."""
    return _extreme(Min, MinDim, "minimum", ReturnMin, input, other if dim is None else dim, keepdim)


@public()
def amax(input, dim=(), keepdim=False):
    """The largest elements over `dim`; equal ones share the gradient."""
    return _of_ties(Amax, input, dim, keepdim)


@public()
def amin(input, dim=(), keepdim=False):
    """The smallest elements over `dim`; equal ones share the gradient."""
    return _of_ties(Amin, input, dim, keepdim)


def _of_ties(op, input, dim, keepdim):
    dims = canonical_dims_or_all(dim, input.ndim)
    if dims is not None and not input._data.size and (problem := op.refuse(input._data, dim=dim)):
        raise problem  # asked here because torch shows the dimension as it was given
    return op.call(input, dim=dims, keepdim=keepdim)


@public()
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest elements, over everything or along `dim`."""
    over = () if dim is None else dim
    return ReturnAminmax(amin(input, over, keepdim), amax(input, over, keepdim))
