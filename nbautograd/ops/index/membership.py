"""Which elements are among others, and the places of those that are not zero, as many as are wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import library_of
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
    found = wrap(library.isin(*datas, assume_unique=assume_unique, invert=invert)[()])
    return found if out is None else out.copy_(found)


@public()
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension."""
    return FUNCTIONS["sort"](input, 0)[0]


@public()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The places of the first `size` elements that are not zero, filled up with `fill_value`."""
    found = FUNCTIONS["nonzero"](input)._data[:size]
    filled = library_of(found).full((size, input.ndim), fill_value, np.int64)
    filled[: len(found)] = found
    return wrap(filled)
