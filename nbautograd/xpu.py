"""torch.xpu: Intel's GPUs, which nbautograd does not compute on."""

from __future__ import annotations

from nbautograd.core.absent import refuse_in


def is_available() -> bool:
    """False: NumPy and CuPy do not compute there."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


__getattr__ = refuse_in("xpu")
