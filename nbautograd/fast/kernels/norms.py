"""Kernels of layer and batch normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .compiled import ANY_ORDER, kernel, suits, total

CUBE, MATRIX, VECTOR = "F[:, :, ::1]", "F[:, ::1]", "F[::1]"


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
def distance(row: Any, mean: Any) -> Any:
    """How far the sum of `row` is from that of as many means: what rounding the first sum has lost."""
    found = row.dtype.type(0)
    for j in range(row.size):
        found += row[j] - mean
    return found


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
        mean = total(x[i]) * share
        squares = put_centred(x[i], mean + distance(x[i], mean) * share, normal[i])
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


@kernel(CUBE, VECTOR, VECTOR, "float64", CUBE, CUBE, VECTOR, VECTOR, VECTOR)
def normalise_channels(
    x: Any, w: Any, b: Any, eps: Any, out: Any, normal: Any, rstd: Any, means: Any, variances: Any
) -> None:
    """`w` and `b` are empty where there are none."""
    kind, count = x.dtype.type, x.shape[0] * x.shape[2]
    for c in range(x.shape[1]):
        whole = squares = 0.0
        for n in range(len(x)):
            whole += total(x[n, c])
        mean = kind(whole / count)
        for n in range(len(x)):
            squares += put_centred(x[n, c], mean, normal[n, c])
        variance = kind(squares / count)
        scale = kind(1) / math.sqrt(variance + kind(eps))
        means[c], variances[c], rstd[c] = mean, variance, scale
        factor, shift = w[c] if w.size else kind(1), b[c] if b.size else kind(0)
        for n in range(len(x)):
            put_scaled(normal[n, c], scale, factor, shift, out[n, c])


@register_jitable(**ANY_ORDER)
def put_scaled(normal: Any, scale: Any, factor: Any, shift: Any, out: Any) -> None:
    for j in range(normal.size):
        z = normal[j] * scale
        normal[j] = z
        out[j] = z * factor + shift


@register_jitable(**ANY_ORDER)
def put_factor(g: Any, factor: Any, normal: Any, out: Any) -> Any:
    """g·factor into `out`, rounded, so that what is equal cancels; its sum, and that of its products with `normal`."""
    first = along = g.dtype.type(0)
    for j in range(g.size):
        gw = g[j] * factor
        out[j] = gw
        first += gw
        along += gw * normal[j]
    return first, along


@kernel(CUBE, VECTOR, CUBE, VECTOR, CUBE)
def normalise_channels_back(g: Any, w: Any, normal: Any, rstd: Any, found: Any) -> None:
    kind, count = g.dtype.type, g.shape[0] * g.shape[2]
    for c in range(g.shape[1]):
        first = along = 0.0
        for n in range(len(g)):
            a, b = put_factor(g[n, c], w[c] if w.size else kind(1), normal[n, c], found[n, c])
            first, along = first + a, along + b
        middle, slope, scale = kind(first / count), kind(along / count), rstd[c]
        for n in range(len(g)):
            row, beside = found[n, c], normal[n, c]
            for j in range(row.size):
                row[j] = (row[j] - middle - beside[j] * slope) * scale


def _by_channel(x: Any) -> Any:
    return x.reshape((*x.shape[:2], -1))


def batch_norm(x: Any, w: Any, b: Any, *, eps: float = 1e-5) -> Any:
    if x.ndim < 3 or not x.size or not suits(x, *(v for v in (w, b) if v is not None)):
        return None
    out, normal, none = np.empty_like(x), np.empty_like(x), x.reshape(-1)[:0]
    rstd, mean, var = (np.empty(x.shape[1], x.dtype) for _ in range(3))
    w, b = none if w is None else w, none if b is None else b
    normalise_channels(_by_channel(x), w, b, eps, _by_channel(out), _by_channel(normal), rstd, mean, var)
    return out, normal, rstd.reshape((1, -1) + (1,) * (x.ndim - 2)), mean, var


def batch_norm_backward(x_g: Any, x: Any, w: Any, *, normal: Any, rstd: Any, eps: float) -> Any:
    if x_g.ndim < 3 or not suits(x_g, normal, rstd, *([] if w is None else [w])):
        return None
    found, w = np.empty_like(x_g), x_g.reshape(-1)[:0] if w is None else w
    normalise_channels_back(_by_channel(x_g), w, _by_channel(normal), rstd.reshape(-1), _by_channel(found))
    return found
