"""Several tensors joined to one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.samples import Make, cases
from nbautograd.ops.shape.views import expand, reshape, unsqueeze


def _joined(make: Make) -> Any:
    for shapes, dim in ((((2,), (3,)), 0), (((2, 3), (1, 3)), 0), (((2, 3), (2, 1)), 1), (((2, 3), (2, 2)), -1),
                        (((2,),), 0), (((0,), (2,)), 0), (((2, 2, 1), (2, 2, 3)), 2), (((1, 2), (3, 2), (2, 2)), 0),
                        (((0, 2), (1, 2)), 0), (((3,), (3,), (3,)), -1)):  # fmt: skip
        yield [make(*shape) for shape in shapes], {"dim": dim}


def _stacked(make: Make) -> Any:
    for shape, count, dim in (((), 2, 0), ((3,), 2, 0), ((3,), 3, 1), ((2, 3), 2, -1), ((2, 3), 2, 1), ((0,), 2, 0),
                              ((1,), 1, 0), ((2, 1), 3, 2), ((2, 2, 2), 2, -2), ((), 3, -1)):  # fmt: skip
        yield [make(*shape) for _ in range(count)], {"dim": dim}


def in_order(joined: Any, xs: Any) -> Any:
    """`joined` with its elements in the order of their indices, as torch joins all but images with channels last.

    NumPy lays a join of permuted arrays out as they are, and then `view` of it would fail.
    """
    if joined.flags.c_contiguous or all(x.ndim in (4, 5) and xp.moveaxis(x, 1, -1).flags.c_contiguous for x in xs):
        return joined
    return xp.ascontiguousarray(joined)


class Cat(Op):
    """Tensors joined along a dimension."""

    variadic = True
    tex = {"xs": "\\text{its part of } g"}
    samples = cases(_joined)

    def forward(*xs, dim=0):
        kept = [x for x in xs if x.shape != (0,)] or xs
        return in_order(xp.concatenate(kept, axis=dim), kept)

    def dxs(g, xs_shape, dim):
        parts, start = [], 0
        for shape in xs_shape:
            if shape == (0,):
                parts.append(xp.zeros((0,), dtype=g.dtype))
                continue
            parts.append(g[(slice(None),) * dim + (slice(start, start + shape[dim]),)])
            start += shape[dim]
        return tuple(parts)


class Stack(Op):
    """Tensors joined along a new dimension."""

    variadic = True
    tex = {"xs": "\\text{its part of } g"}
    samples = cases(_stacked)

    def forward(*xs, dim=0):
        new = (*[slice(None)] * dim, None)
        return in_order(xp.concatenate([x[new] for x in xs], axis=dim), xs)

    def dxs(g, xs_shape, dim):
        before = (slice(None),) * dim
        return tuple(g[(*before, i)] for i in range(len(xs_shape)))


@public("cat", "concat", "concatenate", method=False)
def cat(tensors, dim=0):
    """Tensors joined along `dim`.

    Raises: RuntimeError when the other dimensions differ.
    """
    tensors = tuple(tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    shapes = {t._data.shape for t in tensors}
    if len(shapes) == 1 and () not in shapes:
        return Cat.call(*tensors, dim=canonical_dim(dim, tensors[0]._data.ndim))
    for i, t in enumerate(tensors):
        if not t.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    full = [t for t in tensors if t.shape != (0,)] or list(tensors)
    dim = canonical_dim(dim, full[0].ndim)
    for i, other in enumerate(full[1:], 1):
        if other.ndim != full[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {full[0].ndim} and {other.ndim}")
        for d, (n, m) in enumerate(zip(full[0].shape, other.shape)):
            if d != dim and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but got size {m} for "
                    f"tensor number {i} in the list."
                )
    return Cat.call(*tensors, dim=dim)


@public(method=False)
def stack(tensors, dim=0):
    """Tensors of one shape joined along a new dimension.

    Raises: RuntimeError when the shapes differ.
    """
    tensors = tuple(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0]._data.shape
    for i, other in enumerate(tensors):
        if other._data.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(other.shape)} at entry {i}"
            )
    return Stack.call(*tensors, dim=canonical_dim(dim, len(shape) + 1))


def _at_least(tensors, ndim):
    return [t if t.ndim >= ndim else reshape(t, (1,) * (ndim - t.ndim) + tuple(t.shape)) for t in tensors]


@public(method=False)
def hstack(tensors):
    """Tensors joined side by side."""
    tensors = _at_least(tensors, 1)
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@public("vstack", "row_stack", method=False)
def vstack(tensors):
    """Tensors joined as rows."""
    return cat(_at_least(tensors, 2), 0)


@public(method=False)
def dstack(tensors):
    """Tensors joined along a third dimension."""
    return cat([unsqueeze(t, -1) if t.ndim == 2 else t for t in _at_least(tensors, 2)], 2)


@public(method=False)
def column_stack(tensors):
    """Vectors joined as columns."""
    return hstack([reshape(t, (-1, 1)) if t.ndim < 2 else t for t in tensors])


@public(method=False)
def meshgrid(*tensors, indexing="ij"):
    """Coordinate grids from coordinate vectors."""
    tensors = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    wrong = next((t for t in tensors if t.ndim > 1), None)
    if wrong is not None:
        raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {wrong}")
    order = [1, 0, *range(2, len(tensors))] if indexing == "xy" and len(tensors) > 1 else list(range(len(tensors)))
    sizes = [tensors[i].numel() for i in order]
    grids = []
    for i, t in enumerate(tensors):
        shape = [1] * len(tensors)
        shape[order.index(i)] = t.numel()
        grids.append(expand(reshape(t, shape), *sizes))
    return tuple(grids)


@public(method=False)
def cartesian_prod(*tensors):
    """Every choice of one element from each vector, one row per choice."""
    tensors = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, -1) for grid in meshgrid(*tensors, indexing="ij")], 1)


@public(method=False)
def combinations(input, r=2, with_replacement=False):
    """Every choice of `r` elements of a vector, in order, one row per choice.

    Raises: RuntimeError for what is no vector.
    """
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r == 0:
        return input[:0]
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    index = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[index]


@public(method=False)
def vander(x, N=None, increasing=False):  # noqa: N803
    """The powers of a vector's elements as columns."""
    x = x if x._data.dtype.kind in "fcV" else x.long()
    count = x.shape[0] if N is None else N
    powers = range(count) if increasing else range(count)[::-1]
    return stack([x**n for n in powers], -1) if count else x[:, None][:, :0]
