"""Divergences of distributions of different kinds: E[−log q(x)] from moments of p, less the entropy of p."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.tensor import Tensor

from .counts import Bernoulli, Binomial, Poisson
from .kl import EULER, FORMULAS, INFINITE, Formula, infinite_where, register_kl
from .location import Gumbel, Laplace, Uniform
from .normal import LOG_ROOT_2PI, Normal
from .positive import Exponential, Gamma, Pareto
from .simplex import Beta
from .utils import broadcast_shapes, functions


def _register(kinds: tuple[type, ...], others: tuple[type, ...], formula: Formula) -> None:
    for kind in kinds:
        for other in others:
            FORMULAS.setdefault((kind, other), formula)


def _from_normal(p: Any, q: Normal) -> Tensor:
    distance = (p.variance + (p.mean - q.loc) ** 2) / (2 * q.scale**2)
    divergence = distance + q.scale.log() + LOG_ROOT_2PI - p.entropy()
    return infinite_where(p.alpha <= 2, divergence) if isinstance(p, Pareto) else divergence


def _from_exponential(p: Any, q: Exponential) -> Tensor:
    return _outside(p, q.rate * p.mean - q.rate.log() - p.entropy(), order=1)


def _from_gamma(p: Any, q: Gamma) -> Tensor:
    a = q.concentration
    crossed = a.lgamma() - a * q.rate.log() - (a - 1) * _mean_of_log(p) + q.rate * p.mean
    return _outside(p, crossed - p.entropy(), order=1)


def _outside(p: Any, divergence: Tensor, order: int) -> Tensor:
    """Infinite where `p` reaches below zero, or has no mean."""
    if isinstance(p, Uniform):
        return infinite_where(p.low < 0, divergence)
    return infinite_where(p.alpha <= order, divergence) if isinstance(p, Pareto) else divergence


def _mean_of_log(p: Any) -> Tensor:
    match p:
        case Beta():
            return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
        case Exponential():
            return -EULER - p.rate.log()
        case Pareto():
            return p.scale.log() + p.alpha.reciprocal()
        case _:
            return (p.high.xlogy(p.high) - p.low.xlogy(p.low)) / (p.high - p.low) - 1


def _from_gumbel(p: Any, q: Gumbel) -> Tensor:
    falling = (q.loc / q.scale).exp() * _mean_of_falling(p, q.scale)
    return q.scale.log() + (p.mean - q.loc) / q.scale + falling - p.entropy()


def _mean_of_falling(p: Any, s: Tensor) -> Tensor:
    """E[e^(−x/s)]"""
    match p:
        case Normal():
            return (-p.loc / s + 0.5 * (p.scale / s) ** 2).exp()
        case Exponential():
            return (1 + 1 / (s * p.rate)).reciprocal()
        case Gamma():
            return (1 + 1 / (s * p.rate)) ** -p.concentration
        case _:
            return s * ((-p.low / s).exp() - (-p.high / s).exp()) / (p.high - p.low)


def _from_uniform(p: Any, q: Uniform) -> Tensor:
    low, high = p.support.lower_bound, p.support.upper_bound
    return infinite_where((q.low > low) | (q.high < high), (q.high - q.low).log() - p.entropy())


def _from_beta(p: Uniform, q: Beta) -> Tensor:
    one, zero = q.concentration1, q.concentration0
    turned = Uniform(1 - p.high, 1 - p.low, validate_args=False)
    norm = one.lgamma() + zero.lgamma() - (one + zero).lgamma()
    crossed = norm - (one - 1) * _mean_of_log(p) - (zero - 1) * _mean_of_log(turned)
    return infinite_where((p.high > 1) | (p.low < 0), crossed - p.entropy())


def _from_pareto(p: Uniform, q: Pareto) -> Tensor:
    crossed = (q.alpha + 1) * _mean_of_log(p) - q.alpha.log() - q.alpha * q.scale.log()
    return infinite_where(p.low < q.scale, crossed - p.entropy())


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    away = (p.loc - q.loc) / p.scale
    distance = math.sqrt(2 / math.pi) * (-0.5 * away**2).exp() + away * (away / math.sqrt(2)).erf()
    return p.scale * distance / q.scale + (2 * q.scale).log() - p.entropy()


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _never(p: Any, q: Any) -> Tensor:
    """`p` draws what `q` cannot."""
    return functions.full(broadcast_shapes(p.batch_shape, q.batch_shape), INFINITE, dtype=p.mean.dtype)


_WHOLE_LINE, _BOUNDED = (Normal, Laplace, Gumbel), (Beta, Uniform, Pareto)
_register((Beta, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform), (Normal,), _from_normal)
_register((Beta, Gamma, Pareto, Uniform), (Exponential,), _from_exponential)
_register((Beta, Exponential, Pareto, Uniform), (Gamma,), _from_gamma)
_register((Normal, Exponential, Gamma, Uniform), (Gumbel,), _from_gumbel)
_register((Beta,), (Uniform,), _from_uniform)
_register((Uniform,), (Beta,), _from_beta)
_register((Uniform,), (Pareto,), _from_pareto)
_register(_WHOLE_LINE, (*_BOUNDED, Exponential, Gamma), _never)
_register((Exponential, Gamma), _BOUNDED, _never)
_register((Pareto,), (Beta, Uniform), _never)
_register((Beta,), (Pareto,), _never)
_register((Poisson,), (Bernoulli, Binomial), _never)
