"""Gather and scatter: along one dimension, and every other in step."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.call import constant
from nbautograd.core.op import TABLE, Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.index.meeting import add_at, elements_at, write_at
from nbautograd.ops.index.places import ALONG, FROM_FRONT, all_below
from nbautograd.ops.samples import Make, cases, through


def _scattered(make: Make) -> Any:
    for shape, dim in ALONG:
        places = np.argsort(make.distinct(*shape), axis=dim)
        yield make(*shape), dim, places, make(*shape)


class Gather(Op):
    """Along one dimension, the elements at `index`.

    Math: out[i][j] = x[index[i][j]][j] for dim = 0
    """

    promote = "none"
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    samples = cases(lambda make: ((make(*s), d, make.ints(*s, high=s[d])) for s, d in ALONG))

    def forward(x, index, *, dim):
        return elements_at(x, places(index, dim)) if x.ndim else xp.broadcast_to(x, index.shape).copy()

    def dx(g, x_shape, index, dim):
        return xp.scatter_along(g, index, shape=x_shape, dim=dim)


def places(index, dim):
    """The advanced index that reads `index` along `dim` and every other dimension in step."""
    grids = [xp.arange(n).reshape((1,) * d + (n,) + (1,) * (index.ndim - d - 1)) for d, n in enumerate(index.shape)]
    grids[dim] = index
    return tuple(grids)


class ScatterAlong(Op):
    """Zeros to which `x` is added along one dimension at `index`: what the gradient of gather is."""

    promote = "none"
    samples = through(
        "", lambda make: ((make(*s), make.ints(*s, high=s[d]), {"shape": s, "dim": d}) for s, d in FROM_FRONT)
    )

    def forward(x, index, *, shape, dim):
        out = xp.zeros(shape, dtype=x.dtype)
        if out.ndim:
            add_at(out, places(index, dim), x)
            return out
        return out + xp.sum(x)

    def dx(g, index, dim):
        return xp.gather(g, index, dim=dim)


class Scatter(Op):
    """`x` with `src` written along one dimension at `index`."""

    promote = "none"
    samples = cases(_scattered)

    def forward(x, index, src, *, dim):
        out = xp.array(x)
        write_at(out, places(index, dim), src[tuple(slice(n) for n in index.shape)])
        return out

    def dx(g, index, dim):
        return xp.scatter(g, index, xp.zeros(index.shape, dtype=g.dtype), dim=dim)

    def dsrc(g, index, src_shape, dim):
        taken = xp.gather(g, index, dim=dim)
        return xp.unslice(taken, shape=src_shape, index=tuple(slice(n) for n in index.shape))


class ScatterAdd(Op):
    """`x` with `src` added along one dimension at `index`."""

    promote = "none"
    samples = cases(lambda make: ((make(*s), d, make.ints(*s, high=s[d]), make(*s)) for s, d in ALONG))

    def forward(x, index, src, *, dim):
        out = xp.array(x)
        add_at(out, places(index, dim), src[tuple(slice(n) for n in index.shape)])
        return out

    def dx(g):
        return g

    def dsrc(g, index, src_shape, dim):
        taken = xp.gather(g, index, dim=dim)
        return xp.unslice(taken, shape=src_shape, index=tuple(slice(n) for n in index.shape))


class TakeAlongDim(Gather):
    """As `gather`, with `index` broadcast against the input."""

    node_name = "GatherBackward0"
    samples = cases(lambda make: ((make(*s), make.ints(*s, high=s[d]), d) for s, d in ALONG))


def _inside(input: Tensor, dim: int, index: Tensor) -> int:
    """`dim` counted from the front, after a look at the positions: torch counts none of them from the end.

    Raises: RuntimeError for those outside, or for another number of dimensions.
    """
    places, dim = index._data, canonical_dim(dim, input.ndim)
    if index.numel() and index.ndim != input.ndim and max(index.ndim, input.ndim) > 1:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if places.__class__ is np.ndarray and places.size:
        size = input.shape[dim] if input.ndim else 1
        if not all_below(places, size):
            wrong = places[(places < 0) | (places >= size)]
            raise RuntimeError(f"index {wrong[0]} is out of bounds for dimension {dim} with size {size}")
    return dim


@public()
def gather(input, dim, index, *, sparse_grad=False):
    """The elements at `index` along `dim`."""
    if index._data.dtype.kind not in "iu":
        raise RuntimeError("gather(): Expected dtype int32/int64 for index")
    return Gather.call(input, index, dim=_inside(input, dim, index))


@public()
def take_along_dim(input, indices, dim=None):
    """The elements at `indices` along `dim`; shapes are broadcast."""
    if dim is None:
        return Gather.call(input.reshape(-1), indices.reshape(-1), dim=0)
    dim = canonical_dim(dim, input.ndim)
    others = [tuple(1 if d == dim else n for d, n in enumerate(t.shape)) for t in (input, indices)]
    if others[0] != others[1]:
        shape = list(np.broadcast_shapes(*others))
        input, indices = (t.expand(*shape[:dim], t.shape[dim], *shape[dim + 1 :]) for t in (input, indices))
    return TakeAlongDim.call(input, indices, dim=dim)


def _source(input: Tensor, index: Tensor, src: Any) -> Tensor:
    if isinstance(src, Tensor) and src._data.dtype != input._data.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    return src if isinstance(src, Tensor) else constant(np.full(index.shape, src, input._data.dtype))


def _scattering(reduce: str | None) -> tuple[Any, dict[str, Any]]:
    """The op that writes, adds or multiplies, and its settings.

    Raises: RuntimeError for another reduction.
    """
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if reduce == "multiply":
        return TABLE["scatter_reduce"], {"reduce": "prod"}
    return (ScatterAdd if reduce == "add" else Scatter), {}


@public()
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """A copy with `src` (or one value) written along `dim` at `index`."""
    src = _source(input, index, value if src is None else src)
    op, more = _scattering(reduce)
    return op.call(input, index, src, dim=_inside(input, dim, index), **more)


@public(top=False)
def scatter_(self, dim, index, src=None, *, value=None, reduce=None):
    """`scatter`, in place."""
    src = _source(self, index, value if src is None else src)
    op, more = _scattering(reduce)
    return inplace.apply(op, self, index, src, dim=_inside(self, dim, index), **more)


@public()
def scatter_add(input, dim, index, src):
    """A copy with `src` added along `dim` at `index`."""
    return ScatterAdd.call(input, index, _source(input, index, src), dim=_inside(input, dim, index))


@public(top=False)
def scatter_add_(self, dim, index, src):
    """`scatter_add`, in place."""
    return inplace.apply(ScatterAdd, self, index, src, dim=canonical_dim(dim, self.ndim))
