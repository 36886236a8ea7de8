"""One tensor cut into several."""

from __future__ import annotations

import itertools
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.samples import shaped


class Unbind(Op):
    """One tensor for each index of a dimension."""

    view = True
    outputs = None
    samples = shaped(*((shape, {"dim": dim}) for shape in ((2,), (2, 3), (3, 1, 2), (1, 2), (2, 0)) for dim in (0, -1)))

    def forward(x, *, dim=0):
        before = (slice(None),) * dim
        return tuple(x[(*before, i, ...)] for i in range(x.shape[dim]))

    def dx(g, x_shape, dim):
        parts = [
            xp.zeros(x_shape[:dim] + x_shape[dim + 1 :], dtype=like(g)) if g.get(i) is None else g[i]
            for i in range(x_shape[dim])
        ]
        return xp.stack(parts, axis=dim)


class Split(Op):
    """Pieces of given sizes along a dimension."""

    view = True
    outputs = None
    samples = shaped(
        *(
            (shape, {"split_size_or_sections": n, "dim": d})
            for shape, d in (((4,), 0), ((2, 3), 1), ((5, 2), -2))
            for n in (1, 2, 3, 7)
        )
    )

    def forward(x, *, sizes, dim=0):
        before, parts, start = (slice(None),) * dim, [], 0
        for n in sizes:
            parts.append(x[(*before, slice(start, start + n), ...)])
            start += n
        return tuple(parts)

    def dx(g, x_shape, sizes, dim):
        parts = []
        for i, n in enumerate(sizes):
            shape = (*x_shape[:dim], n, *x_shape[dim + 1 :])
            parts.append(xp.zeros(shape, dtype=like(g)) if g.get(i) is None else g[i])
        return xp.concatenate(parts, axis=dim)


def like(g):
    """The dtype of a dictionary of gradients."""
    return next(iter(g.values())).dtype


@public()
def unbind(input, dim=0):
    """One tensor for each index of `dim`."""
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return Unbind.call(input, dim=canonical_dim(dim, input.ndim))


def __iter__(self):
    if not self.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self))


Tensor.__iter__ = __iter__


def _needs_dimension(input: Tensor, name: str) -> None:
    if not input.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")


@public()
def split(input, split_size_or_sections, dim=0):
    """Pieces along `dim`: of one size (the last may be smaller), or of the given sizes."""
    _needs_dimension(input, "split")
    dim = canonical_dim(dim, input.ndim)
    n = input.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if not size and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        size = size or 1
        sizes = tuple(min(size, n - i) for i in range(0, n, size)) or (0,)
    else:
        sizes = tuple(split_size_or_sections)
        if sum(sizes) != n:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
                f"but got split_sizes={list(sizes)}"
            )
    return Split.call(input, sizes=sizes, dim=dim)


@public("split_with_sizes", top=True)
def split_with_sizes(input, split_sizes, dim=0):
    """Pieces of the given sizes along `dim`."""
    return split(input, tuple(split_sizes), dim)


@public()
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal size along `dim`; the last may be smaller."""
    _needs_dimension(input, "chunk")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[canonical_dim(dim, input.ndim)]
    return split(input, -(-n // chunks), dim) if n else split(input, [0] * chunks, dim)


@public()
def tensor_split(input, indices_or_sections, dim=0):
    """Pieces along `dim`: a number of nearly equal ones, or cut at the given places."""
    n = input.shape[canonical_dim(dim, input.ndim)]
    if isinstance(indices_or_sections, int):
        size, rest = divmod(n, indices_or_sections)
        return split(input, [size + (i < rest) for i in range(indices_or_sections)], dim)
    cuts = [0, *(min(max(i if i >= 0 else n + i, 0), n) for i in indices_or_sections), n]
    return split(input, [b - a for a, b in itertools.pairwise(cuts)], dim)


def _split_at(name: str, least: int, dim_of: Any) -> None:
    def pieces(input, indices_or_sections):
        if input.ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a "
                f"tensor with {input.ndim} dimensions!"
            )
        dim = dim_of(input.ndim)
        if isinstance(indices_or_sections, int) and input.shape[dim] % indices_or_sections:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
                f"{input.shape[dim]} is not divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, dim)

    pieces.__name__ = name
    pieces.__doc__ = "Pieces along one dimension: a number of equal ones, or cut at the given places."
    public()(pieces)


_split_at("hsplit", 1, lambda ndim: 0 if ndim == 1 else 1)
_split_at("vsplit", 2, lambda ndim: 0)
_split_at("dsplit", 3, lambda ndim: 2)
public("unsafe_split")(split)
public("unsafe_chunk")(chunk)
public("unsafe_split_with_sizes")(split_with_sizes)
