"""The von Mises distribution: the bell on a circle."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor
from nbautograd.ops.special.bessel import I0e, I1e

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, functions, uniform_noise


class VonMises(Distribution):
    """An angle in radians around `loc`: the larger the concentration, the nearer.

    Math: log p(x) = κ·cos(x − loc) − log(2π I₀(κ))
    Source: Best and Fisher 1979, *Efficient simulation of the von Mises distribution*.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # κ·cos d − log I₀(κ), with e^κ taken out of both so that nothing overflows
        near = self.concentration * ((value - self.loc).cos() - 1)
        return near - I0e.call(self.concentration).log() - math.log(2 * math.pi)

    @property
    def mean(self) -> Tensor:
        """The direction of the mean of the draws as points on the circle."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """How far the mean of the draws as points on the circle is from the circle."""
        return 1 - I1e.call(self.concentration) / I0e.call(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw, in double precision, by rejection from a wrapped Cauchy distribution."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            kappa = self.concentration.double().expand(shape)
            tau = 1 + (1 + 4 * kappa**2).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
            r = functions.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))  # a series for small κ
            turn, missing = functions.zeros_like(kappa), functions.ones_like(kappa).bool()
            while bool(missing.any()):
                u, v, side = uniform_noise((3, *shape), kappa).unbind()
                z = (math.pi * u).cos()
                f = (1 + r * z) / (r + z)
                c = kappa * (r - f)
                taken = missing & ((c * (2 - c) > v) | ((c / v).log() + 1 - c >= 0))
                turn = functions.where(taken, (side - 0.5).sign() * f.acos(), turn)
                missing = missing & ~taken
            return ((turn + math.pi + self.loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
