"""Pseudoinverses and least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.linalg.norms import matrix_rank
from nbautograd.ops.linalg.parts import adjoint, columns_scaled, turned
from nbautograd.ops.linalg.refusals import LinAlgError, no_convergence
from nbautograd.ops.linalg.solve import SQUARE, invertible
from nbautograd.ops.linalg.spectrum import svdvals
from nbautograd.ops.linalg.triangles import OBLONG, oblong
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, through


def _any_shape(make: Make) -> Any:
    for shape in SQUARE:
        yield (invertible(make, *shape),)
    for shape in OBLONG:
        yield (oblong(make, *shape),)


def at_rows(bound):
    """A bound for each matrix, where its singular values stand in a row."""
    return xp.expand_dims(bound, -1) if getattr(bound, "ndim", 0) else bound


def svd_of_hermitian(x):
    """The singular values and vectors of Hermitian matrices, from their eigenvalues, largest first."""
    values, vectors = xp.linalg.eigh(x)
    order = xp.argsort(-xp.abs(values), axis=-1)
    values = xp.take_along_axis(values, order, -1)
    vectors = xp.take_along_axis(vectors, xp.expand_dims(order, -2), -1)
    return columns_scaled(vectors, xp.sign(values)), xp.abs(values), adjoint(vectors)


class Pinv(Op):
    """The pseudoinverse: the inverse on the space that a matrix reaches, zero outside of it.

    Math: ∂ℒ/∂x = −Pᵀ g Pᵀ + (1 − x P) gᵀ P Pᵀ + Pᵀ P gᵀ (1 − P x), where P is the pseudoinverse
    Source: Golub, Pereyra: The differentiation of pseudo-inverses (1973), equation 4.12
    """

    node_name = "LinalgPinvBackward0"
    conjugates = True
    samples = through("pinverse", _any_shape)

    def forward(x, *, atol=None, rtol=None, hermitian=False):
        if not x.size:
            return xp.zeros_like(turned(x))
        u, s, vh = svd_of_hermitian(x) if hermitian else xp.linalg.svd(x, full_matrices=False)
        if rtol is None:
            rtol = max(x.shape[-2:]) * xp.finfo(s.dtype).eps if atol is None else 0.0
        least = xp.maximum(s[..., :1] * at_rows(rtol), 0.0 if atol is None else at_rows(atol))
        inverse = xp.where(s > least, 1 / xp.where(s > least, s, xp.ones_like(s)), xp.zeros_like(s))
        return xp.matmul(columns_scaled(adjoint(vh), inverse), adjoint(u))

    def dx(g, x, out):
        return pinv_gradient(g, x, out)

    def refuse(x, **options):
        return no_convergence("linalg.svd")


def pinv_gradient(g, x, p):
    """The gradient of a matrix from that of its pseudoinverse."""
    back, gh = adjoint(p), adjoint(g)
    left = xp.matmul(xp.matmul(gh, p), back)
    right = xp.matmul(xp.matmul(back, p), gh)
    total = -xp.matmul(xp.matmul(back, g), back)
    total = total + left - xp.matmul(x, xp.matmul(p, left))
    return total + right - xp.matmul(xp.matmul(right, p), x)


# --- torch's signatures -------------------------------------------------------------------------------------------

LstsqResult = result("linalg_lstsq", "solution", "residuals", "rank", "singular_values")


def pinv(A, rcond: Any = None, hermitian=False, *, atol: Any = None, rtol: Any = None):
    """The pseudoinverse; singular values below `atol`, or below `rtol` of the largest, count as zero."""
    kind = A.dtype
    if A.ndim < 2 or kind.tensor_type not in ("Float", "Double", "ComplexFloat", "ComplexDouble"):
        raise RuntimeError(
            f"linalg.pinv({kind.tensor_type}{{{list(A.shape)}}}): expected a tensor with 2 or more dimensions of "
            "float, double, cfloat or cdouble types"
        )
    return Pinv.call(A, atol=atol, rtol=rcond if rtol is None else rtol, hermitian=hermitian)


@public(method=True)
def pinverse(input, rcond: Any = 1e-15):
    """See `torch.linalg.pinv`."""
    return pinv(input, rtol=rcond)


def lstsq(A, B, rcond: Any = None, *, driver: str | None = None):
    """The X for which A X − B is least (of several, the shortest): solution, squared residuals, rank, singular values.

    Shape: A (…, M, N), B (…, M) or (…, M, K)
    """
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    vector = B.ndim == A.ndim - 1
    right = B.unsqueeze(-1) if vector else B
    if A.shape[-2] != right.shape[-2]:
        raise RuntimeError(
            f"torch.linalg.lstsq: input.size(-2) should match other.size({-1 if vector else -2})\n"
            f"  they are {A.shape[-2]} and {right.shape[-2]}"
        )
    rank = matrix_rank(A.detach(), rtol=rcond)
    full = bool((rank == min(A.shape[-2:])).all())
    if driver == "gels" and not full:
        raise LinAlgError(
            "torch.linalg.lstsq: The least squares solution could not be computed because the input matrix does not "
            "have full rank (error code: 2).\n  hint: the drivers gelsy, gelsd and gelss take every matrix"
        )
    solution = Pinv.call(A, rtol=rcond) @ right
    residuals, values = A.new_empty(0), A.new_empty(0)
    if driver != "gelsy" and full and A.shape[-2] > A.shape[-1]:
        residuals = (right - A @ solution).abs().square().sum(-2)
    if driver in ("gelsd", "gelss"):
        values = svdvals(A.detach())
    counted = wrap(np.zeros(0, np.int64)) if driver == "gels" else rank
    return LstsqResult(solution.squeeze(-1) if vector else solution, residuals, counted, values)
