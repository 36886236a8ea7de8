"""Kernels of layer normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .compiled import ANY_ORDER, kernel, suits, total

MATRIX, VECTOR = "F[:, ::1]", "F[::1]"


@register_jitable(**ANY_ORDER)
def put_centred(row: Any, mean: Any, out: Any) -> Any:
    """`row` − `mean` into `out`; the sum of its squares."""
    squares = row.dtype.type(0)
    for j in range(row.size):
        z = row[j] - mean
        out[j] = z
        squares += z * z
    return squares


@register_jitable(**ANY_ORDER)
def put_weighted(g: Any, w: Any, normal: Any, out: Any) -> Any:
    """g·w into `out`, rounded, so that what is equal cancels; its sum, and that of its products with `normal`."""
    first = along = g.dtype.type(0)
    for j in range(g.size):
        gw = g[j] * w[j]
        out[j] = gw
        first += gw
        along += gw * normal[j]
    return first, along


@kernel(MATRIX, VECTOR, VECTOR, "float64", MATRIX, MATRIX, MATRIX)
def normalise(x: Any, w: Any, b: Any, eps: Any, out: Any, normal: Any, rstd: Any) -> None:
    kind = x.dtype.type
    share = kind(1) / kind(x.shape[1])
    for i in range(x.shape[0]):
        squares = put_centred(x[i], total(x[i]) * share, normal[i])
        scale = kind(1) / math.sqrt(squares * share + kind(eps))
        rstd[i, 0] = scale
        for j in range(x.shape[1]):
            z = normal[i, j] * scale
            normal[i, j] = z
            out[i, j] = z * w[j] + b[j]


@kernel(MATRIX, VECTOR, MATRIX, MATRIX, MATRIX)
def normalise_back(g: Any, w: Any, normal: Any, rstd: Any, found: Any) -> None:
    kind = g.dtype.type
    share = kind(1) / kind(g.shape[1])
    for i in range(g.shape[0]):
        first, along = put_weighted(g[i], w, normal[i], found[i])
        first, along, scale = first * share, along * share, rstd[i, 0]
        for j in range(g.shape[1]):
            found[i, j] = (found[i, j] - first - normal[i, j] * along) * scale


def layer_norm(x: Any, w: Any, b: Any, *, axes: Any, eps: float = 1e-5) -> Any:
    if w is None or b is None or not w.size or not suits(x, w, b):
        return None
    out, normal = np.empty_like(x), np.empty_like(x)
    rows = (-1, w.size)
    matrix = x.reshape(rows)
    rstd = np.empty((len(matrix), 1), x.dtype)
    normalise(matrix, w.reshape(-1), b.reshape(-1), eps, out.reshape(rows), normal.reshape(rows), rstd)
    return out, normal, rstd


def layer_norm_backward(x_g: Any, x: Any, w: Any, *, normal: Any, rstd: Any, axes: Any, eps: float) -> Any:
    if w is None or not suits(x_g, w, normal, rstd):
        return None
    found, rows = np.empty_like(x_g), (-1, w.size)
    normalise_back(x_g.reshape(rows), w.reshape(-1), normal.reshape(rows), rstd, found.reshape(rows))
    return found
