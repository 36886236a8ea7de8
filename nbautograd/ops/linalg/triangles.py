"""Decompositions into triangles: QR and LU."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.parts import adjoint, identity_like, lower_with_half_diagonal, turned
from nbautograd.ops.linalg.refusals import check_matrices, first_failure
from nbautograd.ops.linalg.solve import SQUARE, invertible, solve_triangular
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, cases, through

OBLONG = (
    (3, 2),
    (2, 3),
    (4, 1),
    (1, 4),
    (2, 3, 2),
    (2, 2, 3),
    (5, 3),
    (3, 5),
    (0, 3, 2),
    (2, 0),
    (0, 2),
    (4, 2),
    (2, 5),
)


def oblong(make: Make, *shape: int) -> Any:
    """Matrices of full rank, whose first square part is far from a singular one."""
    x = make(*shape)
    n = min(shape[-2:])
    x[..., :n, :n] = invertible(make, *shape[:-2], n, n)
    return x


def _full_rank(make: Make) -> Any:
    for shape in SQUARE:
        yield (invertible(make, *shape),)
    for shape in OBLONG:
        yield (oblong(make, *shape),)


def _orders(make: Make) -> Any:
    for shape in (*SQUARE, *OBLONG):
        order = np.argsort(make(*shape[:-1]), -1)
        yield make(*shape), {"order": order}


class Qr(Op):
    """An orthonormal matrix Q and an upper triangular R whose product is the matrix.

    Math: ∂ℒ/∂x = (gQ + Q sym(triu(gR Rᵀ − Qᵀ gQ))) R⁻ᵀ for matrices that are not wider than high
    Source: Roberts, Roberts: QR and LQ decomposition matrix backpropagation algorithms (2020)
    """

    name = "linalg_qr"
    node_name = "LinalgQrBackward0"
    outputs = 2
    conjugates = True
    samples = through("linalg.qr", _full_rank)

    def forward(x, *, mode="reduced"):
        if mode == "r":
            return xp.zeros((0,), dtype=x.dtype), xp.linalg.qr(x, mode="r")
        return tuple(xp.linalg.qr(x, mode=mode))

    def dx(g: Any, x, out, mode):
        gq, gr = g
        q, r = out
        if mode == "r":
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
            )
        high, wide = x.shape[-2:]
        if mode == "complete" and high > wide:
            raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
        if high >= wide:
            return qr_gradient(gq, gr, q, r)
        if gr is None:
            first, rest = qr_gradient(gq, None, q, r[..., :high]), xp.zeros_like(r[..., high:])
            return xp.concatenate([first, rest], axis=-1)
        through_rest = xp.matmul(x[..., high:], adjoint(gr[..., high:]))
        gq = through_rest if gq is None else gq + through_rest
        first = qr_gradient(gq, gr[..., :high], q, r[..., :high])
        return xp.concatenate([first, xp.matmul(q, gr[..., high:])], axis=-1)


def qr_gradient(gq, gr, q, r):
    """The gradient of a matrix that is not wider than high, from those of its factors."""
    inner = xp.zeros_like(r)
    if gr is not None:
        inner = inner + xp.matmul(gr, adjoint(r))
    if gq is not None:
        inner = inner - xp.matmul(adjoint(q), gq)
    inner = lower_with_half_diagonal(adjoint(inner))
    total = xp.matmul(q, inner + adjoint(inner))
    if gq is not None:
        total = total + gq
    return adjoint(xp.solve_triangular(r, adjoint(total), upper=True))


class LuFactor(Op):
    """The triangles L and U of a matrix with exchanged rows, in one matrix: L has ones on its diagonal.

    Math: P x = L U; ∂ℒ/∂x = Pᵀ L⁻ᵀ (tril₋₁(Lᵀ gL) + triu(gU Uᵀ)) U⁻ᵀ for square matrices
    """

    node_name = "LinalgLuFactorExBackward0"
    aux = ("swaps", "info")
    samples = through("linalg.lu_factor", _full_rank)

    def forward(x):
        return kernels.lu(x)

    def dx(g, out, swaps):
        high, wide = out.shape[-2:]
        n = min(high, wide)
        square, gs, rest = out[..., :n, :n], g[..., :n, :n], None
        if high > wide:
            below, g_below = out[..., n:, :], g[..., n:, :]
            rest = turned(xp.solve_triangular(square, turned(g_below), upper=True))
            gs = gs - xp.triu(xp.matmul(turned(below), rest))
        elif wide > high:
            beside, g_beside = out[..., n:], g[..., n:]
            rest = xp.solve_triangular(turned(square), g_beside, upper=True, unitriangular=True)
            gs = gs - xp.tril(xp.matmul(rest, turned(beside)), -1)
        total = lu_gradient(gs, square)
        if rest is not None:
            total = xp.concatenate([total, rest], axis=-2 if high > wide else -1)
        return in_order(total, swaps, back=True)


def lu_gradient(g, packed):
    """The gradient of a square matrix with exchanged rows, from that of its triangles."""
    lower = xp.tril(packed, -1) + identity_like(packed)
    upper = xp.triu(packed)
    inner = xp.tril(xp.matmul(turned(lower), xp.tril(g, -1)), -1) + xp.triu(xp.matmul(xp.triu(g), turned(upper)))
    left = xp.solve_triangular(turned(lower), inner, upper=True, unitriangular=True)
    return turned(xp.solve_triangular(upper, turned(left), upper=True))


class RowsInOrder(Op):
    """The rows of each matrix in another order."""

    samples = cases(_orders, name="")

    def forward(x, *, order):
        return xp.take_along_axis(x, xp.expand_dims(order, -1), -2)

    def dx(g, order):
        return xp.rows_in_order(g, order=order.argsort(-1))


def in_order(x, swaps, back=False):
    """The rows of `x` after LAPACK's exchanges (`back`: before them)."""
    return xp.rows_in_order(x, order=kernels.permutation(getattr(swaps, "_data", swaps), rows=x.shape[-2], back=back))


