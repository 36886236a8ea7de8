"""What torch refuses in linear algebra, in its words."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.linalg import kernels


class LinAlgError(RuntimeError):
    """A decomposition or a solution does not exist: the matrix is singular, or not positive-definite."""


def check_matrices(
    name: str, x: Any, square: bool = True, dtype: bool = True, half: bool = False, argument: str = "A"
) -> None:
    """Refuse what is no (square) matrix of floats, nor a stack of them.

    Raises: RuntimeError in torch's words.
    """
    if x.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor {argument + ' ' * bool(argument)}must have at least 2 dimensions.\n"
            f"  it has the shape {tuple(x.shape)}\n  hint: a column is x.unsqueeze(-1), a row x.unsqueeze(0)"
        )
    rows, columns = x.shape[-2:]
    if square and rows != columns:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    kind = x.dtype
    if dtype and not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {kind.tensor_type}"
            "\n  hint: x.float() makes its numbers floats"
        )
    if dtype and not half and kind.tensor_type == "Half":
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got Half\n  hint: x.float() makes it float32")


def check_equation(name: str, a: Any, b: Any, left: bool) -> None:
    """Refuse matrices that do not stand in one equation A X = B (or X A = B).

    Raises: RuntimeError in torch's words.
    """
    n = a.shape[-1]
    if b.shape[-2 if left else -1] != n:
        form = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {form} "
            f"({a.shape[-2]}x{n} and {b.shape[-2]}x{b.shape[-1]})"
        )
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {a.dtype.tensor_type} "
            f"and B of type {b.dtype.tensor_type} instead"
        )


def first_failure(info: Any) -> tuple[str, int] | None:
    """Which matrix of a stack failed, in torch's words, and LAPACK's number of the failure."""
    numbers = np.atleast_1d(info).reshape(-1)
    failed = np.flatnonzero(numbers)
    if not failed.size:
        return None
    where = f"(Batch element {failed[0]}): " if np.ndim(info) else ""
    return where, int(numbers[failed[0]])


def not_invertible(x: Any) -> LinAlgError | None:
    """torch's error for a matrix without an inverse."""
    found = first_failure(kernels.lu(x)[2])
    return found and LinAlgError(
        f"linalg.inv: {found[0]}The diagonal element {found[1]} is zero, the inversion could not be completed because "
        "the input matrix is singular.\n"
        "  hint: torch.linalg.pinv(A) exists for every matrix; A + eps * torch.eye(n) is invertible"
    )


def not_solvable(a: Any) -> LinAlgError | None:
    """torch's error for an equation without one solution."""
    found = first_failure(kernels.lu(a)[2])
    return found and LinAlgError(
        f"torch.linalg.solve: {found[0]}The solver failed because the input matrix is singular.\n"
        "  hint: torch.linalg.lstsq(A, B).solution exists for every matrix"
    )


def not_positive(info: Any, name: str = "linalg.cholesky") -> LinAlgError | None:
    """torch's error for a matrix that is not positive-definite."""
    found = first_failure(info)
    return found and LinAlgError(
        f"{name}: {found[0]}The factorization could not be completed because the input is not positive-definite (the "
        f"leading minor of order {found[1]} is not positive-definite).\n"
        "  hint: a covariance may have lost it by rounding; A + 1e-6 * torch.eye(n) often is"
    )


def no_convergence(name: str) -> LinAlgError:
    """torch's error for an iteration that did not come to an end."""
    return LinAlgError(
        f"{name}: The algorithm failed to converge because the input matrix contained non-finite values.\n"
        "  hint: torch.isfinite(A).all() tells where they come from; torch.autograd.set_detect_anomaly(True) finds NaN"
    )
