"""Positions, truth and counts: reductions without a gradient."""

from __future__ import annotations

from typing import Any

from nbautograd.core import dtype as dtypes
from nbautograd.core.array import compact, library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import told
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dims, canonical_dims_or_all
from nbautograd.ops.refusals import nothing_to_reduce


def _counting(name: str, input: Any, dim: Any, keepdim: bool, **more: Any) -> Any:
    dim = canonical_dims(dim, input.ndim)
    return wrap(compact(getattr(library_of(input._data), name)(input._data, axis=dim, keepdims=keepdim, **more)))


def _position(name: str, input: Any, dim: Any, keepdim: bool) -> Any:
    if not input._data.size and (
        problem := nothing_to_reduce(name, IndexError)(input._data, dim=canonical_dims(dim, input.ndim))
    ):
        raise problem
    if input._data.dtype.kind in "bc":
        kind = "bool input" if input._data.dtype.kind == "b" else "complex input"
        raise RuntimeError(f"{name}(): does not support {kind}")
    return _counting(name, input, dim, keepdim)


@public()
@told
def argmax(input, dim=None, keepdim=False):
    """The position of the largest element."""
    return _position("argmax", input, dim, keepdim)


@public()
@told
def argmin(input, dim=None, keepdim=False):
    """The position of the smallest element."""
    return _position("argmin", input, dim, keepdim)


@public()
@told
def all(input, dim=None, keepdim=False):
    """Whether every element is true."""
    return _truth("all", input, dim, keepdim)


@public()
@told
def any(input, dim=None, keepdim=False):
    """Whether some element is true."""
    return _truth("any", input, dim, keepdim)


def _truth(name: str, input: Any, dim: Any, keepdim: bool) -> Any:
    found = _counting(name, input, dim, keepdim)
    return found.to(dtypes.uint8) if input._data.dtype == "uint8" else found  # bytes were torch's first truth values


@public()
@told
def count_nonzero(input, dim=None):
    """How many elements are not zero."""
    data = input._data
    return wrap(compact(library_of(data).count_nonzero(data, axis=canonical_dims_or_all(dim, input.ndim))))
