"""Custom functions under autocast: backward runs in the precision that forward ran in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from nbautograd.core.dtype import dtype, float64
from nbautograd.core.tensor import Tensor

from .autocast import autocast
from .settings import get_autocast_dtype, is_autocast_enabled


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: dtype | None = None
) -> Callable[..., Any]:
    """Decorate the `forward(ctx, …)` of a custom function.

    With `cast_inputs`, tensors arrive in that dtype and autocast is off inside; without, forward runs as autocast says.
    """
    _check(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        ctx._dtype = get_autocast_dtype(device_type)
        enabled = is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if not enabled or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_cast(args, device_type, cast_inputs), **_cast(kwargs, device_type, cast_inputs))

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorate the `backward(ctx, …)` of a custom function whose forward has `custom_fwd`."""
    _check(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return decorated


def _check(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def _cast(value: Any, device_type: str, target: dtype) -> Any:
    """`value` with the floating tensors in it as `target`; float64 is left alone."""
    if isinstance(value, Tensor):
        eligible = value.dtype.is_floating_point and value.dtype is not float64 and value.device.type == device_type
        return value.to(target) if eligible else value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, target): _cast(v, device_type, target) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_cast(v, device_type, target) for v in value])
    return value
