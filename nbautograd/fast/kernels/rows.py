"""Kernels along rows: softmax and its relatives, cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compiled import dot, kernel, largest, put_exp, suits, sum_exp, total
from .numbers import exp

MATRIX, VECTOR = "F[:, ::1]", "F[::1]"


@kernel(MATRIX, MATRIX)
def softmax_rows(x: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        scale = x.dtype.type(1) / put_exp(x[i], largest(x[i]), out[i])
        for j in range(x.shape[1]):
            out[i, j] *= scale


@kernel(MATRIX, MATRIX, MATRIX)
def softmax_back(g: Any, out: Any, found: Any) -> None:
    for i in range(g.shape[0]):
        share = dot(g[i], out[i])
        for j in range(g.shape[1]):
            found[i, j] = (g[i, j] - share) * out[i, j]


@kernel(MATRIX, MATRIX)
def log_softmax_rows(x: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        top = largest(x[i])
        log = math.log(sum_exp(x[i], top))
        for j in range(x.shape[1]):
            out[i, j] = (x[i, j] - top) - log


@kernel(MATRIX, MATRIX, MATRIX)
def log_softmax_back(g: Any, out: Any, found: Any) -> None:
    for i in range(g.shape[0]):
        share = total(g[i])
        for j in range(g.shape[1]):
            found[i, j] = g[i, j] - exp(out[i, j]) * share


@kernel(MATRIX, VECTOR)
def logsumexp_rows(x: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        top = largest(x[i])
        if not math.isfinite(top):
            top = x.dtype.type(0)
        out[i] = math.log(sum_exp(x[i], top)) + top


@kernel(MATRIX, "int64[::1]", MATRIX)
def cross_entropy_rows(x: Any, y: Any, p: Any) -> Any:
    """The sum of the losses; −1 when a class is none of those that there are, as a loss never is."""
    loss = 0.0
    for i in range(x.shape[0]):
        if y[i] < 0 or y[i] >= x.shape[1]:
            return -1.0
        top = largest(x[i])
        whole = put_exp(x[i], top, p[i])
        scale = x.dtype.type(1) / whole
        for j in range(x.shape[1]):
            p[i, j] *= scale
        loss += math.log(whole) - (x[i, y[i]] - top)
    return loss


@kernel(MATRIX, "int64[::1]", "float64", MATRIX)
def cross_entropy_back(p: Any, y: Any, scale: Any, out: Any) -> None:
    row = p.dtype.type(scale)
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            out[i, j] = p[i, j] * row
        out[i, y[i]] -= row


def _is_last(x: Any, dim: Any) -> bool:
    return dim.__class__ is int and dim in (-1, x.ndim - 1)


def _as_rows(x: Any) -> Any:
    return x.reshape((-1, x.shape[-1]))


def _along(rows: Any) -> Any:
    """An adapter for a kernel that makes rows of rows."""

    def adapter(*arrays: Any, dim: Any) -> Any:
        first = arrays[0]
        if not (suits(*arrays) and _is_last(first, dim) and all(a.shape == first.shape for a in arrays)):
            return None
        out = np.empty_like(first)
        rows(*map(_as_rows, arrays), _as_rows(out))
        return out

    return adapter


softmax = _along(softmax_rows)
softmax_backward = _along(softmax_back)
log_softmax = _along(log_softmax_rows)
log_softmax_backward = _along(log_softmax_back)


def logsumexp(x: Any, *, dim: Any, keepdim: bool = False) -> Any:
    if dim.__class__ is tuple and len(dim) == 1:
        dim = dim[0]
    if not (suits(x) and x.ndim > 1 and _is_last(x, dim)):
        return None
    out = np.empty((*x.shape[:-1], 1), x.dtype)
    logsumexp_rows(_as_rows(x), out.reshape(-1))
    return out if keepdim else out[..., 0]


def cross_entropy(
    x: Any, y: Any, weight: Any, *, reduction: str = "mean", ignore_index: int = -100, smoothing: float = 0.0
) -> Any:
    plain = weight is None and not smoothing and reduction == "mean" and not 0 <= ignore_index < x.shape[1]
    if not (plain and suits(x) and x.ndim == 2 and y.dtype == np.int64 and y.flags.c_contiguous):
        return None
    p, n, kind = np.empty_like(x), len(x), x.dtype.type
    loss = cross_entropy_rows(x, y, p)
    return None if loss == -1 else (kind(loss / n), p, (kind(1 / n), None, n))


def cross_entropy_backward(
    x_g: Any, x: Any, weight: Any, *, target: Any, probabilities: Any, scale: Any, smoothing: float = 0.0
) -> Any:
    if scale[1] is not None or np.ndim(x_g) or not suits(probabilities) or target.dtype != np.int64:
        return None
    out = np.empty_like(probabilities)
    cross_entropy_back(probabilities, np.ascontiguousarray(target), float(scale[0] * x_g), out)
    return out
