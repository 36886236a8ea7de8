"""The Cholesky decomposition, and what is solved with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.parts import adjoint, identity_like, lower_with_half_diagonal, turned
from nbautograd.ops.linalg.refusals import check_matrices, not_positive
from nbautograd.ops.linalg.solve import SQUARE, solve_triangular
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, through


def positive(make: Make, *shape: int) -> Any:
    """Symmetric matrices with positive eigenvalues that differ."""
    x = make(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.diag(np.linspace(1, 4, shape[-1])).astype(make.dtype)


def _positive_ones(make: Make) -> Any:
    for shape in SQUARE:
        yield positive(make, *shape), {"upper": False}
        yield positive(make, *shape), {"upper": True}


class Cholesky(Op):
    """The triangular factor of a symmetric positive-definite matrix.

    Math: x = out outᵀ; ∂ℒ/∂x = out⁻ᵀ S out⁻¹, where S is the symmetric part of the lower half of outᵀ g
    Raises: LinAlgError when a matrix is not positive-definite.
    Source: Murray: Differentiation of the Cholesky decomposition (2016), equation 10
    """

    node_name = "LinalgCholeskyExBackward0"
    conjugates = True
    tex = {"x": "out^{-\\top}\\,\\Phi(out^\\top g)\\,out^{-1}"}
    samples = through("linalg.cholesky", _positive_ones, numeric=False)

    def forward(x, *, upper=False):
        factor = kernels.raising(xp.linalg.cholesky, turned(x) if upper else x)  # NumPy reads the lower triangle only
        return turned(factor) if upper else factor

    def dx(g, out, upper):
        if upper:
            g, out = adjoint(g), adjoint(out)
        half = lower_with_half_diagonal(xp.matmul(adjoint(out), g))
        inner = (half + adjoint(half)) * 0.5
        left = xp.solve_triangular(adjoint(out), inner, upper=True)
        return adjoint(xp.solve_triangular(adjoint(out), adjoint(left), upper=True))

    def refuse(x, upper=False):
        return not_positive(kernels.cholesky(turned(x) if upper else x)[1])


# --- torch's signatures -------------------------------------------------------------------------------------------

CholeskyResult = result("linalg_cholesky_ex", "L", "info")


def cholesky(A, *, upper=False):
    """The lower triangular L of a symmetric positive-definite matrix A = L Lᴴ (`upper`: A = Uᴴ U).

    Raises: LinAlgError when A is not positive-definite.
    Example:
        >>> import nbautograd as torch
        >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 2.0]]))
        tensor([[2., 0.],
                [1., 1.]])
    """
    check_matrices("linalg.cholesky", A)
    return Cholesky.call(A, upper=upper)


@public("cholesky")
def top_cholesky(input, upper=False):
    """See `torch.linalg.cholesky`."""
    return cholesky(input, upper=upper)


def cholesky_ex(A, *, upper=False, check_errors=False):
    """The Cholesky factor, and the order of the first minor that is not positive-definite (0: there is none)."""
    check_matrices("linalg.cholesky", A)
    factor, info = kernels.cholesky(turned(A._data) if upper else A._data)
    if check_errors or not info.any():
        return CholeskyResult(Cholesky.call(A, upper=upper), wrap(info))
    return CholeskyResult(wrap(turned(factor) if upper else factor), wrap(info))


@public()
def cholesky_solve(B, L, upper=False):
    """The solution X of A X = B, from the Cholesky factor of A."""
    check_matrices("cholesky_solve", L)
    check_matrices("cholesky_solve", B, square=False, argument="B")
    first, second = (L.mH, L) if upper else (L, L.mH)
    return solve_triangular(second, solve_triangular(first, B, upper=False), upper=True)


@public()
def cholesky_inverse(L, upper=False):
    """The inverse of A, from its Cholesky factor."""
    check_matrices("cholesky_inverse", L)
    return cholesky_solve(wrap(identity_like(L._data)), L, upper)
