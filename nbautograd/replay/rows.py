"""Functions of rows as programs run them, on some rows at a time: sums by the matrix product, and in place.

NumPy's `sum` along rows costs four times what a product with ones does. Results may differ in the last digit.

NOTE [Nothing taken away]
eˣ overflows where x is large, so that softmax takes the largest number of each row away from it first. That is two
passes more, one of them by a column, which costs NumPy three times what a number for all does. So eˣ is tried as it is.
Sums of an ordinary size show that nothing has overflowed, and that what is so small as to lose digits is no part of
the sum that counts: less than 1e-35 of it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nbautograd.ops.reduce.norms import Logsumexp


@cache
def _ones(count: int, dtype: Any) -> Any:
    return np.ones((count, 1), dtype)


def row_sums(x: Any) -> Any:
    """The sums along the last dimension, which is kept."""
    return x @ _ones(x.shape[-1], x.dtype)


def _ordinary(sums: Any) -> bool:
    """Whether sums of eˣ are such that no number had to be taken away from x; see NOTE [Nothing taken away]."""
    return bool(sums.min() > 1e-3 and sums.max() < 1e30)


def softmax(x: Any, *, dim: int) -> Any:
    """`softmax` along the last dimension."""
    out = np.exp(x)
    total = row_sums(out)
    if not _ordinary(total):
        np.subtract(x, x.max(axis=-1, keepdims=True), out)
        np.exp(out, out)
        total = row_sums(out)
    out *= 1 / total
    return out


def softmax_dx(g: Any, out: Any, dim: int) -> Any:
    """The rule of `softmax` along the last dimension."""
    found = g - np.vecdot(g, out)[..., None]
    found *= out
    return found


def log_softmax(x: Any, *, dim: int) -> Any:
    """`log_softmax` along the last dimension."""
    out = x - x.max(axis=-1, keepdims=True)
    out -= np.log(row_sums(np.exp(out)))
    return out


def log_softmax_dx(g: Any, out: Any, dim: int) -> Any:
    """The rule of `log_softmax` along the last dimension."""
    found = np.exp(out)
    found *= row_sums(g)
    np.subtract(g, found, found)
    return found


def logsumexp(x: Any, *, dim: Any, keepdim: bool = False) -> Any:
    """`logsumexp` along the last dimension."""
    out = row_sums(np.exp(x))
    if not _ordinary(out):
        return Logsumexp.forward(x, dim=-1, keepdim=keepdim)
    np.log(out, out)
    return out if keepdim else out[..., 0]


def logsumexp_dx(g: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    """The rule of `logsumexp` along the last dimension."""
    out, g = (out, g) if keepdim else (out[..., None], g[..., None])
    total = np.exp(out)
    if _ordinary(total):
        found = np.exp(x)
        found *= g / total
    else:
        found = np.exp(x - out)
        found *= g
    return found


BY_ROW = {f.__name__: f for f in (softmax, softmax_dx, log_softmax, log_softmax_dx, logsumexp, logsumexp_dx)}


# --- sums over rows: of gradients of biases and scales ---


def column_sums(x: Any) -> Any:
    """Σ over all dimensions but the last."""
    rows = x.reshape(-1, x.shape[-1])
    return _ones(len(rows), x.dtype)[:, 0].dot(rows)


def linear_db(g: Any) -> Any:
    return column_sums(g)


def layer_norm_db(g: Any, b_shape: Any) -> Any:
    return column_sums(g)


def layer_norm_dw(g: Any, x: Any, w_shape: Any, normal: Any, axes: Any, eps: Any) -> Any:
    return column_sums(g * normal)


OVER_ROWS = {f.__name__: f for f in (linear_db, layer_norm_db, layer_norm_dw)}
"""Rules whose result has one dimension."""
