"""The factors L D Lᵀ of symmetric (or Hermitian) matrices, definite or not, and what is solved with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.refusals import check_matrices
from nbautograd.ops.linalg.solve import SQUARE
from nbautograd.ops.refusals import no_derivative
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, through


def symmetric(make: Make, *shape: int) -> Any:
    """Symmetric matrices with eigenvalues of both signs."""
    x = make(*shape)
    return x + np.swapaxes(x, -1, -2) + np.diag(3.0 * (-1) ** np.arange(shape[-1])).astype(make.dtype)


def _symmetric_ones(make: Make) -> Any:
    for shape in SQUARE:
        yield symmetric(make, *shape), {"hermitian": False}
        yield symmetric(make, *shape), {"hermitian": True}


class LdlFactor(Op):
    """In one matrix a unit triangle L and blocks D of size one and two: L D Lᵀ is x with rows and columns exchanged.

    Math: P x Pᵀ = L D Lᵀ (with `hermitian` L D Lᴴ)
    Source: Bunch and Kaufman 1977, *Some stable methods for calculating inertia and solving symmetric linear systems*
    """

    node_name = "NotImplemented"
    aux = ("pivots", "info")
    samples = through("linalg.ldl_factor", _symmetric_ones, gradient=False)

    def forward(x, *, hermitian):
        return kernels.ldl(x, hermitian)

    def dx(g):
        raise no_derivative("linalg_ldl_factor_ex")


def _equations(make: Make) -> Any:
    for shape in SQUARE:
        if np.prod(shape):
            for columns in (1, 3):
                ld, pivots, _ = kernels.ldl(symmetric(make, *shape), False)
                yield ld, pivots, make(*shape[:-1], columns)
    yield make.fixed(0, 2, 2), np.zeros((0, 2), np.int32), make(2, 3)
    for hermitian in (False, True):
        ld, pivots, _ = kernels.ldl(symmetric(make, 3, 3), False)
        yield ld, pivots, make(2, 3, 2), {"hermitian": hermitian}


class LdlSolve(Op):
    """The solution X of x X = b, from the factors and pivots of x."""

    node_name = "NotImplemented"
    samples = through("linalg.ldl_solve", _equations, gradient=False)

    def forward(ld, b, *, pivots, hermitian):
        return kernels.ldl_solve(ld, pivots, b, hermitian)

    def dld(g):
        raise no_derivative("linalg_ldl_solve")

    def db(g):
        raise no_derivative("linalg_ldl_solve")


# --- torch's signatures -------------------------------------------------------------------------------------------

LdlFactorResult = result("linalg_ldl_factor", "LD", "pivots")
LdlFactorExResult = result("linalg_ldl_factor_ex", "LD", "pivots", "info")


def ldl_factor_ex(A, *, hermitian=False, check_errors=False):
    """The factors of a symmetric matrix, its pivots, and the number of the first block of D that is zero (0: none)."""
    check_matrices("torch.linalg.ldl_factor_ex", A)
    packed, pivots, info = LdlFactor.call(A, hermitian=hermitian)
    if check_errors:
        _check(info)
    return LdlFactorExResult(packed, pivots, info)


def _check(info: Any) -> None:
    failed = xp.flatnonzero(xp.atleast_1d(info._data))
    if failed.size:
        raise RuntimeError(
            f"torch.linalg.ldl_factor: block {int(xp.atleast_1d(info._data).reshape(-1)[failed[0]])} of D is zero: "
            "the matrix is singular\n  hint: torch.linalg.ldl_factor_ex gives the factors all the same"
        )


def ldl_factor(A, *, hermitian=False):
    """The factors of a symmetric matrix, definite or not: L (ones on its diagonal) and D in one matrix, and the pivots.

    Of A only the lower triangle is read; a complex A is symmetric unless `hermitian` is set.

    Raises: RuntimeError when the matrix is singular.
    Example:
        >>> import nbautograd as torch
        >>> torch.linalg.ldl_factor(torch.tensor([[2.0, 1.0], [1.0, -3.0]])).LD
        tensor([[ 2.0000,  0.0000],
                [ 0.5000, -3.5000]])
    """
    return LdlFactorResult(*ldl_factor_ex(A, hermitian=hermitian, check_errors=True)[:2])


def ldl_solve(LD, pivots, B, *, hermitian=False):
    """The solution X of A X = B, from what `ldl_factor` gave of A.

    Shape: LD (…, N, N), pivots (…, N), B (…, N, K)
    """
    name = "torch.linalg.ldl_solve"
    check_matrices(name, LD)
    check_matrices(name, B, square=False, dtype=False, argument="B")
    if B.shape[-2] != LD.shape[-1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {LD.shape[-1]} by {LD.shape[-1]} but each b "
            f"matrix is {B.shape[-2]} by {B.shape[-1]}"
        )
    if B.dtype is not LD.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {B.dtype.tensor_type} and A of type "
            f"{LD.dtype.tensor_type} instead."
        )
    if pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
            f"{list(pivots.shape)} instead"
        )
    return LdlSolve.call(LD, B, pivots=pivots, hermitian=hermitian)
