"""Convolutions whose windows are single elements: products of matrices, without columns."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import xp

SUMMED = 1 << 18
"""About so many elements of matrices are held at once before they are added up."""


def mixed(kernels: Any, x: Any, b: Any) -> Any:
    """The channels of each element, group by group, times `kernels`, a matrix for each group."""
    rows = _by_group(x, len(kernels))
    out = xp.matmul(kernels, rows) if kernels.shape[2] > 1 else kernels * rows  # many times faster
    if b is not None:
        out += b.reshape((len(kernels), -1, 1))
    return out.reshape((x.shape[0], len(kernels) * kernels.shape[1], *x.shape[2:]))


def summed_products(x: Any, y: Any, groups: int) -> Any:
    """Σₙ y[n] · x[n]ᵀ, group by group."""
    x, y = _by_group(x, groups).swapaxes(2, 3), _by_group(y, groups)
    out = xp.zeros((groups, y.shape[2], x.shape[3]), dtype=x.dtype)
    together = max(1, SUMMED // max(1, out.size))
    for first in range(0, x.shape[0], together):
        part = slice(first, first + together)
        out += xp.sum(xp.matmul(y[part], x[part]), axis=0)
    return out


def _by_group(x: Any, groups: int) -> Any:
    """`x` as (N, groups, channels, elements)."""
    return x.reshape((x.shape[0], groups, x.shape[1] // groups, math.prod(x.shape[2:])))
