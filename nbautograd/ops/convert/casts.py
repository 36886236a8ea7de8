"""A tensor in another dtype or on another device."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.device import accelerator, gpu_count, usable
from nbautograd.core.layout import preserve_format
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.convert.copies import ToCopy, in_format
from nbautograd.ops.create.old_types import TensorType, named_type


@public(top=False)
def to(
    self: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    other: Any = None,
    memory_format: Any = None,
) -> Tensor:
    """This tensor in another dtype or on another device: `to(torch.float64)`, `to("cuda")`, `to(other)`.

    Returns the tensor itself when there is nothing to change.

    Example:
        >>> import nbautograd as torch
        >>> torch.tensor([1, 2]).to(torch.float32)
        tensor([1., 2.])
    """
    for arg in (*args, other):
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, dtypes.dtype | type | np.dtype):
            dtype = arg
        elif isinstance(arg, str | arrays.device) or (isinstance(arg, int) and not isinstance(arg, bool)):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            raise TypeError(f"to() received an invalid combination of arguments - got ({type(arg).__name__})")
    target = None if dtype is None else dtypes.to_dtype(dtype).numpy
    place = None if device is None else usable(arrays.device(device))
    unchanged = (target is None or target == self._data.dtype) and (place is None or place == self.device)
    if self._node is not None and target is not None and target.kind in "biu":
        self = self.detach()  # whole numbers have no gradient
    found = self if unchanged and not copy else ToCopy.call(self, dtype=target, device=place)
    return found if memory_format in _UNORDERED else in_format(found, memory_format)


_UNORDERED = (None, preserve_format)


def _cast(name: str, dtype: dtypes.dtype) -> None:
    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, dtype, memory_format=memory_format)

    method.__name__, method.__doc__ = name, f"This tensor as {dtype}."
    setattr(Tensor, name, method)


for _name, _dtype in (
    ("float", dtypes.float32), ("double", dtypes.float64), ("half", dtypes.float16), ("bfloat16", dtypes.bfloat16),
    ("long", dtypes.int64), ("int", dtypes.int32), ("short", dtypes.int16), ("char", dtypes.int8),
    ("byte", dtypes.uint8), ("bool", dtypes.bool), ("cfloat", dtypes.complex64), ("cdouble", dtypes.complex128),
):  # fmt: skip
    _cast(_name, _dtype)


@public(top=False)
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor in the computer's own memory."""
    return to(self, arrays.CPU, memory_format=memory_format)


@public(top=False)
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """This tensor on a GPU, the current one unless `device` says which."""
    return to(self, "cuda" if device is None else device, memory_format=memory_format)


@public("type", top=False)
def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of torch's old type of this tensor, or with `dtype` the tensor in that type."""
    if dtype is None:
        return f"torch.{'cuda.' if self.is_cuda else ''}{self.dtype.tensor_type}Tensor"
    if isinstance(dtype, str):
        dtype = named_type(dtype)
    if isinstance(dtype, TensorType):
        return to(self, dtype.dtype, device=dtype.device)
    return to(self, dtype)


@public(top=False)
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the dtype and on the device of `other`."""
    return to(self, other)


@public(top=False)
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """A copy in memory that a GPU can read by itself, so that `to("cuda", non_blocking=True)` is faster.

    Raises: RuntimeError when there is no GPU.
    """
    accelerator("Cannot access accelerator device when none is available.")
    if self.is_cuda:
        raise RuntimeError(f"cannot pin '{type_(self)}' only dense CPU tensors can be pinned")
    from cupyx import empty_pinned

    t = ToCopy.call(self, dtype=None, device=None)
    t._data = empty_pinned(self._data.shape, self._data.dtype)
    t._data[...] = self._data
    return t


@public(top=False)
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the tensor lies in memory that a GPU can read by itself."""
    if not isinstance(self._data, np.ndarray) or not gpu_count():
        return False
    return type(getattr(inplace.storage(self._data), "base", None)).__name__ == "PinnedMemoryPointer"
