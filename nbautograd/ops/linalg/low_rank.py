"""The few largest singular values of a matrix, and principal components."""

from __future__ import annotations

from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.spectrum import svd

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
