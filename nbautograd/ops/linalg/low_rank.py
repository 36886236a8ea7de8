"""The few largest singular values and eigenvalues of a matrix, and principal components."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.cholesky import cholesky
from nbautograd.ops.linalg.solve import solve_triangular
from nbautograd.ops.linalg.spectrum import eigh, svd

Parts = tuple[Tensor, Tensor, Tensor]


@public(method=False)
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> Parts:
    """`(U, S, V)` of the `q` largest singular values of A (minus M), so that A ≈ U diag(S) Vᴴ.

    Computed from all singular values: exact, where torch iterates on random vectors (`niter` times).
    """
    u, s, vh = svd(A if M is None else A - M, False)
    count = min(6 if q is None else q, *A.shape[-2:])
    return u[..., :count], s[..., :count], vh.mH[..., :count]


@public(method=False)
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Parts:
    """`(U, S, V)` of A with the mean of its rows taken away: the columns of V are the principal components.

    Raises: ValueError for `q` larger than the matrix.
    """
    rows, columns = A.shape[-2:]
    count = min(6, rows, columns) if q is None else q
    if not 0 <= count <= min(rows, columns):
        raise ValueError(
            f"q(={count}) must be non-negative integer and not greater than min(m, n)={min(rows, columns)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, count)


@public(method=False)
def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: None = None,
    **ortho_params: Any,
) -> tuple[Tensor, Tensor]:
    """The `k` largest eigenvalues (or smallest) of a symmetric matrix, A x = λ x or A x = λ B x, and their vectors.

    Computed from all eigenvalues: exact, where torch improves on `X` for `niter` times with the preconditioner `iK`.

    Shape: A (…, M, M), B (…, M, M) → (…, K), (…, M, K)
    Raises: ValueError when there are fewer than three rows for each eigenvalue, as in torch.
    """
    rows = A.shape[-1]
    count = (1 if X is None else X.shape[-1]) if k is None else k
    tried = (count if n is None else n) if X is None else X.shape[-1]
    if rows < 3 * tried:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={rows}) is smaller than 3 x the number of "
            f"requested eigenpairs (={tried})\n  hint: torch.linalg.eigh(A) gives them all"
        )
    symmetric = (A + A.mT) / 2
    if B is None:
        values, vectors = eigh(symmetric)
    else:  # with B = L Lᵀ the matrix L⁻¹ A L⁻ᵀ has the same eigenvalues, and the vectors Lᵀ x
        factor = cholesky((B + B.mT) / 2)
        half = solve_triangular(factor, symmetric, upper=False)
        values, turned = eigh(solve_triangular(factor, half.mT, upper=False))
        vectors = solve_triangular(factor.mT, turned, upper=True)
    if largest is None or largest:
        values, vectors = values.flip(-1), vectors.flip(-1)
    return values[..., :count], vectors[..., :count]
