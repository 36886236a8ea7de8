"""What a shape is: sizes, strides, number of elements."""

from __future__ import annotations

import math

from nbautograd.core import inplace
from nbautograd.core.array import address, compact, library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import may_look
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dim


@public("numel", "nelement")
def numel(input):
    """The number of elements."""
    return input._data.size


@public(top=False)
def size(input, dim=None):
    """The shape, or the size of one dimension."""
    return input.shape if dim is None else input.shape[canonical_dim(dim, input.ndim)]


@public("dim", "ndimension", top=False)
def dim(input):
    """The number of dimensions."""
    return input._data.ndim


@public(top=False)
def stride(input, dim=None):
    """How many elements apart neighbours of each dimension lie in memory."""
    data = inplace.array_of(input)
    strides = tuple(s // data.itemsize for s in data.strides)
    return strides if dim is None else strides[dim]


@public(top=False)
def storage_offset(input):
    """How many elements lie in memory before the first one."""
    data = inplace.array_of(input)
    return (address(data) - address(inplace.storage(data))) // data.itemsize


@public()
def is_same_size(input, other):
    """Whether two tensors have the same shape."""
    return input.shape == other.shape


@public(method=False)
def unravel_index(indices, shape):
    """The coordinates of positions in a flattened tensor of this shape."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if indices._data.size and may_look(indices._data) and (indices._data >= math.prod(shape)).any():
        raise ValueError(f"indices are out of bounds for a tensor of shape {shape}")
    data = indices._data
    found = library_of(data).unravel_index(data, shape)
    return tuple(wrap(compact(i)) for i in found)
