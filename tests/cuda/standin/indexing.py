"""CuPy's indexing: integers out of bounds wrap around, masks make the program wait, and arrays of the host are sent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import array_of, launched, ndarray, view_of
from .machine import run, synchronized


def prepared(array: ndarray, index: Any) -> tuple[Any, ...]:
    """`index` for the NumPy array beneath: checked, and counted as a wait where it has a mask."""
    found = tuple(_item(i) for i in (index if isinstance(index, tuple) else (index,)))
    used = sum(map(_dims, found))
    if used > array.ndim:
        raise IndexError(f"too many indices for array: array is {array.ndim}-dimensional, but {used} were indexed")
    if any(isinstance(i, np.ndarray) and i.dtype.kind == "b" for i in found):
        synchronized()
    return found


def _dims(i: Any) -> int:
    """How many dimensions the part `i` of an index takes."""
    return i.ndim if isinstance(i, np.ndarray) and i.dtype.kind == "b" else int(i is not None and i is not Ellipsis)


def wrapped(shape: tuple[int, ...], index: tuple[Any, ...]) -> tuple[Any, ...]:
    """`index` with its integers brought into bounds; their values are known only when the kernel runs."""
    found, dim = [], 0
    for i in index:
        whole = isinstance(i, np.ndarray) and i.dtype.kind in "iu" and shape[dim] > 0
        found.append(i % shape[dim] if whole else i)
        dim += len(shape) - sum(map(_dims, index)) if i is Ellipsis else _dims(i)
    return tuple(found)


def _item(i: Any) -> Any:
    if i is None or i is Ellipsis or isinstance(i, slice):
        return i
    if isinstance(i, ndarray):
        found = i._numbers
    elif np.isscalar(i) and not isinstance(i, bool | np.bool_):
        return int(i)
    else:
        found = array_of(i)._numbers
        if isinstance(i, list | tuple) and not found.size:
            found = found.astype(np.int32)
    if found.dtype.kind not in "biu":
        raise IndexError(f"arrays used as indices must be of integer or boolean type. (actual: {found.dtype.type})")
    return found


def getitem(array: ndarray, index: Any) -> ndarray:
    found = prepared(array, index)
    numbers = array._numbers
    if not any(isinstance(i, np.ndarray) for i in found):
        return view_of(array, numbers[(*found, Ellipsis)] if Ellipsis not in found else numbers[found])
    return launched(lambda: numbers[wrapped(numbers.shape, found)])


def setitem(array: ndarray, index: Any, value: Any) -> None:
    found = prepared(array, index)
    numbers = array._numbers
    if any(isinstance(i, np.ndarray) for i in found):
        source = (value if isinstance(value, ndarray) else array_of(value, array.dtype))._numbers
    elif isinstance(value, ndarray):
        source = value._numbers
    else:  # a number: CuPy refuses arrays of the host here
        view_of(array, numbers[(*found, Ellipsis)] if Ellipsis not in found else numbers[found]).fill(value)
        return
    while source.ndim and source.shape[0] == 1:
        source = source[0]
    run(lambda: numbers.__setitem__(wrapped(numbers.shape, found), source.astype(numbers.dtype)))


ndarray.__getitem__ = getitem  # type: ignore[attr-defined]
ndarray.__setitem__ = setitem  # type: ignore[attr-defined]
