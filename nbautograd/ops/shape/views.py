"""The same numbers in another shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import Size
from nbautograd.core.op import TABLE, Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim, complete, shape_of
from nbautograd.ops.samples import shaped, through

RESHAPED = (((), (1,)), ((1,), ()), ((6,), (2, 3)), ((2, 3), (6,)), ((2, 3), (3, -1)), ((2, 3, 2), (-1,)),
            ((0,), (0, 2)), ((2, 0), (0,)), ((4,), (2, 1, 2)), ((1, 1), (1, 1, 1)))  # fmt: skip


TURNED = (((2, 3), (3, 2)), ((2, 3), (3, 1, 2)), ((1, 4), (4,)), ((2, 3, 4), (4, 3, 1, 2)), ((3, 1), (3,)),
          ((2, 1, 3), (3, 2)),
          ((4, 6), (2, 3, 4)), ((4, 6), (6, 2, 2)), ((1, 3, 2), (1, 2, 3)))  # fmt: skip
"""Shapes, and how each may be seen anew with its dimensions the other way round."""
ONES = ((), (1,), (1, 3), (3, 1), (2, 1, 3), (1, 1), (0, 1), (2, 3), (1, 2, 1, 3), (1, 1, 1))


EXPANDED = (((), (3,)), ((1,), (3,)), ((3,), (2, 3)), ((1, 3), (2, 3)), ((2, 1), (2, 3)), ((2, 1), (-1, 4)),
            ((1, 1), (2, 3)), ((3,), (2, 2, 3)), ((1,), (0,)), ((2, 3), (2, 3)))  # fmt: skip


class View(Op):
    """The same numbers in another shape."""

    view = True
    tex = {"x": "\\text{reshape}"}
    samples = through("reshape", lambda make: ((make(*a), b) for a, b in RESHAPED))

    def forward(x, *, shape):
        return x.reshape(shape)

    def dx(g, x_shape):
        return g.reshape(x_shape)


class ReshapeAlias(View):
    """The same numbers in another shape, of a tensor that is not contiguous."""

    title = "reshape"

    samples = through("", lambda make: ((make(*a).T, {"shape": b}) for a, b in TURNED))


class Unsqueeze(View):
    """A new dimension of size one."""

    samples = shaped(*(((shape), {"dim": dim}) for shape in ((), (3,), (2, 3), (0,), (2, 1, 3)) for dim in (0, -1)))


class Squeeze(View):
    """Without the dimensions of size one."""

    code = {"x": "g.reshape(x_shape)"}
    samples = shaped(*((shape,) for shape in ONES))

    def dx(g, x_shape):
        return g if g.shape == x_shape else g.reshape(x_shape)  # in torch, too, no view where nothing was taken away


class SqueezeDim(Squeeze):
    """Without one dimension, if its size is one."""

    node_name = "SqueezeBackward1"
    samples = through("squeeze", shaped(*((shape, {"dim": dim}) for shape in ONES[1:] for dim in (0, -1))))


class Expand(Op):
    """Dimensions of size one repeated without copying."""

    view = True
    broadcasts = True
    tex = {"x": "\\text{sum over the copies}"}
    code = {"x": "unbroadcast(g, x_shape)"}
    samples = through("expand", lambda make: ((make(*a), *b) for a, b in EXPANDED))

    def forward(x, *, shape):
        return writable(xp.broadcast_to(x, shape), x)

    def dx(g, x_shape):
        extra = len(g.shape) - len(x_shape)
        axes = tuple(i for i, n in enumerate(g.shape) if i < extra or x_shape[i - extra] != n)
        if not x_shape:
            return xp.sum(g)
        total = xp.sum(g, axis=axes, keepdims=True) if axes else g
        return total.reshape(x_shape) if extra else total  # a view only where PyTorch gives one


def writable(view, x):
    """`view` open to changes if `x` is; NumPy hands out diagonals that are not."""
    if isinstance(view, np.ndarray):
        view.flags.writeable = x.flags.writeable
    return view


@public(hot=True)
def reshape(input, *shape, **named):
    """The same elements in another shape; a -1 is worked out. A view where possible, else a copy."""
    shape = complete(shape_of(shape, named, "shape"), input._data.size)
    data = input._data
    if not data.flags.c_contiguous and input._node is not None:
        if in_one_row(data, shape):
            return ReshapeAlias.call(input, shape=shape)
        return TABLE["unsafe_view"].call(input.contiguous(), shape=shape)
    return View.call(input, shape=shape)


def in_one_row(data: Any, shape: tuple[int, ...]) -> bool:
    """Whether the memory of `data` can be looked at in this shape."""
    return inplace.storage(data.reshape(shape)) is inplace.storage(data)


@public(top=False, hot=True)
def view(input, *shape, **named):
    """The same memory in another shape, or with its bytes read as another dtype.

    Raises: RuntimeError when the elements do not lie in a row in memory.
    """
    from nbautograd.core.dtype import dtype

    if named:
        shape = (named.pop("dtype", ()), *named)
    if len(shape) == 1 and isinstance(shape[0], dtype):
        return _read_as(input, shape[0])
    shape = complete(shape_of(shape), input._data.size)
    data = inplace.array_of(input)
    if not data.flags.c_contiguous and not in_one_row(data, shape):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return View.call(input, shape=shape)


def _read_as(input: Tensor, kind: Any) -> Tensor:
    """The bytes of `input` read as numbers of another dtype, without a gradient; memory is shared.

    Raises: RuntimeError in torch's words where the last dimension does not hold whole numbers of the dtype.
    """
    data, target = inplace.array_of(input), kind.numpy
    old, new = data.dtype.itemsize, target.itemsize
    names = f"to view {input.dtype.tensor_type} as {kind.tensor_type} (different element sizes)"
    if old != new and not data.ndim:
        raise RuntimeError(f"self.dim() cannot be 0 {names}")
    if old != new and data.strides[-1] != old:
        raise RuntimeError(f"self.stride(-1) must be 1 {names}, but got {data.strides[-1] // old}")
    if new > old and data.shape[-1] * old % new:
        ratio = new // old
        raise RuntimeError(f"self.size(-1) must be divisible by {ratio} {names}, but got {data.shape[-1]}")
    found = input.detach()
    found._data = data.view(target)
    return found


@public(top=False)
def view_as(input, other):
    """The elements in the shape of `other`."""
    return view(input, *other.shape)


@public(top=False)
def reshape_as(input, other):
    """The elements in the shape of `other`."""
    return reshape(input, *other.shape)


@public()
def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim` made one."""
    shape = tuple(input._data.shape)
    if not shape:
        return reshape(input, 1)
    start, end = canonical_dim(start_dim, len(shape)), canonical_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@public()
