"""Norms of matrices, their condition and rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.linalg.refusals import check_matrices
from nbautograd.ops.linalg.solve import inv_ex
from nbautograd.ops.linalg.spectrum import eigvalsh, svdvals
from nbautograd.ops.reduce.norms import vector_norm

INF = float("inf")


def matrix_norm(A, ord: Any = "fro", dim: Any = (-2, -1), keepdim=False, *, dtype: Any = None):
    """The norm of matrices: "fro" by their elements, 1 by columns, inf by rows, 2 and "nuc" by singular values.

    With −1, −inf and −2 the smallest of the columns, rows and singular values counts.
    """
    check_matrices("linalg.matrix_norm", A, square=False, dtype=False)
    x = A if dtype is None else A.to(dtype)
    rows, columns = (canonical_dim(d, x.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return vector_norm(x, 2, (rows, columns), keepdim)
    if ord not in ("nuc", 1, -1, 2, -2, INF, -INF):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if ord in ("nuc", 2, -2):
        values = svdvals(x.movedim((rows, columns), (-2, -1)))
        found = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord > 0 else values.amin(-1)
        return found.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns)) if keepdim else found
    summed, searched = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = x.abs().sum(summed, keepdim=True)
    found = (sums.amax if ord > 0 else sums.amin)(searched, keepdim=True)
    return found if keepdim else found.squeeze((rows, columns))


def norm(A, ord: Any = None, dim: Any = None, keepdim=False, *, dtype: Any = None):
    """The norm of vectors, or with two dimensions and an `ord` that of matrices."""
    x = A if dtype is None else A.to(dtype)
    dims = [dim] if isinstance(dim, int) else dim
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if ord is None:
        return vector_norm(x, 2, dim, keepdim)
    if isinstance(ord, str):
        if dims is not None and len(dims) != 2:
            raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {', '.join(map(str, dims))}")
        if dims is None and x.ndim > 2:
            _refuse_flat(x.ndim)
        return matrix_norm(x, ord, tuple(dims or (-2, -1)), keepdim)
    if dims is None and x.ndim not in (1, 2):
        _refuse_flat(x.ndim)
    if len(dims or x.shape) == 2:
        return matrix_norm(x, ord, tuple(dims or (-2, -1)), keepdim)
    return vector_norm(x, ord, dim, keepdim)


def _refuse_flat(ndim: int) -> None:
    raise RuntimeError(
        f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {ndim}D."
        "\n  hint: torch.linalg.vector_norm takes all elements of any shape"
    )


@public(method=False)
def nuclear_norm(input, dim: Any = (-2, -1), keepdim=False):
    """The sum of the singular values of matrices."""
    return matrix_norm(input, "nuc", dim, keepdim)


@public(method=False)
def frobenius_norm(input, dim: Any = (), keepdim=False):
    """The root of the sum of all squares."""
    return vector_norm(input, 2, tuple(dim) if isinstance(dim, tuple | list) else dim, keepdim)


def cond(A, p: Any = None):
    """How many times larger the relative error of a solution is than that of its equation, at worst."""
    check_matrices("linalg.cond", A, square=p not in (None, 2, -2), argument="")
    if p is None or p in (2, -2):
        values = svdvals(A)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    inverse, info = inv_ex(A)
    return (matrix_norm(A, p) * matrix_norm(inverse, p)).masked_fill(info != 0, INF)


@public("matrix_rank", method=False)
def matrix_rank(A, tol: Any = None, hermitian=False, *, atol: Any = None, rtol: Any = None):
    """The number of singular values that are not zero (up to `atol`, or `rtol` of the largest)."""
    check_matrices("torch.linalg.matrix_rank", A, square=hermitian, argument="input")
    values = eigvalsh(A).abs() if hermitian else svdvals(A)
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = max(A.shape[-2:]) * float(np.finfo(values._data.dtype).eps) if atol is None else 0.0
    largest = values.amax(-1, keepdim=True) if values.shape[-1] else values
    bounds = [x.unsqueeze(-1) if isinstance(x, Tensor) and x.ndim else x for x in (rtol, 0.0 if atol is None else atol)]
    least = largest * bounds[0]
    return ((values > least) & (values > bounds[1])).sum(-1)
