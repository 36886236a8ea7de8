"""Eigenvalues and singular values.

NOTE [Gauge]
Eigenvectors and singular vectors are not unique: each may be multiplied by a number of length one (by −1 when real).
A gradient exists only for functions that do not depend on that choice. For real matrices any other function gets the
gradient for the vectors that LAPACK happened to choose; for complex ones it is refused, as in torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.complex.points import is_complex
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.cholesky import positive
from nbautograd.ops.linalg.parts import adjoint, columns_scaled, diagonal_of, identity_like, rows_scaled
from nbautograd.ops.linalg.refusals import check_matrices, no_convergence
from nbautograd.ops.linalg.solve import SQUARE, invertible_ones
from nbautograd.ops.linalg.triangles import OBLONG, oblong
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, through


def _symmetric(make: Make) -> Any:
    for shape in SQUARE:
        yield (positive(make, *shape),)
        yield positive(make, *shape), {"UPLO": "U"}


def _spread(make: Make) -> Any:
    """Matrices whose singular values differ."""
    for shape in (*SQUARE, *OBLONG):
        x = oblong(make, *shape)
        yield x, {"full_matrices": False}
    for shape in ((2, 2), (3, 3), (2, 2, 2)):
        yield (oblong(make, *shape),)


class Eigh(Op):
    """The eigenvalues of a symmetric (or Hermitian) matrix, in ascending order, and its orthonormal eigenvectors.

    Math: ∂ℒ/∂x = V (diag(gλ) + (Vᵀ gV) / E) Vᵀ, where Eᵢⱼ = λⱼ − λᵢ
    Source: Giles: An extended collection of matrix derivative results (2008), section 3.1
    """

    name = "linalg_eigh"
    node_name = "LinalgEighBackward0"
    outputs = 2
    conjugates = True
    samples = through("", _symmetric, numeric=False)

    def forward(x, *, UPLO="L"):
        return tuple(xp.linalg.eigh(x, UPLO))

    def dx(g: Any, out):
        values, vectors = out
        by_value, by_vector = g
        inner = 0
        if by_vector is not None:
            inner = xp.matmul(adjoint(vectors), by_vector)
            check_phase("linalg_eigh_backward: The eigenvectors", inner)
            gaps = xp.expand_dims(values, -2) - xp.expand_dims(values, -1)
            ones = identity_like(gaps)
            inner = inner * (1 - ones) / (gaps + ones)
        if by_value is not None:
            inner = inner + rows_scaled(identity_like(vectors), by_value)
        return xp.matmul(xp.matmul(vectors, inner), adjoint(vectors))

    def refuse(x, UPLO="L"):
        return no_convergence("linalg.eigh")


class Eig(Op):
    """The eigenvalues and eigenvectors of a square matrix, complex in general.

    Math: ∂ℒ/∂x = V⁻ᴴ (diag(gλ) + (Vᴴ gV − Vᴴ V diag(Re Vᴴ gV)) / Ē) Vᴴ, where Eᵢⱼ = λⱼ − λᵢ
    Source: Boeddeker et al.: On the computation of complex-valued gradients (2017), section 4.4
    """

    name = "linalg_eig"
    node_name = "LinalgEigBackward0"
    outputs = 2
    conjugates = True
    samples = through("", invertible_ones)

    def forward(x):
        return kernels.eig(x)

    def dx(g: Any, out, x_dtype):
        values, vectors = out
        by_value, by_vector = g
        inner = 0
        if by_vector is not None:
            turns = xp.matmul(adjoint(vectors), by_vector)
            check_phase("linalg_eig_backward: The eigenvectors", turns)
            lengths = xp.real(diagonal_of(turns))
            gaps = xp.expand_dims(values, -2) - xp.expand_dims(values, -1)
            ones = identity_like(gaps)
            inner = turns - columns_scaled(xp.matmul(adjoint(vectors), vectors), lengths)
            inner = inner * (1 - ones) / xp.conj(gaps + ones)
        if by_value is not None:
            inner = inner + rows_scaled(identity_like(vectors), by_value)
        whole = xp.solve(adjoint(vectors), xp.matmul(inner, adjoint(vectors)))
        return whole if x_dtype.kind == "c" else xp.real(whole)

    def refuse(x):
        return "torch.linalg.eig: input tensor should not contain infs or NaNs."


class Svd(Op):
    """The singular values of a matrix, and the orthonormal vectors on both of its sides.

    Math: x = U diag(S) Vᵀ; ∂ℒ/∂x = U (diag(gS) + skew(Uᵀ gU)/E · S + S · skew(Vᵀ gV)/E) Vᵀ + what lies outside of both
        spaces, where Eᵢⱼ = Sⱼ² − Sᵢ² and skew(M) = M − Mᵀ
    Source: Wan, Zhang: Automatic differentiation for complex valued SVD (2019)
    """

    name = "linalg_svd"
    node_name = "LinalgSvdBackward0"
    outputs = 3
    conjugates = True
    samples = through("", _spread)

    def forward(x, *, full_matrices=True):
        return tuple(xp.linalg.svd(x, full_matrices=full_matrices))

    def dx(g: Any, out):
        u, s, vh = out
        gu, gs, gvh = g
        k = s.shape[-1]
        high, wide = u.shape[-2], vh.shape[-1]
        u, vh = u[..., :k], vh[..., :k, :]
        inner = 0 if gs is None else rows_scaled(identity_like(xp.matmul(vh, adjoint(vh))), gs)
        if gu is not None or gvh is not None:
            gu, gvh = None if gu is None else gu[..., :k], None if gvh is None else gvh[..., :k, :]
            inner = inner + turns_gradient(gu, gvh, u, s, vh)
        total = xp.matmul(xp.matmul(u, inner), vh)
        if gu is not None and high > k:
            outside = gu / xp.expand_dims(s, -2)
            total = total + xp.matmul(outside - xp.matmul(u, xp.matmul(adjoint(u), outside)), vh)
        if gvh is not None and wide > k:
            outside = gvh / xp.expand_dims(s, -1)
            total = total + xp.matmul(u, outside - xp.matmul(xp.matmul(outside, adjoint(vh)), vh))
        return total

    def refuse(x, full_matrices=True):
        return no_convergence("linalg.svd")


def turns_gradient(gu, gvh, u, s, vh):
    """What the directions of the singular vectors add to the gradient, in the basis of these vectors."""
    squares = s * s
    gaps = xp.expand_dims(squares, -2) - xp.expand_dims(squares, -1)
    gaps = gaps + identity_like(gaps)
    total, phase = 0, 0
    if gu is not None:
        left = xp.matmul(adjoint(u), gu)
        phase = left
        skew = left - adjoint(left)
        total = columns_scaled(skew / gaps, s)
        if gvh is not None and is_complex(skew):
            total = total + rows_scaled(identity_like(skew), diagonal_of(skew) / (2 * s))
    if gvh is not None:
        right = xp.matmul(vh, adjoint(gvh))
        phase = phase + right
        total = total + rows_scaled((right - adjoint(right)) / gaps, s)
    check_phase("svd_backward: The singular vectors", phase)
    return total


def check_phase(what: str, turns: Any) -> None:
    """Refuse a loss that depends on the phase of complex vectors; see NOTE [Gauge].

    Raises: RuntimeError in torch's words.
    """
    data = getattr(turns, "_data", turns)
    if data.dtype.kind != "c":
        return
    phase = np.abs(kernels.on_host(np.diagonal)(data, axis1=-2, axis2=-1).imag)
    if phase.size and float(phase.max()) > (1e-2 if data.dtype.itemsize == 8 else 1e-5) * (1 + float(abs(data).max())):
        quantity = "phase term, making it ill-defined." if "svd" in what else "quantity, so it is ill-defined."
        raise RuntimeError(
            f"{what} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss "
            f"function depends on this {quantity}\n"
            "  hint: use lengths |v| or products such as v vᴴ, which do not depend on it"
        )


# --- torch's signatures -------------------------------------------------------------------------------------------

EighResult = result("linalg_eigh", "eigenvalues", "eigenvectors")
EigResult = result("linalg_eig", "eigenvalues", "eigenvectors")
SvdResult, TopSvdResult = result("linalg_svd", "U", "S", "Vh"), result("svd", "U", "S", "V")


def _check_symmetric(A: Any, UPLO: str) -> None:
    check_matrices("linalg.eigh", A, dtype=False)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    if not (A.dtype.is_floating_point or A.dtype.is_complex):
        raise NotImplementedError(f"\"linalg_eigh_cpu\" not implemented for '{A.dtype.tensor_type}'")


def eigh(A, UPLO="L"):
    """Eigenvalues, in ascending order, and orthonormal eigenvectors of a symmetric (or Hermitian) matrix.

    Only the lower triangle is read (`UPLO="U"`: the upper one).
    """
    _check_symmetric(A, UPLO)
    return EighResult(*Eigh.call(A, UPLO=UPLO.upper()))


def eigvalsh(A, UPLO="L"):
    """The eigenvalues, in ascending order, of a symmetric (or Hermitian) matrix."""
    return eigh(A, UPLO)[0]


def eig(A):
    """The eigenvalues and eigenvectors, complex in general, of a square matrix."""
    check_matrices("linalg.eig", A)
    return EigResult(*Eig.call(A))


def eigvals(A):
    """The eigenvalues, complex in general, of a square matrix."""
    check_matrices("linalg.eigvals", A)
    return Eig.call(A)[0]


def svd(A, full_matrices=True):
    """U, S and Vh with U diag(S) Vh = A: singular values in descending order, and orthonormal vectors.

    `full_matrices`: make U and Vh square.
    """
    check_matrices("linalg.svd", A, square=False)
    return SvdResult(*Svd.call(A, full_matrices=full_matrices))


def svdvals(A):
    """The singular values of a matrix, in descending order."""
    return svd(A, full_matrices=False)[1]


@public("svd")
def top_svd(input, some=True, compute_uv=True):
    """U, S and V with U diag(S) Vᴴ = input; see `torch.linalg.svd`."""
    u, s, vh = svd(input, full_matrices=not some)
    if not compute_uv:
        u, vh = (x.detach() * 0 for x in svd(input, full_matrices=True)[::2])
    return TopSvdResult(u, s, vh.mH)
