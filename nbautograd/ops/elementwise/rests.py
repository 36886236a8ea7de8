"""What divisions leave over, of large float32 arrays: by double precision, where NumPy goes from element to element.

NOTE [Rests]
Of two numbers of 24 bits x − y · trunc(x / y) is exact in double precision as long as the quotient has few digits: the
division is then never rounded up to a whole number, the product and the difference are not rounded at all. So what
comes out is what `np.fmod` gives, to the last bit. A block with a larger quotient, or with numbers that are not finite,
leaves all to NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.elementwise.bounds import kept

LEAST, BLOCK = 1024, 1 << 14
"""From so many elements on it pays; so many at a time stay in the cache."""
LARGE = 2.0**22
"""Quotients below are whole numbers of float32, too."""


def fmod(x: Any, y: Any) -> Any:
    """`np.fmod`."""
    found = _parted(x, y)
    return np.fmod(x, y) if found is None else np.copysign(found[1], x, out=found[1])


def remainder(x: Any, y: Any) -> Any:
    """`x % y`."""
    found = _parted(x, y)
    if found is None:
        return x % y
    _, rest = found
    crosses = _crosses(rest, y)
    rest += kept(y, crosses) if y.__class__ is np.ndarray else crosses * np.float32(y)
    return np.copysign(rest, y, out=rest)


def floor_divided(x: Any, y: Any) -> Any:
    """`x // y`; None where nothing is gained."""
    found = _parted(x, y)
    if found is None:
        return None
    quotient, rest = found
    quotient -= _crosses(rest, y)
    return quotient


def _crosses(rest: Any, y: Any) -> Any:
    """Where rounding down goes beyond zero: what is left over has not the sign of `y`."""
    return (rest != 0) & ((rest < 0) != (y < 0))


def _parted(x: Any, y: Any) -> tuple[Any, Any] | None:
    """How often `y` goes into `x`, rounded towards zero, and what that leaves over; see NOTE [Rests]."""
    if not _suits(x) or not (_suits(y) and x.shape == y.shape if y.__class__ is np.ndarray else _is_number(y)):
        return None
    quotient, rest = np.empty_like(x), np.empty_like(x)
    numbers = [a.reshape(-1) for a in (x, quotient, rest)]
    below = y.reshape(-1) if y.__class__ is np.ndarray else None
    with np.errstate(all="ignore"):
        for i in range(0, x.size, BLOCK):
            above, times, over = (a[i : i + BLOCK] for a in numbers)
            left = above.astype(np.float64)
            by = float(np.float32(y)) if below is None else below[i : i + BLOCK].astype(np.float64)
            whole = np.trunc(left / by)
            left -= whole * by
            if not (whole.min() > -LARGE and whole.max() < LARGE and np.isfinite(left.sum())):
                return None
            times[...], over[...] = whole, left
    return quotient, rest


def _suits(x: Any) -> bool:
    return x.__class__ is np.ndarray and x.dtype == np.float32 and x.size >= LEAST and x.flags.c_contiguous


def _is_number(y: Any) -> bool:
    return y.__class__ in (int, float, np.float32)
