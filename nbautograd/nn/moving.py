"""Modules on other devices and in other dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from nbautograd.core import dtype as dtypes
from nbautograd.core.array import device as make_device
from nbautograd.core.dtype import dtype as dtype_class
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor


def destination(
    *args: Any,
    device: Any = None,
    dtype: dtype_class | None = None,
    tensor: Tensor | None = None,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> tuple[Any, Any]:
    """The device and the dtype (or None) of `to(device)`, `to(dtype)`, `to(device, dtype)`, `to(tensor)`.

    Raises: TypeError for a dtype that parameters cannot have.
    """
    for arg in (*args, tensor):
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, dtype_class):
            dtype = arg
        elif isinstance(arg, str | make_device) or (isinstance(arg, int) and not isinstance(arg, bool)):
            device = arg
    if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
    return device, dtype


class Movable:
    """What takes a module elsewhere. Its parameters stay the same objects."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        raise NotImplementedError

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device, or cast floating-point parameters and buffers to a dtype, in place; returns the module."""
        device, dtype = destination(*args, **kwargs)
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.dtype.is_floating_point else None))

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move to a GPU."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.dtype.is_floating_point else t)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.dtype.is_floating_point else t)

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.dtype.is_floating_point else t)

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to `dst_type`."""
        return self._apply(lambda t: t.to(dtype=dst_type))

    def bfloat16(self) -> Self:
        """Cast floating-point parameters and buffers to bfloat16."""
        return self.to(dtypes.bfloat16)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device without taking the numbers along."""
        empty_like = FUNCTIONS["empty_like"]
        return self._apply(lambda t: empty_like(t, device=device), recurse=recurse)

    def share_memory(self) -> Self:
        """Nothing to do: threads share memory already."""
        return self
