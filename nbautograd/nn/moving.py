"""Where a module goes: what the arguments of `Module.to` mean."""

from __future__ import annotations

from typing import Any

from nbautograd.core.array import device as make_device
from nbautograd.core.dtype import dtype as dtype_class
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
