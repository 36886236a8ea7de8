"""Decompositions of the few largest singular values, by products with random matrices."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.spectrum import TopSvdResult, svd
from nbautograd.ops.linalg.triangles import qr
from nbautograd.ops.random.filled import randn


def _main_directions(A: Tensor, q: int, niter: int) -> Tensor:
    """Orthonormal columns whose span holds nearly all of what A reaches.

    Source: Halko, Martinsson, Tropp: Finding structure with randomness (2009), algorithm 4.4
    """
    found = qr(A @ randn(A.shape[-1], q, dtype=A.dtype, device=A.device))[0]
    for _ in range(niter):
        found = qr(A @ qr(A.mH @ found)[0])[0]
    return found


@public(method=False)
def svd_lowrank(A, q: int | None = 6, niter: int | None = 2, M: Any = None):
    """The `q` largest singular values of A (or of A − M) and their vectors: U, S and V with U diag(S) Vᴴ ≈ A."""
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    x = A if M is None else A - M
    wide = x.shape[-2] < x.shape[-1]
    x = x.mH if wide else x
    directions = _main_directions(x, q, niter)
    u, s, vh = svd(directions.mH @ x, full_matrices=False)
    u, v = directions @ u, vh.mH
    return TopSvdResult(v, s, u) if wide else TopSvdResult(u, s, v)


@public(method=False)
def pca_lowrank(A, q: int | None = None, center: bool = True, niter: int = 2):
    """The `q` main directions of the rows of A: what `svd_lowrank` gives after taking the mean of each column away."""
    high, wide = A.shape[-2:]
    q = min(6, high, wide) if q is None else q
    if not 0 <= q <= min(high, wide):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(high, wide)}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
