"""torch.cuda.amp: the older path to `torch.amp`, for CUDA."""

from __future__ import annotations

import functools
from typing import Any

from nbautograd.amp import GradScaler as _GradScaler
from nbautograd.amp import autocast as _autocast
from nbautograd.amp import custom_bwd as _custom_bwd
from nbautograd.amp import custom_fwd as _custom_fwd

custom_fwd = functools.partial(_custom_fwd, device_type="cuda")
custom_bwd = functools.partial(_custom_bwd, device_type="cuda")


class autocast(_autocast):  # noqa: N801  (torch's name)
    """`torch.amp.autocast("cuda")`."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(_GradScaler):
    """`torch.amp.GradScaler("cuda")`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("cuda", *args, **kwargs)


__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]
