"""Norms, and the logarithm of a sum of exponentials."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dims, canonical_dims_or_all
from nbautograd.ops.reduce.sums import cast_to, restore
from nbautograd.ops.samples import over, through


class Logsumexp(Op):
    """The logarithm of a sum of exponentials, without overflow.

    Math: out = log Σᵢ eˣⁱ; ∂out/∂x = softmax(x)
    """

    promote = "float"
    tex = {"x": "e^{x - out}"}
    code = {"out": "xp.log(xp.exp(x).sum(axis=dim, keepdims=keepdim))"}
    samples = over()

    def forward(x, *, dim, keepdim=False):
        if not x.size:
            return xp.log(xp.sum(x, axis=dim, keepdims=keepdim))  # of nothing: log 0
        top = xp.max(x.real, axis=dim, keepdims=True)
        top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
        out = xp.log(xp.sum(xp.exp(x - top), axis=dim, keepdims=True)) + top
        return out if keepdim else xp.squeeze(out, dim)

    def dx(g, x, out, dim, keepdim):
        return restore(g, dim, keepdim) * xp.exp(x - restore(out, dim, keepdim))


class VectorNorm(Op):
    """The p-norm of all elements, or over some dimensions.

    Math: out = (Σᵢ |xᵢ|ᵖ)^(1/p)
    """

    name = "linalg_vector_norm"
    node_name = "LinalgVectorNormBackward0"
    promote = "float"
    conjugates = True
    tex = {"x": "x / out"}
    samples = through("norm", *(over(p=p) for p in (2, 1, 3, float("inf"), float("-inf"), 0)))

    def forward(x, *, ord=2.0, dim=None, keepdim=False):
        if ord == 2:
            squares = x * x if x.dtype.kind == "f" else xp.square(x.real) + xp.square(x.imag)
            return xp.sqrt(xp.sum(squares, axis=dim, keepdims=keepdim))
        size = xp.abs(x)
        if ord == float("inf"):
            return xp.max(size, axis=dim, keepdims=keepdim)
        if ord == float("-inf"):
            return xp.min(size, axis=dim, keepdims=keepdim)
        if ord == 0:
            return xp.astype(xp.sum(x != 0, axis=dim, keepdims=keepdim), size.dtype)
        if ord == 1:
            return xp.sum(size, axis=dim, keepdims=keepdim)
        return xp.sum(size**ord, axis=dim, keepdims=keepdim) ** (1 / ord)

    def dx(g, x, out, ord, dim, keepdim):
        g, out = restore(g, dim, keepdim), restore(out, dim, keepdim)
        if ord == 0:
            return xp.zeros_like(x) * g
        if ord == 1:
            return g * xp.sgn(x)
        if ord in (float("inf"), float("-inf")):
            hit = xp.astype(xp.abs(x) == out, g.dtype)
            return g * xp.sgn(x) * hit / xp.sum(hit, axis=dim, keepdims=True)
        nowhere = out == 0
        safe = xp.where(nowhere, xp.ones_like(out), out)
        slope = x / safe if ord == 2 else xp.sgn(x) * (xp.abs(x) / safe) ** (ord - 1)
        return g * xp.where(nowhere, xp.zeros_like(slope), slope)


@public()
def logsumexp(input, dim, keepdim=False):
    """log Σ eˣ over `dim`, without overflow."""
    return Logsumexp.call(input, dim=canonical_dims(dim, input.ndim), keepdim=keepdim)


@public()
def norm(input, p: Any = "fro", dim=None, keepdim=False, dtype=None):
    """The p-norm; p=2 unless told otherwise."""
    if isinstance(p, str) and p != "fro":
        from nbautograd.ops.linalg.norms import matrix_norm  # which stands on this file

        if p != "nuc":
            raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
        return matrix_norm(cast_to(input, dtype), p, (-2, -1) if dim is None else dim, keepdim)
    return vector_norm(input, 2.0 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """The p-norm of the elements, as in `torch.linalg.vector_norm`."""
    _check_kind(x, dtype)
    dims, ord = canonical_dims_or_all(dim, x.ndim), float(ord)
    if not x._data.size and (ord < 0 or ord == math.inf) and not all(x.shape[d] for d in _over(dims, x.ndim)):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord:g} norm on an empty tensor because the operation does not "
            "have an identity"
        )
    return VectorNorm.call(cast_to(x, dtype), ord=ord, dim=dims, keepdim=keepdim)


def _over(dims: Any, ndim: int) -> Any:
    return range(ndim) if dims is None else (dims,) if isinstance(dims, int) else dims


def _check_kind(x: Any, dtype: Any) -> None:
    """Refuse whole numbers, and a dtype that holds less.

    Raises: RuntimeError in torch's words.
    """
    kind = x._data.dtype
    if dtype is None and kind.kind not in "fcV":
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {x.dtype.tensor_type}"
            "\n  hint: x.float() makes its numbers floats"
        )
    if dtype is not None and kind.kind == "f" and dtype.numpy.kind == "f" and dtype.numpy.itemsize < kind.itemsize:
        raise RuntimeError(
            f"linalg.vector_norm: the dtype of the input ({x.dtype.tensor_type}) should be convertible without "
            f"narrowing to the specified dtype ({dtype.tensor_type})"
        )


@public()
def dist(input, other, p=2):
    """The p-norm of the difference."""
    return norm(input - other, p)
