"""The generalised Pareto distribution: how far beyond a threshold."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, functions, uniform_noise


class GeneralizedPareto(Distribution):
    """The tail from `loc` upwards: bounded where the concentration c is below 0, exponential at 0, a power law above.

    Math: P(X > x) = (1 + c·z)^(−1/c), z = (x − loc)/scale; e^(−z) for c = 0
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:  # type: ignore[override]
        """From `loc` to the bound that a negative concentration sets."""
        c = self.concentration
        return constraints.interval(self.loc, functions.where(c < 0, self.loc - self.scale / c, math.inf))

    def _by_kind(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is zero, and a concentration that is nowhere zero."""
        c = self.concentration
        zero = functions.isclose(c, functions.zeros_like(c))
        return zero, functions.where(zero, functions.ones_like(c), c)

    def _scaled(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (value - self.loc) / self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        z, (zero, c) = self._scaled(value), self._by_kind()
        power = 1 / c + functions.ones_like(z)
        return -self.scale.log() - functions.where(zero, z, functions.where(power == 0, power, power * (c * z).log1p()))

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of a draw beyond `value`."""
        z, (zero, c) = self._scaled(value), self._by_kind()
        return functions.where(zero, -z, -(c * z).log1p() / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of a draw up to `value`."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        zero, c = self._by_kind()
        beyond = (-value).log1p()
        return functions.where(zero, self.loc - self.scale * beyond, self.loc + self.scale / c * (-c * beyond).expm1())

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_noise(self._extended_shape(sample_shape), self.loc))

    @property
    def mean(self) -> Tensor:
        finite = self.concentration < 1
        c = functions.where(finite, self.concentration, 0.5)
        return functions.where(finite, self.loc + self.scale / (1 - c), math.nan)

    @property
    def variance(self) -> Tensor:
        finite = self.concentration < 0.5
        c = functions.where(finite, self.concentration, 0.25)
        return functions.where(finite, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
