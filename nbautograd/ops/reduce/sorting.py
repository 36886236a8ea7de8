"""Elements in order."""

from __future__ import annotations

import numpy as np

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import may_look, told
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.results import ReturnSort, ReturnTopk
from nbautograd.ops.samples import along, cases


class Sort(Op):
    """The elements in order along a dimension, and where each came from."""

    aux = ("indices",)
    tex = {"x": "P"}
    samples = cases(along(distinct=True), along(distinct=True, descending=True))

    def forward(x, *, dim=-1, descending=False):
        if not x.ndim:
            return x + 0, xp.zeros((), dtype="int64")
        order = in_order(x, dim, descending)
        return xp.take_along_axis(x, order, dim), order

    def dx(g, x_shape, indices, dim):
        return xp.scatter_along(g, indices, shape=x_shape, dim=dim) if len(x_shape) else g


def in_order(x, dim, descending):
    """The positions that put `x` in order, equal ones as they come. A NaN counts as larger than any number."""
    if not descending:
        return xp.argsort(x, axis=dim, kind="stable")
    if x.dtype.kind == "f" and may_look(x) and not xp.isnan(x).any():
        return xp.argsort(-x, axis=dim, kind="stable")
    flipped = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
    return xp.flip(x.shape[dim] - 1 - flipped, dim)


MANY = 2048
"""From so many elements on it costs less to part them at a rank than to sort them."""


def first_of_many(x, k, dim, descending):
    """The first `k` positions of `in_order`; None where equal elements or NaN leave open which they are."""
    x = np.moveaxis(x, dim, -1)
    n = x.shape[-1]
    if not 0 < k < n:
        return None
    last = n - k if descending else k - 1
    limit = np.partition(x, last, axis=-1)[..., last : last + 1]
    places = np.flatnonzero(x >= limit if descending else x <= limit)
    if places.size != limit.size * k:
        return None
    places = (places % n).reshape((*x.shape[:-1], k))
    order = in_order(np.take_along_axis(x, places, -1), -1, descending)
    return np.moveaxis(np.take_along_axis(places, order, -1), -1, dim)


class Topk(Op):
    """The k largest (or smallest) elements along a dimension, and where they are."""

    aux = ("indices",)
    tex = {"x": "[i \\in \\text{top } k]"}
    samples = cases(along(distinct=True, k=1), along(distinct=True, k=1, largest=False))

    def forward(x, *, k, dim=-1, largest=True):
        if not x.ndim:
            return x + 0, xp.zeros((), dtype="int64")
        order = first_of_many(x, k, dim, largest) if x.__class__ is np.ndarray and x.size > MANY else None
        if order is None:
            order = xp.take(in_order(x, dim, largest), range(k), axis=dim)
        return xp.take_along_axis(x, order, dim), order

    def dx(g, x_shape, indices, dim):
        return xp.scatter_along(g, indices, shape=x_shape, dim=dim) if len(x_shape) else g


@public()
def sort(input, dim=-1, descending=False, stable=False):
    """The elements in order along `dim`, and where each came from."""
    return ReturnSort(*Sort.call(input, dim=canonical_dim(dim, input.ndim), descending=descending))


@public()
def argsort(input, dim=-1, descending=False, stable=False):
    """The positions that put `dim` in order."""
    return Sort.call(input.detach(), dim=canonical_dim(dim, input.ndim), descending=descending)[1]


@public()
def topk(input, k, dim=-1, largest=True, sorted=True):
    """The k largest elements along `dim` and where they are."""
    if input._data.dtype.kind == "b":
        raise RuntimeError(" topk does not support bool dtypes on CPU")
    if k > (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    return ReturnTopk(*Topk.call(input, k=k, dim=canonical_dim(dim, input.ndim), largest=largest))


@public()
@told
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements in order; on request, where each element went and how often it came."""
    found = library_of(input._data).unique(input._data, return_inverse=True, return_counts=True, axis=dim)
    values, inverse, counts = map(wrap, found)
    inverse = inverse.reshape(input.shape if dim is None else (-1,))
    picked = [values] + [inverse] * bool(return_inverse) + [counts] * bool(return_counts)
    return picked[0] if len(picked) == 1 else tuple(picked)
