"""`finfo` and `iinfo`: how large, how small and how fine the numbers of a dtype are."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtype as dtypes


class finfo:
    """The limits of a floating-point dtype: `min`, `max`, `eps`, `tiny`, `smallest_normal`, `resolution`, `bits`.

    Raises: TypeError for a dtype without fractions.
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: Any = None) -> None:
        type = _checked("finfo", dtypes.get_default_dtype() if type is None else type).to_real()
        if not type.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        found = _bfloat16() if type is dtypes.bfloat16 else np.finfo(type.numpy)
        self.bits, self.dtype = type.itemsize * 8, type.name
        self.min, self.max, self.eps = float(found.min), float(found.max), float(found.eps)
        self.tiny = self.smallest_normal = float(found.tiny)
        self.resolution = float(f"{float(found.resolution):.0e}")

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


def _bfloat16() -> Any:
    assert dtypes.bfloat16.numpy is not None
    from ml_dtypes import finfo

    return finfo(dtypes.bfloat16.numpy)


class iinfo:
    """The limits of an integer dtype: `min`, `max`, `bits`.

    Raises: TypeError for a dtype with fractions.
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: Any) -> None:
        type = _checked("iinfo", type)
        if type.is_floating_point or type.is_complex:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if type is dtypes.bool:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        found = np.iinfo(type.numpy)
        self.bits, self.dtype, self.min, self.max = type.itemsize * 8, type.name, int(found.min), int(found.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def _checked(name: str, type: Any) -> dtypes.dtype:
    if not isinstance(type, dtypes.dtype):
        raise TypeError(f"{name}(): argument 'type' (position 1) must be torch.dtype, not {type.__class__.__name__}")
    return type
