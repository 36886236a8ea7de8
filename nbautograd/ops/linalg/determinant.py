"""Determinants and their logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.complex.points import is_complex
from nbautograd.ops.linalg.parts import adjoint, columns_scaled, turned
from nbautograd.ops.linalg.refusals import check_matrices
from nbautograd.ops.linalg.solve import invertible_ones
from nbautograd.ops.results import result
from nbautograd.ops.samples import cases, through
from nbautograd.ops.silence import silently


def as_matrices(scale):
    """One number for each matrix of a stack."""
    return xp.expand_dims(xp.expand_dims(scale, -1), -1)


class Det(Op):
    """The determinant of a matrix.

    Math: ∂out/∂x = out · x⁻ᵀ, the cofactors of x, which singular matrices have too
    """

    node_name = "LinalgDetBackward0"
    tex = {"x": "out \\cdot x^{-\\top}"}
    samples = through("det", invertible_ones)

    def forward(x):
        return silently(xp.linalg.det, x)

    def dx(g, x):
        return as_matrices(g) * xp.cofactors(x)


class Cofactors(Op):
    """The derivative of the determinant with respect to each element."""

    samples = cases(invertible_ones, name="")

    def forward(x):
        det = silently(xp.linalg.det, x)
        if (det != 0).all():
            return as_matrices(det) * turned(xp.linalg.inv(x))
        # Of x = U S V: det(U) det(V) · U⁻ᵀ cof(S) V⁻ᵀ, where cof(S) has the products of the other values.
        u, s, v = xp.linalg.svd(x)
        others = xp.stack([xp.prod(xp.delete(s, i, axis=-1), axis=-1) for i in range(s.shape[-1])], axis=-1)
        sign = xp.linalg.det(u) * xp.linalg.det(v)
        return as_matrices(sign) * xp.matmul(columns_scaled(xp.conj(u), others), xp.conj(v))

    def dx(g, x, out):
        back = turned(xp.inv(x))
        along = xp.sum(g * back, axis=(-2, -1), keepdims=True)
        return along * out - xp.matmul(xp.matmul(back, turned(g)), out)


class Slogdet(Op):
    """The sign of a determinant, and the logarithm of its size.

    Math: ∂log|det x|/∂x = x⁻ᵀ
    """

    node_name = "LinalgSlogdetBackward0"
    outputs = 2
    conjugates = True
    tex = {"x": "x^{-\\top}"}
    samples = cases(invertible_ones)

    def forward(x):
        return tuple(silently(xp.linalg.slogdet, x))

    def dx(g: Any, x, out):
        by_sign, by_size = g
        scale = 0 if by_size is None else by_size
        if by_sign is not None and is_complex(x):
            scale = scale - 1j * xp.imag(xp.conj(by_sign) * out[0])
        elif by_size is None:
            return xp.zeros_like(x)
        return as_matrices(scale) * adjoint(xp.inv_ex(x))


# --- torch's signatures -------------------------------------------------------------------------------------------

SlogdetResult, TopSlogdetResult = (result(name, "sign", "logabsdet") for name in ("linalg_slogdet", "slogdet"))


def det(A):
    """The determinant of a matrix.

    Example:
        >>> import nbautograd as torch
        >>> torch.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(-2.)
    """
    check_matrices("linalg.det", A)
    return Det.call(A)


@public("det")
def top_det(input):
    """See `torch.linalg.det`."""
    return det(input)


def slogdet(A):
    """The sign of the determinant, and the logarithm of its size, which does not overflow."""
    check_matrices("linalg.slogdet", A)
    return SlogdetResult(*Slogdet.call(A))


@public("slogdet")
def top_slogdet(input):
    """See `torch.linalg.slogdet`."""
    return TopSlogdetResult(*slogdet(input))


@public()
def logdet(input):
    """The logarithm of the determinant: NaN where that is negative."""
    sign, size = slogdet(input)
    if sign.dtype.is_complex:
        return sign.log() + size
    return size.where(sign != -1, np.nan)
