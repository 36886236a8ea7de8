"""The `with` block in which ops choose their precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from nbautograd.core.device import gpu_count
from nbautograd.core.dtype import bfloat16, dtype, float16
from nbautograd.core.modes import decorated

from . import settings as now


class autocast:
    """Inside, products and convolutions run in `dtype` (half precision), losses in float32, the rest in what it gets.

    Run forward and the loss inside, `backward()` outside. float64 is left alone. bfloat16, the CPU's default here as in
    torch, needs the package `ml_dtypes`; float16 needs nothing, but runs on the CPU no faster than float32.

    Raises: RuntimeError for a kind of device without autocast, and on entering with bfloat16 where it is missing.
    Example:
        >>> import nbautograd as torch
        >>> w = torch.ones(2, 2)
        >>> with torch.autocast("cpu", dtype=torch.float16):
        ...     y = w @ w
        >>> y.dtype, (y + w).dtype
        (torch.float16, torch.float32)
    """

    def __init__(
        self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not now.is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self.fast_dtype = now.get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = now.is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._possible()
        self._before: list[tuple[bool, Any, bool]] = []

    def _possible(self) -> bool:
        """Whether there is such a device and it computes in this dtype; warns if not, as torch does."""
        if self.device == "cuda" and not gpu_count():
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=3)
            return False
        if self.fast_dtype not in (float16, bfloat16):
            name = self.device.upper()
            warnings.warn(
                f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n"
                f"{name} Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=3,
            )
            return False
        return True

    def __enter__(self) -> autocast:
        if self._enabled:
            _ = self.fast_dtype.numpy  # says what to install where bfloat16 is missing
        before = now.is_autocast_enabled(self.device), now.get_autocast_dtype(self.device)
        self._before.append((*before, now.is_autocast_cache_enabled()))
        now.autocast_increment_nesting()
        self._set(self._enabled, self.fast_dtype, self._cache_enabled)
        return self

    def __exit__(self, *exc: object) -> None:
        if now.autocast_decrement_nesting() == 0:
            now.clear_autocast_cache()
        self._set(*self._before.pop())

    def _set(self, enabled: bool, dtype: Any, cache_enabled: bool) -> None:
        now.set_autocast_enabled(self.device, enabled)
        now.set_autocast_dtype(self.device, dtype)
        now.set_autocast_cache_enabled(cache_enabled)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return decorated(function, lambda: self)
