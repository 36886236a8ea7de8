"""torch.version: which nbautograd this is, and the CUDA that CuPy brings."""

from __future__ import annotations

import sys
from typing import Any

from nbautograd.core.device import gpu_count

debug = False
hip = xpu = rocm = None


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return sys.modules["nbautograd"].__version__
    if name == "cuda":
        return _cuda()
    raise AttributeError(f"module 'torch.version' has no attribute '{name}'")


def _cuda() -> str | None:
    """The version of CUDA, such as `12.4`; None without a GPU."""
    if not gpu_count():
        return None
    from nbautograd.core.device import cupy

    number = cupy().cuda.runtime.runtimeGetVersion()
    return f"{number // 1000}.{number % 1000 // 10}"
