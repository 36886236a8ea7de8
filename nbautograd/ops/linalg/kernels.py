"""What LAPACK computes and NumPy does not offer for stacks of matrices: on arrays, without gradients.

NumPy's own decompositions take stacks; SciPy is asked for the rest, one matrix at a time. What CuPy lacks is computed
on the host.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.ops.silence import silently


def on_host(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """`kernel` for arrays of any device: those of a GPU make the way to the host and back."""

    @functools.wraps(kernel)
    def anywhere(*stacks: Any, **options: Any) -> Any:
        where = arrays.device_of(stacks[0])
        if where.type == "cpu":
            return kernel(*stacks, **options)
        result = kernel(*[arrays.place(x, arrays.CPU) for x in stacks], **options)
        if isinstance(result, tuple):
            return tuple(arrays.place(part, where) for part in result)
        return arrays.place(result, where)

    return anywhere


def stacked(kernel: Callable[..., Any], *stacks: Any) -> Any:
    """`kernel` on each of the matrices (and on its companions in the other stacks), its results stacked again."""
    lead = stacks[0].shape[:-2]
    if not lead:
        return kernel(*stacks)
    count = math.prod(lead)
    rows = [x.reshape(count, *x.shape[len(lead) :]) for x in stacks]
    if not count:  # the result's form is that of one matrix
        rows = [np.zeros((1, *x.shape[1:]), x.dtype) for x in rows]
    results = [kernel(*matrices) for matrices in zip(*rows, strict=True)]
    if isinstance(results[0], tuple):
        return tuple(_in_stacks(parts, count, lead) for parts in zip(*results, strict=True))
    return _in_stacks(results, count, lead)


def _in_stacks(parts: Any, count: int, lead: tuple[int, ...]) -> Any:
    whole = np.stack(parts)[:count]
    return whole.reshape(*lead, *whole.shape[1:])


def lapack(name: str, like: Any) -> Any:
    """LAPACK's function for the dtype of `like`."""
    from scipy.linalg import get_lapack_funcs

    return get_lapack_funcs(name, (like,))


@on_host
def lu(x: Any) -> tuple[Any, Any, Any]:
    """Both triangles of the factors in one matrix, the rows' exchanges counted from 1, and where a pivot is zero."""
    return stacked(_lu, x)


def _lu(x: Any) -> tuple[Any, Any, Any]:
    if not x.size:
        return x.copy(), np.arange(1, min(x.shape) + 1, dtype=np.int32), np.int32(0)
    packed, swaps, info = lapack("getrf", x)(x)
    return np.ascontiguousarray(packed), (swaps + 1).astype(np.int32), np.int32(info)


@on_host
def permutation(swaps: Any, *, rows: int, back: bool = False) -> Any:
    """The order of the rows after exchanging row i with row `swaps[i]`, for each i in turn; `back` undoes it."""
    order = np.broadcast_to(np.arange(rows), (*swaps.shape[:-1], rows)).copy()
    for i in range(swaps.shape[-1]):
        other = swaps[..., i : i + 1].astype(np.int64) - 1
        held = np.take_along_axis(order, other, -1)
        np.put_along_axis(order, other, order[..., i : i + 1].copy(), -1)
        order[..., i : i + 1] = held
    return order.argsort(-1) if back else order


@on_host
def cholesky(x: Any) -> tuple[Any, Any]:
    """The lower factor as far as it exists, and the order of the first minor that is not positive."""
    return stacked(_cholesky, x)


def _cholesky(x: Any) -> tuple[Any, Any]:
    if not x.size:
        return x.copy(), np.int32(0)
    factor, info = lapack("potrf", x)(x, lower=True)
    return np.ascontiguousarray(np.tril(factor)), np.int32(info)


@on_host
def ldl(x: Any, hermitian: bool) -> tuple[Any, Any, Any]:
    """L and D of L D Lᵀ in one matrix, LAPACK's pivots, and which block of D is zero."""
    return stacked(functools.partial(_ldl, kind=_ldl_kind(x, hermitian)), x)


def _ldl_kind(x: Any, hermitian: bool) -> str:
    return "he" if hermitian and x.dtype.kind == "c" else "sy"


def _ldl(x: Any, kind: str) -> tuple[Any, Any, Any]:
    if not x.size:
        return x.copy(), np.zeros(x.shape[0], np.int32), np.int32(0)
    length = int(lapack(f"{kind}trf_lwork", x)(x.shape[0], lower=1)[0].real)
    packed, pivots, info = lapack(f"{kind}trf", x)(x, lower=1, lwork=length)
    return np.ascontiguousarray(np.tril(packed)), pivots.astype(np.int32), np.int32(info)


