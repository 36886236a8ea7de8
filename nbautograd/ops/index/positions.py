"""Positions along one dimension, or of the flattened tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import CPU, library_of, place
from nbautograd.core.call import wrap
from nbautograd.core.modes import told
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.index.places import ALONG, FROM_FRONT
from nbautograd.ops.index.subscript import Index, Select, Slice
from nbautograd.ops.index.writing import IndexPut
from nbautograd.ops.samples import cases


class IndexSelect(Index):
    """The slices at some positions of a dimension."""

    samples = cases(lambda make: ((make(*s), d, make.ints(3, high=s[d])) for s, d in ALONG))

    def refuse(x, *, index):
        dim = len(index) - 1
        if x.ndim > 1 and not x.shape[dim]:
            return RuntimeError("index_select(): self indexing axis dim should be positive")
        if not dim and (x.size or x.ndim == 1):
            return IndexError("index out of range in self")
        wrong = index[-1][(index[-1] < 0) | (index[-1] >= x.shape[dim])]
        return RuntimeError(f"INDICES element is out of DATA bounds, id={int(wrong[0])} axis_dim={x.shape[dim]}")


class Take(Index):
    """The elements at positions of the flattened tensor."""

    def refuse(x, *, index):
        wrong = index[0][(index[0] < -x.size) | (index[0] >= x.size)]
        if not wrong.size:
            return None
        return IndexError(
            f"out of range: tried to access index {wrong.reshape(-1)[0]} on a tensor of {x.size} elements."
        )

    samples = cases(
        lambda make: (
            (make(*s), make.ints(*i, high=int(np.prod(s)))) for s, _ in ALONG for i in ((), (3,), (2, 2), (0,))
        )
    )


class IndexAdd(IndexPut):
    """`x` with `y` added at some positions of a dimension."""

    samples = cases(
        lambda make: ((make(*s), d, make.ints(3, high=s[d]), make(*s[:d], 3, *s[d:][1:])) for s, d in FROM_FRONT)
    )


class IndexCopy(IndexPut):
    """`x` with `y` written at some positions of a dimension."""

    samples = cases(
        lambda make: ((make(*s), d, make.ints(1, high=s[d]), make(*s[:d], 1, *s[d:][1:])) for s, d in FROM_FRONT)
    )


class IndexFill(IndexPut):
    """`x` with one value at some positions of a dimension."""

    samples = cases(lambda make: ((make(*s), d, make.ints(2, high=s[d]), 1.5) for s, d in ALONG))


def position(dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index._data if isinstance(index, Tensor) else index,)


@public()
def index_select(input, dim, index):
    """The slices at `index` along `dim`."""
    if index._data.dtype not in (np.int32, np.int64):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if not input.ndim and index._data.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index._data.size} value(s)")
    if not input.ndim:
        return input.clone()
    dim = canonical_dim(dim, input.ndim)
    if index._data.__class__ is np.ndarray and index._data.size and index._data.min() < 0:
        raise IndexSelect.refuse(input._data, index=position(dim, index))
    return IndexSelect.call(input, index=position(dim, index if index.ndim else index.reshape(1)))


def _check_count(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> None:
    """Refuse more or fewer slices than there are positions.

    Raises: RuntimeError, IndexError in torch's words.
    """
    if not source.ndim or not input.ndim:
        return
    dim = canonical_dim(dim, input.ndim)
    count, has = index.numel(), source.shape[dim] if dim < source.ndim else None
    if has is None or has == count:
        return
    if name == "index_add_":
        raise RuntimeError(
            f"{name}(): Number of indices ({count}) should be equal to source.size(dim): ({has}), for dim: {dim}"
        )
    raise IndexError(f"{name}(): Number of indices ({count}) should be equal to source.size(dim) ({has})")


@public()
def index_add(input, dim, index, source, *, alpha=1):
    """A copy with `source` added at `index` along `dim`."""
    _check_count("index_add_", input, dim, index, source)
    source = source if alpha == 1 else source * alpha
    return IndexAdd.call(input, source, index=position(canonical_dim(dim, input.ndim), index), accumulate=True)


@public(top=False)
def index_add_(self, dim, index, source, *, alpha=1):
    """`index_add`, in place."""
    _check_count("index_add_", self, dim, index, source)
    source = source if alpha == 1 else source * alpha
    return inplace.apply(IndexAdd, self, source, index=position(canonical_dim(dim, self.ndim), index), accumulate=True)


@public()
def index_copy(input, dim, index, source):
    """A copy with `source` written at `index` along `dim`."""
    _check_count("index_copy_", input, dim, index, source)
    return IndexCopy.call(input, source, index=position(canonical_dim(dim, input.ndim), index))


@public(top=False)
def index_copy_(self, dim, index, source):
    """`index_copy`, in place."""
    _check_count("index_copy_", self, dim, index, source)
    return inplace.apply(IndexCopy, self, source, index=position(canonical_dim(dim, self.ndim), index))


@public(top=False)
def index_fill_(self, dim, index, value):
    """`index_fill`, in place."""
    value = value if isinstance(value, Tensor) else wrap(self._data.dtype.type(value))
    return inplace.apply(IndexFill, self, value, index=position(canonical_dim(dim, self.ndim), index))


@public()
def index_fill(input, dim, index, value):
    """A copy with one value at `index` along `dim`."""
    value = value if isinstance(value, Tensor) else wrap(input._data.dtype.type(value))
    return IndexFill.call(input, value, index=position(canonical_dim(dim, input.ndim), index))


@public()
def take(input, index):
    """The elements at positions of the flattened tensor."""
    return Take.call(input.reshape(-1), index=(index._data,))


@public()
def put(input, index, source, accumulate=False):
    """A copy with `source` written (or added) at positions of the flattened tensor."""
    row = input.reshape(-1)
    return IndexPut.call(row, source.reshape(-1), index=(index._data.reshape(-1),), accumulate=accumulate).reshape(
        input.shape
    )


@public(top=False)
def put_(self, index, source, accumulate=False):
    """`put`, in place."""
    return self.copy_(put(self, index, source, accumulate))


@public()
def select(input, dim, index):
    """One index of `dim`, as a view."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = canonical_dim(dim, input.ndim)
    if not -input.shape[dim] <= index < input.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return Select.call(input, index=(*(slice(None),) * dim, index))


