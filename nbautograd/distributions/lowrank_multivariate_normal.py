"""The normal distribution of vectors whose components share few causes."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.cholesky import cholesky
from nbautograd.ops.linalg.solve import solve_triangular

from . import constraints
from .distribution import Distribution
from .multivariate_normal import half_log_det, identity_of, squared_distance
from .utils import functions, normal_noise


class LowRankMultivariateNormal(Distribution):
    """A bell in many dimensions with the covariance W Wᵀ + diag d, W being as narrow as the causes are few.

    Only the small matrix C = I + Wᵀ diag(1/d) W is ever factored.

    Math: det(W Wᵀ + D) = det C · det D; (W Wᵀ + D)⁻¹ = D⁻¹ − D⁻¹ W C⁻¹ Wᵀ D⁻¹
    Shape: loc (…, N), cov_factor (…, N, R), cov_diag (…, N)
    Source: Woodbury 1950, *Inverting modified matrices*.
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        _check_shapes(loc, cov_factor, cov_diag)
        try:
            middle, self.cov_factor, diagonal = functions.broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = middle[..., 0], diagonal[..., 0]
        self._w, self._d = cov_factor, cov_diag
        scaled = cov_factor.mT / cov_diag.unsqueeze(-2)
        small = scaled @ cov_factor
        self._small = cholesky(small + identity_of(small))
        self._halves = solve_triangular(self._small, scaled, upper=False)
        super().__init__(self.loc.shape[:-1], self.loc.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return ((self._w**2).sum(-1) + self._d).expand(self._batch_shape + self._event_shape)

    def _full(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @cached_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        root = self._d.sqrt().unsqueeze(-1)
        narrow = self._w / root
        square = narrow @ narrow.mT
        return self._full(root * cholesky(square + identity_of(square)))

    @cached_property
    def covariance_matrix(self) -> Tensor:
        """How the components vary together."""
        return self._full(self._w @ self._w.mT + self._d.diag_embed())

    @cached_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return self._full(self._d.reciprocal().diag_embed() - self._halves.mT @ self._halves)

    @property
    def log_det(self) -> Tensor:
        """The logarithm of the covariance's determinant."""
        return 2 * half_log_det(self._small) + self._d.log().sum(-1)

    def squared_distance(self, difference: Tensor) -> Tensor:
        """The squared distance from the mean in deviations."""
        inner = (self._w.mT @ (difference / self._d).unsqueeze(-1)).squeeze(-1)
        return (difference**2 / self._d).sum(-1) - squared_distance(self._small, inner)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        causes = normal_noise((*shape[:-1], self._w.shape[-1]), self.loc)
        shared = (self._w @ causes.unsqueeze(-1)).squeeze(-1)
        return self.loc + shared + self._d.sqrt() * normal_noise(shape, self.loc)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = self.squared_distance(value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self.log_det + distance)

    def entropy(self) -> Tensor:
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self.log_det)
        return entropy.expand(self._batch_shape)


def _check_shapes(loc: Tensor, cov_factor: Tensor, cov_diag: Tensor) -> None:
    """Refuse what does not fit together.

    Raises: ValueError in torch's words.
    """
    if loc.ndim < 1:
        raise ValueError("loc must be at least one-dimensional.")
    if cov_factor.ndim < 2:
        raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
    if cov_factor.shape[-2] != loc.shape[-1]:
        raise ValueError(f"cov_factor must be a batch of matrices with shape {loc.shape[-1]} x m")
    if cov_diag.shape[-1:] != loc.shape[-1:]:
        raise ValueError(f"cov_diag must be a batch of vectors with shape {loc.shape[-1:]}")
