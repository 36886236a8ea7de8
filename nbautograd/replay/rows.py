"""Functions of rows as programs run them, on some rows at a time: sums by the matrix product, and in place.

NumPy's `sum` along rows costs four times what a product with ones does. Results may differ in the last digit.
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


def softmax(x: Any, *, dim: int) -> Any:
    """`softmax` along the last dimension."""
    out = x - x.max(axis=-1, keepdims=True)
    np.exp(out, out)
    out *= 1 / row_sums(out)
    return out


def softmax_dx(g: Any, out: Any, dim: int) -> Any:
    """The rule of `softmax` along the last dimension."""
    found = g * out
    share = row_sums(found)
    found -= out * share
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
    top = x.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        return Logsumexp.forward(x, dim=-1, keepdim=keepdim)
    out = row_sums(np.exp(x - top))
    np.log(out, out)
    out += top
    return out if keepdim else out[..., 0]


def logsumexp_dx(g: Any, x: Any, out: Any, dim: Any, keepdim: bool) -> Any:
    """The rule of `logsumexp` along the last dimension."""
    found = x - (out if keepdim else out[..., None])
    np.exp(found, found)
    found *= g if keepdim else g[..., None]
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