@public()
def narrow(input, dim, start, length):
    """`length` entries of `dim` from `start` on, as a view."""
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim, start = canonical_dim(dim, input.ndim), int(start)
    size = input.shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    start = start if start >= 0 else start + size
    if start + length > input.shape[dim]:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({input.shape[dim]}).")
    return Slice.call(input, index=(*(slice(None),) * dim, slice(start, start + length)))


@public()
@told
def nonzero(input, *, as_tuple=False):
    """Where the elements are not zero: one row per element, or one vector per dimension."""
    library = library_of(input._data)
    found = library.nonzero(library.atleast_1d(input._data))
    if as_tuple:
        return tuple(wrap(i) for i in found)
    return wrap(library.stack(found, axis=-1) if input.ndim else library.zeros((len(found[0]), 0), np.int64))


@public()
@told
def argwhere(input):
    """Where the elements are not zero, one row per element."""
    return nonzero(input)


@public()
def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each element repeated, one number of times for all or one for each; of a row of counts, each place so often."""
    if repeats is None:
        places = wrap(np.arange(input.numel(), dtype=input._data.dtype)).to(input.device)
        return repeat_interleave(places, input)
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = canonical_dim(dim, input.ndim)
    counts = np.asarray(place(repeats._data, CPU) if isinstance(repeats, Tensor) else repeats)
    if counts.size and counts.min() < 0:
        raise RuntimeError("Repeats must be non-negative" if counts.ndim == 0 else "repeats can not be negative")
    if counts.ndim and counts.size not in (1, input.shape[dim]):
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
            f"input.size({dim}) = {input.shape[dim]}"
        )
    if isinstance(repeats, int) and input.ndim:
        wide = input.unsqueeze(dim + 1).expand(*input.shape[: dim + 1], repeats, *input.shape[dim + 1 :])
        return wide.clone().flatten(dim, dim + 1)
    places = place(np.repeat(np.arange(input.shape[dim]), counts), input.device)
    return IndexSelect.call(input, index=position(dim, places))
