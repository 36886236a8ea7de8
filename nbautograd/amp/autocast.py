"""The `with` block in which ops choose their precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from nbautograd.core.device import gpu_count
from nbautograd.core.doors import Door
from nbautograd.core.dtype import bfloat16, dtype, float16
from nbautograd.core.grad_mode import decorated

from . import settings as now

Switches = tuple[bool, dtype, bool, int]
"""Whether autocast is on, its dtype, whether casts of parameters are kept, and how deep blocks are nested."""


class autocast(Door):
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
        super().__init__()
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not now.is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device = device_type
        self.fast_dtype = now.get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = now.is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._enabled = enabled and self._possible()

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

    @property
    def given(self) -> autocast:
        return self

    def read(self) -> Switches:
        return (
            now.is_autocast_enabled(self.device),
            now.get_autocast_dtype(self.device),
            now.is_autocast_cache_enabled(),
            now.settings.nesting,
        )

    def put(self, value: Switches) -> None:
        enabled, fast_dtype, caching, now.settings.nesting = value
        now.set_autocast_enabled(self.device, enabled)
        now.set_autocast_dtype(self.device, fast_dtype)
        now.set_autocast_cache_enabled(caching)
        if not now.settings.nesting:
            now.clear_autocast_cache()

    def inside(self, before: Switches) -> Switches:
        if self._enabled:
            _ = self.fast_dtype.numpy  # says what to install where bfloat16 is missing
        return self._enabled, self.fast_dtype, self._cache_enabled, before[-1] + 1

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return decorated(function, lambda: self)
