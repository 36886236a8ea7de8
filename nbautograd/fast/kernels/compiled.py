"""What makes a function of arrays a kernel, and what kernels share: sums that may be added up in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.extending import register_jitable

from nbautograd.fast import cache

from .numbers import exp, order, unorder

ANY_ORDER = {"fastmath": {"contract", "reassoc"}, "error_model": "numpy"}


def kernel(*types: str) -> Callable[[Any], Any]:
    """Compile a function for arguments of these types, where F is float32 and float64; see NOTE [Fast and right]."""

    def made(function: Any) -> Any:
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(cache.folder())
        try:
            found = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})(function)
        finally:
            numba.config.CACHE_DIR = before
        both = dict.fromkeys(f"({', '.join(types)})".replace("F", f) for f in ("float32", "float64"))
        found.wanted = tuple(both)
        return found

    return made


def suits(*arrays: Any) -> bool:
    """Whether all are C-contiguous NumPy arrays of one dtype that kernels know."""
    first = arrays[0].dtype
    if first.char not in "fd":
        return False
    return all(a.__class__ is np.ndarray and a.dtype == first and a.flags.c_contiguous for a in arrays)


@register_jitable(**ANY_ORDER)
def largest(row: Any) -> Any:
    """The largest element, or NaN; see NOTE [Largest]."""
    top = order(row[0])
    for j in range(1, row.size):
        top = max(top, order(row[j]))
    return unorder(top)


@register_jitable(**ANY_ORDER)
def sum_exp(row: Any, top: Any) -> Any:
    """Σ e^(x − top)"""
    total = row.dtype.type(0)
    for j in range(row.size):
        total += exp(row[j] - top)
    return total


@register_jitable(**ANY_ORDER)
def put_exp(row: Any, top: Any, out: Any) -> Any:
    """The same; `out` gets what is summed."""
    total = row.dtype.type(0)
    for j in range(row.size):
        e = exp(row[j] - top)
        out[j] = e
        total += e
    return total


@register_jitable(**ANY_ORDER)
def total(row: Any) -> Any:
    found = row.dtype.type(0)
    for j in range(row.size):
        found += row[j]
    return found


@register_jitable(**ANY_ORDER)
def dot(x: Any, y: Any) -> Any:
    found = x.dtype.type(0)
    for j in range(x.size):
        found += x[j] * y[j]
    return found
