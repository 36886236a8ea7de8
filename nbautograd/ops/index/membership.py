"""Which elements are among others, and the places of those that are not zero, as many as are wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import cupy, is_cupy, library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import told
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor


@public(method=False)
@told
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Any = None
) -> Tensor:
    """Whether each of `elements` is one of `test_elements`; with `invert`, whether it is none of them.

    Example:
        >>> import nbautograd as torch
        >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3]))
        tensor([False,  True,  True])
    """
    tensors = [x for x in (elements, test_elements) if isinstance(x, Tensor)]
    if not tensors:
        raise TypeError(
            "isin() received an invalid combination of arguments - got "
            f"({type(elements).__name__}, {type(test_elements).__name__}), but expected a Tensor among them"
        )
    library = library_of(tensors[0]._data)
    datas = [x._data if isinstance(x, Tensor) else library.asarray(x) for x in (elements, test_elements)]
    if library is np:
        found = wrap(np.isin(*datas, assume_unique=assume_unique, invert=invert)[()])
    else:
        found = wrap(_among(*datas) ^ invert)
    return found if out is None else out.copy_(found)


def _among(elements: Any, others: Any) -> Any:
    """Whether each element of a GPU is one of the others: CuPy's own function makes the program wait."""
    if not others.size:
        return cupy().zeros(elements.shape, bool)
    kind = np.result_type(elements, others)
    elements, ordered = elements.astype(kind, copy=False), cupy().sort(others.astype(kind, copy=False).reshape(-1))
    places = ordered.searchsorted(elements)
    return ordered[places.clip(None, len(ordered) - 1)] == elements


@public()
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension."""
    return FUNCTIONS["sort"](input, 0)[0]


@public()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The places of the first `size` elements that are not zero, filled up with `fill_value`."""
    if is_cupy(input._data):
        return wrap(_first_places(input._data, size, fill_value))
    found = FUNCTIONS["nonzero"](input)._data[:size]
    filled = library_of(found).full((size, input.ndim), fill_value, np.int64)
    filled[: len(found)] = found
    return wrap(filled)


def _first_places(x: Any, size: int, fill_value: int) -> Any:
    """The same on a GPU, where nobody asks how many there are: the program would wait for it."""
    library, there = cupy(), x.reshape(-1) != 0
    if not x.ndim or not x.size:
        return library.full((size, x.ndim), fill_value)
    numbers = library.where(there, library.cumsum(there) - 1, size).clip(None, size)
    flat = library.full(size + 1, -1)
    flat[numbers] = library.arange(x.size)
    flat = flat[:size]
    places = library.stack(library.unravel_index(library.maximum(flat, 0), x.shape), axis=-1)
    return library.where(flat[:, None] < 0, fill_value, places)
