"""torch.linalg: norms, products and inverses of vectors and matrices."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import FUNCTIONS as _FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.reduce.norms import vector_norm as vector_norm

inv, matmul, diagonal = (_FUNCTIONS[name] for name in ("inverse", "matmul", "diagonal"))


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Dot products of the vectors along `dim`."""
    return (x * y).sum(dim)


def matrix_norm(A: Tensor, ord: Any = "fro", dim: tuple[int, int] = (-2, -1), keepdim: bool = False) -> Tensor:
    """The norm of matrices: "fro" by their elements, 1 by columns, inf by rows (−1 and −inf: the smallest).

    Raises: NotImplementedError for norms by singular values.
    """
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim)
    if ord not in (1, -1, float("inf"), -float("inf")):
        raise NotImplementedError(f"linalg.matrix_norm: order {ord!r} needs singular values, which are not supported")
    summed, searched = dim if abs(ord) == 1 else dim[::-1]
    sums = A.abs().sum(summed, keepdim=True)
    found = (sums.amax if ord > 0 else sums.amin)(searched, keepdim=True)
    if keepdim:
        return found
    return found.squeeze(tuple(dim))


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The norm of vectors, or with two dimensions and an `ord` that of matrices."""
    A = A if dtype is None else A.to(dtype)
    two = len(dim) == 2 if isinstance(dim, tuple | list) else dim is None and A.ndim == 2
    if ord is None:
        return vector_norm(A, 2, dim, keepdim)
    if two:
        return matrix_norm(A, ord, tuple(dim or (-2, -1)), keepdim)
    return vector_norm(A, ord, dim, keepdim)