@on_host
def ldl_solve(ld: Any, pivots: Any, b: Any, hermitian: bool) -> Any:
    """The solution of equations whose matrix `ldl` has factored.

    Raises: RuntimeError for pivots that no factorisation gives: LAPACK would read and write beyond the arrays.
    """
    lead = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    ld, b = (np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (ld, b))
    if not b.size:
        return b.copy()
    pivots = np.broadcast_to(pivots, (*lead, pivots.shape[-1]))
    if not all(map(_are_pivots, pivots.reshape(-1, pivots.shape[-1]).tolist())):
        raise RuntimeError("torch.linalg.ldl_solve: the pivots are none that torch.linalg.ldl_factor gives")
    return stacked(functools.partial(_ldl_solve, kind=_ldl_kind(ld, hermitian)), ld, pivots, b)


def _are_pivots(numbers: list[int]) -> bool:
    """Whether these are rows of the matrix; a block of two has the same one twice, below zero."""
    place, count = 0, len(numbers)
    while place < count:
        wide = numbers[place] < 0
        if not 1 <= abs(numbers[place]) <= count or (wide and numbers[place : place + 2] != [numbers[place]] * 2):
            return False
        place += 1 + wide
    return True


def _ldl_solve(ld: Any, pivots: Any, b: Any, kind: str) -> Any:
    return np.ascontiguousarray(lapack(f"{kind}trs", b)(ld, pivots, b, lower=1)[0])


SMALL = 32
"""Up to this size NumPy's loop over a stack of general equations is faster than Python's over triangular ones."""


def raising(function: Callable[..., Any], x: Any, *rest: Any) -> Any:
    """`function` of CuPy or NumPy, which raises for matrices without a result on either device."""
    if not arrays.is_cupy(x):
        return function(x, *rest)
    import cupyx

    with cupyx.errstate(linalg="raise"):
        return function(x, *rest)


@on_host
def solve_triangular(a: Any, b: Any, *, upper: bool, unitriangular: bool) -> Any:
    """The solution of triangular systems; a zero on the diagonal gives infinities, as in torch."""
    if a.ndim > 2 and a.shape[-1] <= SMALL:
        whole = np.triu(a) if upper else np.tril(a)
        if unitriangular:
            diagonal = np.arange(a.shape[-1])
            whole[..., diagonal, diagonal] = 1
        try:
            return np.linalg.solve(whole, b)
        except np.linalg.LinAlgError:
            pass
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (a, b))
    return stacked(functools.partial(_solve_triangular, upper=upper, unitriangular=unitriangular), a, b)


def _solve_triangular(a: Any, b: Any, *, upper: bool, unitriangular: bool) -> Any:
    from scipy.linalg import get_blas_funcs

    if not b.size:
        return b.copy()
    trsm: Any = get_blas_funcs("trsm", (a, b))
    return np.ascontiguousarray(trsm(1.0, a, b, lower=not upper, diag=unitriangular))


@on_host
def expm(x: Any) -> Any:
    """The exponential function of matrices."""
    from scipy.linalg import expm

    return silently(expm, x).astype(x.dtype, copy=False) if x.size else x.copy()


@on_host
def eig(x: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors, complex in every case."""
    values, vectors = np.linalg.eig(x)
    kind = np.result_type(x.dtype, np.complex64)
    return values.astype(kind, copy=False), vectors.astype(kind, copy=False)


@on_host
def geqrf(x: Any) -> tuple[Any, Any]:
    """The QR decomposition as LAPACK keeps it: R above, Householder's reflectors below the diagonal, their factors."""
    return stacked(_geqrf, x)


def _geqrf(x: Any) -> tuple[Any, Any]:
    if not x.size:
        return x.copy(), np.zeros(min(x.shape), x.dtype)
    packed, factors, _, _ = lapack("geqrf", x)(x)
    return np.ascontiguousarray(packed), factors


def inverse(x: Any) -> Any:
    """The inverse of matrices; infinities where there is none."""
    try:
        return raising(arrays.library_of(x).linalg.inv, x)
    except np.linalg.LinAlgError:
        return _inverse_by_triangles(x)


@on_host
def _inverse_by_triangles(x: Any) -> Any:
    packed, swaps, _ = lu(x)
    exchanged = np.eye(x.shape[-1], dtype=x.dtype)[permutation(swaps, rows=x.shape[-1])]
    return solve_triangular(
        packed, solve_triangular(packed, exchanged, upper=False, unitriangular=True), upper=True, unitriangular=False
    )
