"""What all ways of making tensors share: leaves, dtypes and sizes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import errors
from nbautograd.core.absent import absent
from nbautograd.core.call import wrap
from nbautograd.core.device import gpu_count, preferred
from nbautograd.core.inplace import write
from nbautograd.core.layout import strided
from nbautograd.core.modes import state
from nbautograd.core.node import leaf_node
from nbautograd.core.tensor import Tensor


def finish(data: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A leaf round the array `data`, on `device`, or where new tensors are made.

    Raises: RuntimeError when integers should require grad.
    """
    where = preferred() if device is None else device
    if where is not None and (where is not arrays.CPU or arrays.is_cupy(data)):
        data = arrays.place(data, arrays.device(where))
    t = wrap(arrays.compact(data))
    if requires_grad:
        if data.dtype.kind not in dtypes.INEXACT:
            raise errors.integer_requires_grad(t.dtype)
        t._node = leaf_node(t)
    if state.observer is not None:
        state.observer.made(t)
    return t


def library_at(device: Any) -> Any:
    """What makes the numbers of new tensors on `device`, or where new tensors are made: NumPy, or for a GPU CuPy."""
    where = preferred() if device is None else device
    if where is None or where is arrays.CPU or arrays.usable(arrays.device(where)).type == "cpu":
        return np
    return arrays.cupy()


def numpy_dtype(dtype: Any) -> Any:
    """The NumPy dtype for a `dtype=` argument; the default float for None."""
    return (dtypes.get_default_dtype() if dtype is None else _checked(dtype)).numpy


def _checked(dtype: Any) -> dtypes.dtype:
    if isinstance(dtype, str):
        raise TypeError(
            "tensor(): argument 'dtype' must be torch.dtype, not str\n  hint: torch.float32, without quotes"
        )
    return dtypes.to_dtype(dtype)


def size_of(name: str, size: Any) -> tuple[int, ...]:
    """The shape that `zeros(2, 3)`, `zeros((2, 3))` and `zeros(size=(2, 3))` all mean."""
    if (
        len(size) == 1
        and not hasattr(size[0], "__index__")
        and hasattr(size[0], "__iter__")
        and not isinstance(size[0], str)
    ):
        size = size[0]
    try:
        shape = tuple([operator.index(n) for n in size])
    except TypeError:
        wrong = next(n for n in size if not hasattr(n, "__index__"))
        raise TypeError(f"{name}(): argument 'size' must be tuple of ints, not {type(wrong).__name__}") from None
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: Dimension size must be non-negative.\n  got {list(shape)}")
    return shape


def given(out: Any, data: Any, device: Any, requires_grad: bool) -> Tensor:
    """A leaf round the array `data`, or the tensor given as `out=` with these numbers."""
    if out is None:
        return finish(data, device, requires_grad)
    write(out, arrays.place(data, out.device))
    return out


def check_words(name: str, named: dict[str, Any]) -> None:
    """Refuse key words that are none of torch's about memory.

    Raises: TypeError, and RuntimeError for pinned memory without a GPU.
    """
    unknown = next((word for word in named if word not in ("layout", "pin_memory", "memory_format")), None)
    if unknown is not None:
        raise TypeError(f"{name}() got an unexpected keyword argument '{unknown}'")
    if named.get("pin_memory") and not gpu_count():
        raise RuntimeError(
            "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on "
            "this system."
        )
    if named.get("layout") not in (None, strided):
        raise absent("", str(named["layout"]).rpartition(".")[2])
