"""How far one distribution is from another: the Kullback–Leibler divergence, where there is a formula for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.solve import solve_triangular

from .categorical import Categorical, OneHotCategorical
from .counts import Bernoulli, Binomial, Geometric, Poisson
from .distribution import Distribution
from .exp_family import ExponentialFamily, bregman
from .independent import Independent
from .location import Cauchy, Gumbel, Laplace, Uniform
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, half_log_det, squared_distance
from .normal import HalfNormal, Normal
from .positive import Exponential, Gamma, Pareto
from .simplex import Beta, Dirichlet
from .transformed_distribution import TransformedDistribution
from .utils import functions, sum_last

Formula = Callable[[Any, Any], Tensor]
FORMULAS: dict[tuple[type, type], Formula] = {}
INFINITE = float("inf")
EULER = Gumbel.EULER


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """Enter a formula for the divergence of a `type_p` from a `type_q`; it serves subclasses too.

    Raises: TypeError for what is no kind of distribution.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def enter(formula: Formula) -> Formula:
        FORMULAS[type_p, type_q] = formula
        return formula

    return enter


register_kl(ExponentialFamily, ExponentialFamily)(bregman)


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """What is lost, in nats, by taking `q` for `p`.

    Math: KL(p ‖ q) = E[log p(x) − log q(x)] for x from p
    Raises: NotImplementedError when there is no formula for the two.
    Example:
        >>> from nbautograd.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0))
        tensor(0.5000)
    """
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in FORMULAS:
                return FORMULAS[kind_p, kind_q](p, q)
    raise NotImplementedError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
    )


def infinite_where(condition: Tensor, otherwise: Tensor) -> Tensor:
    """Infinity where the condition holds: `p` draws what `q` cannot."""
    return functions.where(condition, INFINITE, otherwise)


# --- of the same kind ---------------------------------------------------------------------------------------------


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    softplus, none = functions.softplus, functions.zeros_like(p.probs)
    one = infinite_where(q.probs == 0, p.probs * (softplus(-q.logits) - softplus(-p.logits)))
    zero = infinite_where(q.probs == 1, (1 - p.probs) * (softplus(q.logits) - softplus(p.logits)))
    return functions.where(p.probs == 0, none, one) + functions.where(p.probs == 1, none, zero)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    of_one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return infinite_where(p.total_count > q.total_count, p.total_count * of_one)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    parts = infinite_where(q.probs == 0, p.probs * (p.logits - q.logits))
    return functions.where(p.probs == 0, functions.zeros_like(parts), parts).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    norms = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norms + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    norms = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return norms + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (q.loc - p.loc) / q.scale
    return (shift + (1 + ratio).lgamma()).exp() - ratio.log() - shift + ratio * EULER - (1 + EULER)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale + ratio * (-distance / p.scale).exp() - ratio.log() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    distance = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return distance.log() - (4 * p.scale * q.scale).log()


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return 0.5 * (ratio * ratio + distance * distance - 1) - ratio.log()


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


Bell = MultivariateNormal | LowRankMultivariateNormal


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p: Bell, q: MultivariateNormal) -> Tensor:
    _check_sizes(p, q)
    spread = (solve_triangular(q.scale_tril, p.scale_tril, upper=False) ** 2).sum((-2, -1))
    moved = squared_distance(q._tril, q.loc - p.loc)
    return 0.5 * (2 * half_log_det(q._tril) - _log_det(p) + spread + moved - p.event_shape[0])


register_kl(LowRankMultivariateNormal, MultivariateNormal)(_multivariate)


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: Bell, q: LowRankMultivariateNormal) -> Tensor:
    _check_sizes(p, q)
    spread = (q.precision_matrix * p.covariance_matrix).sum((-2, -1))
    return 0.5 * (q.log_det - _log_det(p) + spread + q.squared_distance(q.loc - p.loc) - p.event_shape[0])


register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)(_low_rank)


def _log_det(p: Bell) -> Tensor:
    return p.log_det if isinstance(p, LowRankMultivariateNormal) else 2 * half_log_det(p._tril)


def _check_sizes(p: Bell, q: Bell) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        )


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    divergence = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return infinite_where(p.scale < q.scale, divergence)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    return infinite_where((q.low > p.low) | (q.high < p.high), ((q.high - q.low) / (p.high - p.low)).log())


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_last(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)
