"""The normal distribution of vectors."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from nbautograd.core.array import Size
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.cholesky import cholesky
from nbautograd.ops.linalg.solve import solve_triangular

from . import constraints
from .distribution import Distribution
from .utils import broadcast_shapes, functions, normal_noise

FORMS = ("covariance_matrix", "precision_matrix", "scale_tril")


def squares_of() -> dict[str, constraints.Constraint]:
    """What the matrices in the three forms must fulfil."""
    return dict(zip(FORMS, (constraints.positive_definite,) * 2 + (constraints.lower_cholesky,), strict=True))


class Factored(Distribution):
    """A distribution with a covariance that may be given in three forms and is kept as its Cholesky factor."""

    _tril: Tensor

    @property
    def _square(self) -> Size:
        """The shape of the matrices."""
        return self._batch_shape + self._event_shape + self._event_shape

    @cached_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._tril.expand(self._square)

    @cached_property
    def covariance_matrix(self) -> Tensor:
        """How the components vary together."""
        return (self._tril @ self._tril.mT).expand(self._square)

    @cached_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        inverse = _solve(self._tril, identity_of(self._tril))
        return (inverse.mT @ inverse).expand(self._square)


class MultivariateNormal(Factored):
    """A bell in several dimensions, given by its mean and its covariance, the inverse of that, or its Cholesky factor.

    Math: log p(x) = −½ (x − loc)ᵀ Σ⁻¹ (x − loc) − ½ log det(2π Σ)
    """

    arg_constraints = {"loc": constraints.real_vector, **squares_of()}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = dict(zip(FORMS, (covariance_matrix, precision_matrix, scale_tril), strict=True))
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            what = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{what} must be at least two-dimensional, with optional leading batch dimensions")
        batch = tuple(broadcast_shapes(matrix.shape[:-2], loc.shape[:-1]))
        self.loc = loc.expand((*batch, -1))
        self.__dict__[name] = matrix.expand((*batch, -1, -1))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._tril = factor_of(name, matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return (self._tril**2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = normal_noise(self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = squared_distance(self._tril, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - half_log_det(self._tril)

    def entropy(self) -> Tensor:
        entropy = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det(self._tril)
        return entropy.expand(self._batch_shape)


def half_log_det(tril: Tensor) -> Tensor:
    """Half the logarithm of the determinant of L Lᵀ."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def squared_distance(tril: Tensor, difference: Tensor) -> Tensor:
    """dᵀ (L Lᵀ)⁻¹ d: the squared distance in deviations."""
    return (_solve(tril, difference.unsqueeze(-1)).squeeze(-1) ** 2).sum(-1)


def _solve(tril: Tensor, right: Tensor) -> Tensor:
    return solve_triangular(tril, right, upper=False)


def identity_of(matrix: Tensor) -> Tensor:
    """The identity matrix beside `matrix`."""
    return functions.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)


def factor_of(form: str, matrix: Tensor) -> Tensor:
    """The Cholesky factor of the covariance from whichever matrix was given."""
    if form == "scale_tril":
        return matrix
    if form == "covariance_matrix":
        return cholesky(matrix)
    # With P = L Lᵀ factored from its last row upwards, L⁻ᵀ turned round is the factor of P⁻¹.
    turned = cholesky(matrix.flip((-2, -1))).flip((-2, -1)).mT
    return _solve(turned, identity_of(matrix))