def ravel(input):
    """All elements in one row."""
    return reshape(input, -1)


@public()
def unflatten(input, dim, sizes):
    """One dimension made several."""
    dim = canonical_dim(dim, input.ndim)
    sizes = shape_of((sizes,))
    try:
        sizes = complete(sizes, input.shape[dim])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({input.shape[dim]}) "
            "in the input tensor"
        ) from None
    return reshape(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))


@public()
def unsqueeze(input, dim):
    """A new dimension of size one at `dim`."""
    dim = canonical_dim(dim, input.ndim + 1)
    shape = tuple(input._data.shape)
    return Unsqueeze.call(input, shape=(*shape[:dim], 1, *shape[dim:]))


@public()
def squeeze(input, dim=None):
    """Without dimensions of size one: all of them, or those in `dim`."""
    shape = tuple(input._data.shape)
    if dim is None:
        return Squeeze.call(input, shape=tuple(n for n in shape if n != 1))
    dims = {canonical_dim(d, input.ndim) for d in ((dim,) if isinstance(dim, int) else dim)}
    return SqueezeDim.call(input, shape=tuple(n for i, n in enumerate(shape) if i not in dims or n != 1))


@public(top=False)
def expand(input, *sizes, **named):
    """Dimensions of size one repeated without copying; -1 keeps a size."""
    sizes = shape_of(sizes, named, "size")
    given = tuple(input._data.shape)
    extra = len(sizes) - len(given)
    if extra < 0:
        raise RuntimeError(
            f"expand({input.type()}{{{list(input.shape)}}}, size={list(sizes)}): the number of sizes provided "
            f"({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({input.ndim})"
        )
    shape = tuple([given[i - extra] if n == -1 else n for i, n in enumerate(sizes)])
    for i, n in reversed(list(enumerate(shape[extra:]))):
        if given[i] not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({given[i]}) at "
                f"non-singleton dimension {i + extra}.  Target sizes: {list(shape)}.  Tensor sizes: {list(input.shape)}"
            )
    return Expand.call(input, shape=shape)


@public(method=True)
def broadcast_to(input, size):
    """Broadcast to `size` without copying."""
    return expand(input, *size)


@public(top=False)
def expand_as(input, other):
    """Expanded to the shape of `other`."""
    return expand(input, *other.shape)


@public(method=False)
def broadcast_tensors(*tensors):
    """All tensors expanded to their common shape."""
    tensors = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    shape = np.broadcast_shapes(*(tuple(t.shape) for t in tensors))
    return tuple(expand(t, *shape) for t in tensors)


@public(method=False)
def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes are broadcast to.

    Raises: RuntimeError when they do not fit.
    """
    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    found: list[int] = []
    for i, shape in enumerate(shapes):
        found = [1] * (len(shape) - len(found)) + found
        for d in range(-len(shape), 0):
            if shape[d] not in (1, found[d]) and found[d] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[d]} at {d}! Mismatching argument at index "
                    f"{i} had {shape}; but expected shape should be broadcastable to {found}"
                )
            found[d] = shape[d] if found[d] == 1 else found[d]
    return Size(found)


@public(top=False)
def sum_to_size(self, *size):
    """Summed over what broadcasting from `size` would repeat."""
    size = shape_of(size)
    extra = self.ndim - len(size)
    fits = extra >= 0 and all(n in (1, m) for n, m in zip(size, self.shape[extra:]))
    if not fits:
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(self.shape)}}}.")
    axes = tuple(i for i, n in enumerate(self.shape) if i < extra or size[i - extra] != n)
    return (self.sum(axes) if axes else self).reshape(size)


def _at_least(count: int, grown: Any) -> Any:
    """A function of one tensor or of several."""

    def atleast(*tensors):
        tensors = tensors[0] if len(tensors) == 1 else tensors
        return grown(tensors) if isinstance(tensors, Tensor) else tuple(grown(x) for x in tensors)

    atleast.__name__ = f"atleast_{count}d"
    atleast.__doc__ = f"At least {count} dimensions, new ones of size one; of one tensor, or of each of several."
    return public(method=False)(atleast)


def _plane(x: Any) -> Any:
    return x if x.ndim > 1 else reshape(x, (1, -1))


def _space(x: Any) -> Any:
    return x if x.ndim > 2 else unsqueeze(x, -1) if x.ndim == 2 else reshape(x, (1, -1, 1))


atleast_1d = _at_least(1, lambda x: x if x.ndim else reshape(x, 1))
atleast_2d = _at_least(2, _plane)
atleast_3d = _at_least(3, _space)
