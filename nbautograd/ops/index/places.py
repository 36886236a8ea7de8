"""What an index may be, and torch's words for one that is none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nbautograd.core.call import constant
from nbautograd.core.errors import user_depth
from nbautograd.core.tensor import Tensor


def plain(index: Any) -> tuple[Any, ...]:
    """`index` as a tuple of what NumPy understands; lists become arrays, masks stay masks."""
    items = index if isinstance(index, tuple) else (index,)
    return tuple(_item(i) for i in items)


def _item(i: Any) -> Any:
    if isinstance(i, Tensor):
        if i._data.dtype.kind not in "biu":
            raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, but got {i.dtype}")
        if i._data.dtype == np.uint8:
            warnings.warn(
                "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
                UserWarning,
                stacklevel=user_depth(),
            )
            return i._data.astype(np.bool_)
        return i._data if i.ndim or i._data.dtype.kind == "b" else int(i)
    if isinstance(i, list):
        return constant(np.asarray([int(v) if isinstance(v, Tensor) else v for v in i]))._data
    if isinstance(i, np.ndarray):
        return np.asarray(i)
    if isinstance(i, slice):
        bounds = (i.start, i.stop, i.step)
        if i.step is not None and int(i.step) <= 0:
            raise ValueError("step must be greater than zero")
        return slice(*(None if b is None else int(b) for b in bounds))
    return i


def is_basic(items: tuple[Any, ...]) -> bool:
    """Whether indexing gives a view: numbers, slices, None and `...` only."""
    if BASIC.issuperset(map(type, items)):
        return True
    return all(i is None or i is Ellipsis or isinstance(i, slice) or _is_number(i) for i in items)


BASIC = {int, slice, type(None), type(Ellipsis)}


def numbers_apart(items: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """The numbers of an index with positions, and the rest of it, where NumPy would take the numbers for positions too.

    torch picks numbers first: `x[0, :, [1, 2]]` is `x[0][:, [1, 2]]`. To NumPy the 0 is a position as are 1 and 2, and
    as a slice stands between them their dimension comes first. None: both say the same.
    """
    kinds = ["n" if _is_number(i) else "p" if getattr(i, "ndim", 0) else " " for i in items]
    if "n" not in kinds or " " not in "".join(kinds).strip():
        return None
    pairs = list(zip(items, kinds, strict=True))
    numbers: list[Any] = []
    for item, kind in pairs:
        if kind == "n" or item is Ellipsis:
            numbers.append(item)
        else:
            numbers += [slice(None)] * _dimensions(item)
    return tuple(numbers), tuple(item for item, kind in pairs if kind != "n")


def _is_number(i: Any) -> bool:
    return isinstance(i, int | np.integer) and not isinstance(i, bool)


def _lie_within(shape: tuple[int, ...], items: tuple[Any, ...]) -> bool:
    """Whether `items` are plain numbers and slices, no more than there are dimensions, and none is out of bounds."""
    if len(items) > len(shape):
        return False
    for i, n in zip(items, shape):
        if i.__class__ is not slice and (i.__class__ is not int or not -n <= i < n):
            return False
    return True


def check_bounds(shape: tuple[int, ...], items: tuple[Any, ...]) -> None:
    """Refuse an index in torch's words.

    Raises: IndexError.
    """
    if _lie_within(shape, items):
        return
    used = sum(
        1 for i in items if i is not None and i is not Ellipsis and not (hasattr(i, "dtype") and i.dtype.kind == "b")
    )
    numbers = all(getattr(i, "ndim", 0) == 0 and not isinstance(i, slice) for i in items if i is not Ellipsis)
    if not shape and used == 1 and numbers:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    if not shape and isinstance(items[0], slice):
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    if Ellipsis in [i for i in items if not hasattr(i, "dtype")]:
        return
    dim = 0
    for i in items:
        if isinstance(i, int) and not isinstance(i, bool) and not -shape[dim] <= i < shape[dim]:
            raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {shape[dim]}")
        dim += i is not None


def all_below(places: Any, size: int) -> bool:
    """Whether all whole numbers, of which there are some, are from 0 to below `size`."""
    flat = places.reshape(-1).view(UNSIGNED[places.itemsize])  # a number below zero is a large one without its sign
    return bool(flat[flat.argmax()] < size)  # NumPy finds the place in a tenth of the time of the number


UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}
"""Whole numbers without a sign, by their bytes."""


def out_of_bounds(x: Any, *, index: tuple[Any, ...]) -> str | None:
    """torch's text for positions outside of `x`; it counts only the dimensions that have positions."""
    axis = count = 0
    for nr, i in enumerate(index):
        if i is Ellipsis:
            axis = x.ndim - sum(_dimensions(later) for later in index[nr + 1 :])
        elif getattr(i, "ndim", 0) and i.dtype.kind != "b":
            size = x.shape[axis]
            bad = i[(i < -size) | (i >= size)]
            if bad.size and not size:
                return "index is out of bounds for dimension with size 0"
            if bad.size:
                return f"index {bad[0]} is out of bounds for dimension {count} with size {size}"
        count += hasattr(i, "dtype")
        axis += 0 if i is Ellipsis else _dimensions(i)
    return None


def _dimensions(item: Any) -> int:
    """How many dimensions of what is indexed `item` is about."""
    return 0 if item is None else item.ndim if getattr(item, "dtype", None) == np.bool_ else 1


ALONG = (((4,), 0), ((4,), -1), ((1,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3, 2), 1), ((3, 1), 0),
         ((2, 2, 3), -1), ((1, 4), -2))  # fmt: skip


FROM_FRONT = tuple((shape, dim % len(shape)) for shape, dim in ALONG)
