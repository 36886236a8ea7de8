"""Numbers between 0 and 1, more of them near one end: what a Bernoulli distribution is for truth values."""

from __future__ import annotations

from typing import Any

from nbautograd.core.tensor import Tensor

from . import constraints
from .counts import OfTwo
from .exp_family import ExponentialFamily
from .kl import register_kl
from .utils import broadcast_all, clamp_probs, functions, probs_to_logits, uniform_noise

NEAR_EVEN = 0.25
"""Log-odds below this in size are where series are more exact than differences of large numbers."""


def _either(odds: Tensor, series: Any, direct: Any) -> Tensor:
    """`series(η)` near an even split, `direct(η)` away from it; neither is computed where it fails."""
    near = odds.abs() < NEAR_EVEN
    small, large = functions.where(near, odds, 0.0), functions.where(near, 1.0, odds)
    return functions.where(near, series(small), direct(large))


class ContinuousBernoulli(OfTwo, ExponentialFamily):
    """The likelihood of grey values that makes a variational autoencoder right.

    Math: p(x) = e^(ηx) · η / (e^η − 1), with η the log-odds
    Source: Loaiza-Ganem and Cunningham 2019, *The continuous Bernoulli*.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._take(probs, logits)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)
        if probs is not None:
            self.probs = self._param = clamp_probs(self.probs)

    @property
    def _odds(self) -> Tensor:
        """The log-odds, finite."""
        return probs_to_logits(self.probs, is_binary=True)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self._odds,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """log ∫ e^(ηx) dx over the unit interval."""
        return _either(
            natural_params[0],
            lambda n: n / 2 + n**2 / 24 - n**4 / 2880 + n**6 / 181440 - n**8 / 9676800,
            lambda n: n.clamp(min=0) + (-(-n.abs()).expm1() / n.abs()).log(),
        )

    @property
    def mean(self) -> Tensor:
        return _either(
            self._odds,
            lambda n: 0.5 + n / 12 - n**3 / 720 + n**5 / 30240 - n**7 / 1209600,
            lambda n: -1 / (-n).expm1() - 1 / n,
        )

    @property
    def variance(self) -> Tensor:
        return _either(
            self._odds,
            lambda n: 1 / 12 - n**2 / 240 + n**4 / 6048 - n**6 / 172800,
            lambda n: 1 / n**2 - 1 / (2 * (n / 2).sinh()) ** 2,
        )

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_noise(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        odds, value = broadcast_all(self.logits, value)
        return odds * value - self._log_normalizer(self._odds)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        odds, value = broadcast_all(self._odds, value)
        even = odds == 0
        safe = functions.where(even, functions.ones_like(odds), odds)
        below = functions.where(even, value, (safe * value).expm1() / safe.expm1())
        return below.clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        odds, value = broadcast_all(self._odds, value)
        even = odds == 0
        safe = functions.where(even, functions.ones_like(odds), odds)
        return functions.where(even, value, (value * safe.expm1()).log1p() / safe)

    def entropy(self) -> Tensor:
        return self._log_normalizer(self._odds) - self._odds * self.mean


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    return p.mean * (p._odds - q._odds) - p._log_normalizer(p._odds) + q._log_normalizer(q._odds)
