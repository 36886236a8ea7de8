"""Which matrices a parameter may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import CPU, place
from nbautograd.core.tensor import Tensor

from .constraint import Constraint
from .utils import functions


class LowerTriangular(Constraint):
    """A square matrix with zeros above its diagonal."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return (value.tril() == value).flatten(-2).all(-1)


class LowerCholesky(LowerTriangular):
    """A lower triangular matrix with a positive diagonal."""

    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class CorrCholesky(LowerCholesky):
    """The Cholesky factor of a correlation matrix: each of its rows has the length one."""

    def check(self, value: Tensor) -> Tensor:
        lengths = (value.detach() ** 2).sum(-1).sqrt()
        slack = 10 * value.shape[-1] * float(np.finfo(value._data.dtype).eps)
        return super().check(value) & ((lengths - 1).abs() <= slack).all(-1)


class Square(Constraint):
    """A square matrix."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return functions.full(value.shape[:-2], value.shape[-2] == value.shape[-1])


class Symmetric(Square):
    """A symmetric matrix."""

    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        return found & ((value - value.mT).abs() <= 1e-6).flatten(-2).all(-1) if bool(found.all()) else found


def _smallest_eigenvalue(value: Tensor) -> Any:
    return np.linalg.eigvalsh(place(value._data, CPU))[..., 0]


class PositiveDefinite(Symmetric):
    """A symmetric matrix whose eigenvalues are positive."""

    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        return functions.as_tensor(np.asarray(_smallest_eigenvalue(value) > 0)) if bool(found.all()) else found


class PositiveSemidefinite(Symmetric):
    """A symmetric matrix without negative eigenvalues."""

    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        return functions.as_tensor(np.asarray(_smallest_eigenvalue(value) >= 0)) if bool(found.all()) else found
