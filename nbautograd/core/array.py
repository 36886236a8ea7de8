"""Where numbers live: the array namespaces that ops are written against, devices, sizes and small array helpers.

NOTE [The seam]
Forward functions and gradient rules speak of one name, `xp`. The op table compiles each of them once per namespace by
giving a copy of the function its own global `xp`: NumPy's, CuPy's, or the package's own differentiable functions. With
the third the same text computes gradients that are tensors again, which is what `create_graph=True` needs. Names that
NumPy does not have (`erf`, `softmax_backward` …) are ops of the table themselves, and `xp` offers those too.

NOTE [Scalars]
A 0-d result is kept as NumPy hands it over: a scalar such as `np.float32(3)`. Arithmetic on those costs a fifth of what
it costs on 0-d arrays. Scalars are immutable, so a tensor that holds one is changed in place by giving it another one.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import heap
from .device import CPU, device, usable
from .device import cupy as cupy
from .dtype import UNUSUAL_SCALARS

ndarray = np.ndarray
heap.prepare()

# torch is silent when numbers overflow or become NaN. So is the engine, without touching the user's own NumPy settings.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"nbautograd\.")


class Namespace:
    """An array library under NumPy's names, with the table's own ops beside them."""

    def __init__(self, library: Any, own: Callable[[str], Any]) -> None:
        self._library = library
        self._own = own

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._library, name, None)
        if found is None:
            try:
                found = self._own(name)
            except KeyError:
                raise AttributeError(f"neither NumPy nor the op table has {name!r}") from None
        setattr(self, name, found)
        return found


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple that knows its number of elements."""

    __slots__ = ()

    def numel(self) -> int:
        count = 1
        for n in self:
            count *= n
        return count

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, tuple(other)))

    def __mul__(self, times: Any) -> Any:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__


def is_cupy(data: Any) -> bool:
    """Whether `data` is an array of a GPU."""
    kind = data.__class__
    if kind is ndarray or kind.__module__ != "cupy":
        return False
    UNUSUAL_SCALARS.add(kind)  # whoever brings one in asks here first
    return True


def device_of(data: Any) -> device:
    return device("cuda", data.device.id) if is_cupy(data) else CPU


def place(data: Any, where: device) -> Any:
    """`data` on the device `where`, copied only if it is elsewhere."""
    if where.type == "cpu":
        return data.get() if is_cupy(data) else data
    where = usable(where)
    library = cupy()
    with library.cuda.Device(where.index):
        return library.asarray(data)


def beside(data: Any) -> Any:
    """A block in which new arrays are made on the GPU that `data` is on: an array, or a tuple or dict of some."""
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, tuple) else (data,)
    return cupy().cuda.Device(next(p.data.device_id for p in parts if p is not None))


def storage(data: Any) -> Any:
    """The array that owns the memory of `data`."""
    while getattr(data, "base", None) is not None and isinstance(data.base, type(data)):
        data = data.base
    return data


def library_of(data: Any) -> Any:
    """NumPy or CuPy, whichever `data` belongs to."""
    return cupy() if is_cupy(data) else np


def compact(data: Any) -> Any:
    """A 0-d NumPy array as a scalar (see NOTE [Scalars]); everything else unchanged."""
    return data[()] if data.__class__ is ndarray and data.ndim == 0 else data


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """`numpy.broadcast_to`, for one number in a tenth of its time: the gradient of each sum is made by this."""
    if isinstance(x, np.generic) or (x.__class__ is ndarray and x.ndim == 0):
        view = ndarray(shape, x.dtype, np.asarray(x), 0, (0,) * len(shape))
        view.flags.writeable = False
        return view
    return library_of(x).broadcast_to(x, shape)


def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`sum`; of short rows, many of them, by a product with ones, which takes a tenth of the time."""
    if x.__class__ is not ndarray:
        return x.sum(axis=axis, keepdims=keepdims)
    if axis is not None and x.size > MANY and x.dtype.char in "fd" and x.flags.c_contiguous:
        axes = {a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)) if -x.ndim <= a < x.ndim}
        found = _by_products(x, axes)
        if found is not None:
            return found.reshape([1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else found
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


MANY = 4096
"""From so many elements on sums are products with ones."""
LONGEST = 1 << 14
"""Rows of more elements are added up pairwise: a product adds one to the other, and rounds as often."""


def average(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`mean`; NumPy's own spends five microseconds on its arguments."""
    if axis is not None or keepdims or x.__class__ is not ndarray or x.dtype.char not in "fd" or not x.size:
        return x.mean(axis=axis, keepdims=keepdims)
    return total(x) / x.dtype.type(x.size)


def _by_products(x: Any, axes: set[int]) -> Any:
    """The sums over the last dimensions and over the first ones, as far as they are among `axes`, by products."""
    first, last, shape = 0, x.ndim, x.shape
    while last - 1 in axes:
        last -= 1
    while first in axes and first < last:
        first += 1
    width, height = math.prod(shape[last:]), math.prod(shape[:first])
    if first + x.ndim - last < len(axes) or last == 0 or width > LONGEST or width == height == 1:
        return None
    if width > 1:
        x = x.reshape((-1, width)) @ np.ones(width, x.dtype)
    if height > 1:
        x = np.ones(height, x.dtype) @ x.reshape((height, -1))
    return x.reshape(shape[first:last])


def greatest(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`max`; along short rows many times faster, for which NumPy takes one element after the other."""
    width = x.shape[-1] if x.__class__ is ndarray and x.ndim > 1 and x.flags.c_contiguous else 0
    if not 0 < width < 4096 or x.size < 256 or axis not in (-1, x.ndim - 1) or x.dtype.char not in "fd":
        return x.max(axis=axis, keepdims=keepdims)
    rows = x.reshape((-1, width))
    if width < 48:
        found = np.maximum.reduce(np.ascontiguousarray(rows.T), axis=0)
    else:
        places = rows.argmax(1)
        places += np.arange(0, x.size, width)
        found = rows.reshape(-1)[places]
    return found.reshape((*x.shape[:-1], 1) if keepdims else x.shape[:-1])


def address(data: Any) -> int:
    """Where in memory the first element of an array lies."""
    return data.data.ptr if is_cupy(data) else data.ctypes.data


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` back to `shape`, undoing what broadcasting did."""
    extra = len(g.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1)
    if axes:
        narrow = g.__class__ is ndarray and g.dtype.kind == "V"  # bfloat16
        g = g.astype(np.float32).sum(axes).astype(g.dtype) if narrow else total(g, axes)
    return g if tuple(g.shape) == shape else g.reshape(shape)


def _sole_here() -> int:
    held = np.zeros(1)
    return sys.getrefcount(held)


SOLE_HERE = _sole_here()
"""What `sys.getrefcount(held)` says of an array that only the variable `held` holds; Pythons differ."""
