"""Inverses and linear equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import into_out
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.parts import turned
from nbautograd.ops.linalg.refusals import check_equation, check_matrices, first_failure, not_invertible, not_solvable
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, cases, through

SQUARE = ((1, 1), (2, 2), (3, 3), (4, 4), (2, 2, 2), (3, 1, 1), (1, 3, 3), (2, 1, 2, 2), (5, 5), (2, 3, 3),
          (0, 0), (0, 2, 2), (2, 0, 0))  # fmt: skip
_RIGHT = ((2, 1), (2, 2), (2, 3), (2, 0), (3, 2, 2), (1, 2, 1))


def invertible(make: Make, *shape: int) -> Any:
    """Matrices far from singular ones, with eigenvalues that differ."""
    return make(*shape) + np.diag(np.linspace(3, 6, shape[-1])).astype(make.dtype)


def invertible_ones(make: Make) -> Any:
    for shape in (*SQUARE, *SQUARE):
        yield (invertible(make, *shape),)
    yield (turned(invertible(make, 3, 3)),)


def _equations(make: Make) -> Any:
    for shape in SQUARE:
        yield invertible(make, *shape), make(*shape)
    for left in ((2, 2), (3, 2, 2), (1, 2, 2)):
        for right in _RIGHT:
            yield invertible(make, *left), make(*right)
    yield invertible(make, 2, 2), make(2)
    yield invertible(make, 2, 3, 3), make(2, 3)
    yield invertible(make, 3, 3), make(2, 3), {"left": False}
    yield invertible(make, 2, 3, 3), make(1, 2, 3), {"left": False}


def _triangles(make: Make) -> Any:
    for i, case in enumerate(_equations(make)):
        if case[1].ndim > 1 and (case[0].ndim == case[1].ndim or len(case) > 2 or case[0].ndim == 2):
            options = case[2] if len(case) > 2 else {}
            yield *case[:2], {**options, "upper": i % 2 == 0, "unitriangular": i % 3 == 0}


class Inv(Op):
    """The inverse of a matrix.

    Math: ∂ℒ/∂x = −outᵀ g outᵀ
    Raises: LinAlgError when there is none.
    """

    node_name = "LinalgInvExBackward0"
    tex = {"x": "-out^\\top g\\, out^\\top"}
    samples = through("inverse", invertible_ones)

    def forward(x):
        return kernels.raising(xp.linalg.inv, x)

    def dx(g, out):
        back = turned(out)
        return -xp.matmul(xp.matmul(back, g), back)

    def refuse(x):
        return not_invertible(x)


class InvEx(Inv):
    """The inverse of a matrix, with infinities where there is none."""

    samples = cases(invertible_ones, name="")

    def forward(x):
        return kernels.inverse(x)


class Solve(Op):
    """The solution X of linear equations A X = B.

    Math: X = A⁻¹ B; ∂ℒ/∂B = A⁻ᵀ g, ∂ℒ/∂A = −A⁻ᵀ g Xᵀ
    Shape: a (…, N, N), b (…, N, K) → (…, N, K)
    Raises: LinAlgError when A is singular.
    """

    node_name = "LinalgSolveExBackward0"
    broadcasts = True
    tex = {"a": "-a^{-\\top} g\\, out^\\top", "b": "a^{-\\top} g"}
    samples = through("linalg.solve", _equations, named=False)

    def forward(a, b):
        return kernels.raising(xp.linalg.solve, a, b)

    def da(g, a, out):
        return -xp.matmul(xp.solve(turned(a), g), turned(out))

    def db(g, a):
        return xp.solve(turned(a), g)

    def refuse(a, b):
        return not_solvable(a)


class SolveTriangular(Op):
    """The solution X of A X = B for a triangular A, of which only one triangle is read.

    Shape: a (…, N, N), b (…, N, K) → (…, N, K)
    """

    node_name = "LinalgSolveTriangularBackward0"
    broadcasts = True
    tex = {"a": "-a^{-\\top} g\\, out^\\top", "b": "a^{-\\top} g"}
    samples = through("linalg.solve_triangular", _triangles, named=False)

    def forward(a, b, *, upper, unitriangular=False):
        return kernels.solve_triangular(a, b, upper=upper, unitriangular=unitriangular)

    def da(g, a, out, upper, unitriangular):
        back = xp.solve_triangular(turned(a), g, upper=not upper, unitriangular=unitriangular)
        whole = -xp.matmul(back, turned(out))
        return xp.triu(whole, int(unitriangular)) if upper else xp.tril(whole, -int(unitriangular))

    def db(g, a, upper, unitriangular):
        return xp.solve_triangular(turned(a), g, upper=not upper, unitriangular=unitriangular)


# --- torch's signatures -------------------------------------------------------------------------------------------

InvExResult = result("linalg_inv_ex", "inverse", "info")
SolveExResult = result("linalg_solve_ex", "result", "info")
TriangularSolveResult = result("triangular_solve", "solution", "cloned_coefficient")


def inv(A):
    """The inverse of a matrix.

    Raises: LinAlgError when the matrix is singular.
    Example:
        >>> import nbautograd as torch
        >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])
    """
    check_matrices("linalg.inv", A)
    return Inv.call(A)


@public()
def inverse(input, *, out: Any = None):
    """See `torch.linalg.inv`."""
    return into_out(out, inv(input), "inverse")


def inv_ex(A, *, check_errors=False):
    """The inverse of a matrix, and the number of its first pivot that is zero (0: there is none)."""
    check_matrices("linalg.inv", A)
    info = kernels.lu(A._data)[2]
    return InvExResult((Inv if check_errors else InvEx).call(A), wrap(info))


def solve(A, B, *, left=True):
    """The solution X of the linear equations A X = B (`left=False`: X A = B).

    Shape: A (…, N, N), B (…, N) or (…, N, K)
    Raises: LinAlgError when A is singular.
    """
    check_matrices("linalg.solve", A)
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    right = B.unsqueeze(-1) if vector else B
    check_equation("linalg.solve", A, right, left or vector)
    if vector:
        return Solve.call(A, right).squeeze(-1)
    return Solve.call(A, right) if left else Solve.call(A.mT, right.mT).mT


def solve_ex(A, B, *, left=True, check_errors=False):
    """The solution of linear equations, and the number of A's first pivot that is zero (0: there is none)."""
    check_matrices("linalg.solve", A)
    info = kernels.lu(A._data)[2]
    if first_failure(info) is None or check_errors:
        return SolveExResult(solve(A, B, left=left), wrap(info))
    unsolved = wrap(np.full(np.broadcast_shapes(A._data.shape[:-2] + B._data.shape[-2:]), np.nan, B._data.dtype))
    return SolveExResult(unsolved, wrap(info))


def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """The solution X of A X = B (`left=False`: X A = B) for a triangular A; its other triangle is not read.

    Raises: RuntimeError when the shapes do not fit.
    """
    check_matrices("linalg.solve_triangular", A)
    check_matrices("linalg.solve_triangular", B, square=False, argument="B")
    check_equation("linalg.solve_triangular", A, B, left)
    if left:
        return SolveTriangular.call(A, B, upper=upper, unitriangular=unitriangular)
    return SolveTriangular.call(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT


@public()
def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False):
    """See `torch.linalg.solve_triangular`, whose arguments stand in another order."""
    a = A.mT if transpose else A
    solution = solve_triangular(a, b, upper=upper != transpose, unitriangular=unitriangular)
    return TriangularSolveResult(solution, A.clone())