# --- torch's signatures -------------------------------------------------------------------------------------------

QrResult, TopQrResult = result("linalg_qr", "Q", "R"), result("qr", "Q", "R")
LuResult, LuUnpackResult = result("linalg_lu", "P", "L", "U"), result("lu_unpack", "P", "L", "U")
LuFactorResult = result("linalg_lu_factor", "LU", "pivots")
LuFactorExResult = result("linalg_lu_factor_ex", "LU", "pivots", "info")


def qr(A, mode="reduced"):
    """A matrix Q with orthonormal columns and an upper triangular R with Q R = A.

    `mode`: "reduced" gives as many columns as needed, "complete" a square Q, "r" R alone.
    """
    check_matrices("linalg.qr", A, square=False)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return QrResult(*Qr.call(A, mode=mode))


@public("qr")
def top_qr(input, some=True):
    """See `torch.linalg.qr`; `some=False` is its mode "complete"."""
    check_matrices("linalg.qr", input, square=False)
    return TopQrResult(*Qr.call(input, mode="reduced" if some else "complete"))


def _check_lu(A: Any) -> None:
    if A.ndim < 2:
        raise RuntimeError(
            f"torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead"
        )
    if not (A.dtype.is_floating_point or A.dtype.is_complex):
        raise NotImplementedError(f"\"lu_cpu\" not implemented for '{A.dtype.tensor_type}'")


def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """The factors L and U in one matrix, the exchanges of rows, and the number of the first pivot that is zero.

    Raises: RuntimeError for such a pivot if `check_errors` is set.
    """
    _check_lu(A)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    packed, swaps, info = LuFactor.call(A)
    failure = first_failure(info._data) if check_errors else None
    if failure is not None:
        raise RuntimeError(
            f"torch.linalg.lu_factor: {failure[0]}U[{failure[1]},{failure[1]}] is zero and using it on lu_solve would "
            "result in a division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    return LuFactorExResult(packed, swaps, info)


def lu_factor(A, *, pivot=True):
    """The factors L and U of a matrix with exchanged rows, in one matrix, and the exchanges.

    Raises: RuntimeError when a pivot is zero.
    """
    return LuFactorResult(*lu_factor_ex(A, pivot=pivot, check_errors=True)[:2])


@public("lu")
def top_lu(A, pivot=True, get_infos=False):
    """See `torch.linalg.lu_factor` and `torch.linalg.lu_factor_ex`."""
    packed, swaps, info = lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return result("_lu_with_info", "LU", "pivots", "info")(packed, swaps, info) if get_infos else (packed, swaps)


@public(method=False)
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """The permutation P and the triangles L and U of what `torch.linalg.lu_factor` gave."""
    high, wide = LU_data.shape[-2:]
    n = min(high, wide)
    nothing = LU_data.new_empty(0)
    order, lower, upper = nothing, nothing, nothing
    if unpack_data:
        ones = wrap(identity_like(LU_data._data[..., :, :n]))
        lower, upper = LU_data[..., :, :n].tril(-1) + ones, LU_data[..., :n, :].triu()
    if unpack_pivots:
        library = library_of(LU_data._data)
        square = library.broadcast_to(
            library.eye(high, dtype=LU_data._data.dtype), (*LU_data._data.shape[:-2], high, high)
        )
        places = kernels.permutation(LU_pivots._data, rows=high, back=True)
        order = RowsInOrder.call(wrap(square), order=places)
    return LuUnpackResult(order, lower, upper)


def lu(A, *, pivot=True):
    """A permutation P, a lower triangular L with ones on the diagonal, and an upper triangular U with P L U = A."""
    packed, swaps, _ = lu_factor_ex(A, pivot=pivot)
    order, lower, upper = lu_unpack(packed, swaps)
    return LuResult(order, lower, upper)


def lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """The solution X of A X = B (`left=False`: X A = B; `adjoint`: Aᴴ for A), from what `lu_factor` gave of A."""
    if not left:
        return lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    if adjoint:
        inner = solve_triangular(LU.mH, solve_triangular(LU.mH, B, upper=False), upper=True, unitriangular=True)
        return RowsInOrder.call(inner, order=kernels.permutation(pivots._data, rows=B.shape[-2], back=True))
    exchanged = RowsInOrder.call(B, order=kernels.permutation(pivots._data, rows=B.shape[-2]))
    return solve_triangular(LU, solve_triangular(LU, exchanged, upper=False, unitriangular=True), upper=True)


@public("lu_solve")
def top_lu_solve(b, LU_data, LU_pivots):
    """See `torch.linalg.lu_solve`, whose arguments stand in another order."""
    return lu_solve(LU_data, LU_pivots, b)
