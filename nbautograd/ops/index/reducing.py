"""Several elements written to one place: their sum, product, mean, or the best of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.index.along import places
from nbautograd.ops.index.meeting import add_at, merge_elements_at
from nbautograd.ops.index.places import ALONG
from nbautograd.ops.samples import Make, cases

NEUTRAL = {"sum": 0, "mean": 0, "prod": 1, "amax": -np.inf, "amin": np.inf}
"""What changes nothing, by reduction."""
MERGES = {"sum": "add", "prod": "multiply", "amax": "maximum", "amin": "minimum"}
"""NumPy's functions that bring two numbers together, by reduction."""


def _scattered(make: Make) -> Any:
    for reduce in NEUTRAL:
        for shape, dim in ALONG:
            for include_self in (True, False):
                index = make.ints(*shape, high=shape[dim])
                yield make.distinct(*shape), dim, index, make.distinct(*shape), reduce, {"include_self": include_self}
    zeros = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    yield make(2, 3), 1, np.array([[0, 0, 1], [2, 1, 2]]), zeros.astype(make.dtype), "prod"
    yield zeros.astype(make.dtype), 1, np.array([[0, 0, 1], [2, 2, 2]]), make(2, 3), "prod"


class ScatterReduce(Op):
    """`x` with `src` put along one dimension at `index`; what meets at one place is reduced."""

    promote = "none"
    samples = cases(_scattered, numeric=False)

    def forward(x, index, src, *, dim, reduce, include_self=True):
        out, at = xp.array(x), places(index, dim) if x.ndim else ()
        src = src if x.ndim else src.sum()
        if not include_self:
            out[at] = neutral(reduce, x.dtype)
        if reduce == "mean":
            add_at(out, at, src)
            count = hits(x, index, dim, include_self)
            return out / count if x.dtype.kind in "fc" else out // xp.astype(count, x.dtype)
        if x.dtype.kind == "c" and reduce in ("amax", "amin"):
            raise TypeError("complex numbers have no order")
        merge_elements_at(MERGES[reduce], out, at, src)
        return out

    def dx(g, x, index, src, out, dim, reduce, include_self):
        if reduce == "prod":
            full = xp.where(x == 0, 1, x)
            share = g * xp.scatter_reduce(full, index, src, dim=dim, reduce="prod", include_self=include_self) / full
        elif reduce in ("amax", "amin"):
            share = g * (x == out) / winners(x, index, src, out, dim)
        else:
            share = g / hits(x, index, dim, include_self) if reduce == "mean" else g
        return share if include_self else xp.scatter(share, index, xp.zeros(index.shape, dtype=g.dtype), dim=dim)

    def dsrc(g, x, index, src, out, dim, reduce, include_self):
        if reduce == "prod":
            return product_share(g, x, index, src, out, dim, include_self)
        if reduce in ("amax", "amin"):
            share = g / winners(x, index, src, out, dim)
            return xp.gather(share, index, dim=dim) * (src == xp.gather(out, index, dim=dim))
        share = g / hits(x, index, dim, include_self) if reduce == "mean" else g
        return xp.gather(share, index, dim=dim)


def neutral(reduce: str, dtype: Any) -> Any:
    if reduce in ("amax", "amin") and dtype.kind in "iu":
        ends = np.iinfo(dtype)
        return ends.min if reduce == "amax" else ends.max
    return NEUTRAL[reduce]


def hits(x, index, dim, include_self):
    """How many numbers met at each place; at least one, for division."""
    count = xp.ones_like(x) if include_self else xp.zeros_like(x)
    count = xp.scatter_add(count, index, xp.ones(index.shape, dtype=count.dtype), dim=dim)
    return xp.maximum(count, xp.ones_like(count))


def winners(x, index, src, out, dim):
    """How many of the numbers that met at each place are the best one."""
    best = xp.astype(src == xp.gather(out, index, dim=dim), out.dtype)
    return xp.scatter_add(xp.astype(x == out, out.dtype), index, best, dim=dim)


def product_share(g, x, index, src, out, dim, include_self):
    """For each number written, the product of all others at its place, right also where one of them is zero."""
    zero = src == 0
    zeros = xp.gather(xp.scatter_add(xp.zeros_like(x), index, xp.astype(zero, x.dtype), dim=dim), index, dim=dim)
    alone = zero & (zeros == 1)
    others = xp.scatter_reduce(x, index, xp.where(alone, 1, src), dim=dim, reduce="prod", include_self=include_self)
    return xp.where(
        alone,
        xp.gather(g * others, index, dim=dim),
        xp.gather(g * out, index, dim=dim) / xp.where(zero, 1, src),
    )


def _fitting(src: Tensor, index: Tensor) -> Tensor:
    """The part of `src` that `index` has places for."""
    return src if src.shape == index.shape else src[tuple(slice(n) for n in index.shape)]


@public()
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy with `src` put along `dim` at `index`, where `reduce` says what becomes of numbers that meet.

    Raises: RuntimeError for a reduction that is none of sum, prod, mean, amax, amin.
    """
    if reduce not in NEUTRAL:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    dim = canonical_dim(dim, input.ndim)
    return ScatterReduce.call(input, index, _fitting(src, index), dim=dim, reduce=reduce, include_self=include_self)


@public(top=False)
def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce`, in place."""
    settings = {"dim": canonical_dim(dim, self.ndim), "reduce": reduce, "include_self": include_self}
    return inplace.apply(ScatterReduce, self, index, _fitting(src, index), **settings)


def _spread_out(index: Tensor, source: Tensor, dim: int) -> Tensor:
    """Places along `dim`, for every element of `source`."""
    return index.reshape([-1 if d == dim else 1 for d in range(source.ndim)]).expand_as(source)


@public()
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy with the slices of `source` put along `dim` at `index`; `reduce` says what becomes of those that meet."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = canonical_dim(dim, input.ndim)
    return scatter_reduce(input, dim, _spread_out(index, source, dim), source, reduce, include_self=include_self)


@public(top=False)
def index_reduce_(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`index_reduce`, in place."""
    dim = canonical_dim(dim, self.ndim)
    return scatter_reduce_(self, dim, _spread_out(index, source, dim), source, reduce, include_self=include_self)
