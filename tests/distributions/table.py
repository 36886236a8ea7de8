"""Distributions with parameters and values, the same for both libraries.

A builder gets the library's `distributions` and a function that makes leaves; values are made by NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

REAL = np.array([[-1.5, 0.3, 2.0], [0.1, -0.7, 1.1]])
POSITIVE = np.array([[0.5, 1.3, 2.5], [0.1, 3.7, 1.1]])
SHARE = np.array([[0.25, 0.5, 0.9], [0.1, 0.73, 0.4]])
COUNTS = np.array([[0.0, 1.0, 3.0], [2.0, 4.0, 1.0]])
SIMPLEX = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
CORRELATED = np.linalg.cholesky(np.array([[1.0, 0.3, -0.2], [0.3, 1.0, 0.1], [-0.2, 0.1, 1.0]]))
THIN = np.array([[1.0, 0.5], [-0.3, 2.0], [0.2, 0.1]])
MATRIX = np.array([[2.0, 0.3, -0.2], [0.3, 1.0, 0.1], [-0.2, 0.1, 0.7]])


@dataclass
class Row:
    """A distribution, values to score, what of it PyTorch lacks, and how exact its figures are."""

    build: Callable[[Any, Callable[..., Any]], Any]
    values: np.ndarray
    lacks: tuple[str, ...] = ()
    tolerance: float = 1e-7


ROWS: dict[str, Row] = {
    "Normal": Row(lambda d, t: d.Normal(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), REAL),
    "Normal of numbers": Row(lambda d, t: d.Normal(0.0, 2.0), REAL),
    "Normal broadcast": Row(lambda d, t: d.Normal(t([[0.5], [1.0]]), t([1.0, 2.0, 0.5])), REAL),
    "LogNormal": Row(lambda d, t: d.LogNormal(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), POSITIVE),
    "HalfNormal": Row(lambda d, t: d.HalfNormal(t([1.0, 2.0, 0.5])), POSITIVE),
    "HalfCauchy": Row(lambda d, t: d.HalfCauchy(t([1.0, 2.0, 0.5])), POSITIVE),
    "Uniform": Row(lambda d, t: d.Uniform(t([-2.0, -1.0, 0.0]), t([2.0, 2.0, 3.0])), REAL.clip(0.1, 1.9)),
    "Laplace": Row(lambda d, t: d.Laplace(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), REAL),
    "Cauchy": Row(lambda d, t: d.Cauchy(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), REAL),
    "Gumbel": Row(lambda d, t: d.Gumbel(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), REAL),
    "StudentT": Row(lambda d, t: d.StudentT(t([0.9, 1.5, 5.0]), t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), REAL),
    "Exponential": Row(lambda d, t: d.Exponential(t([1.0, 2.0, 0.5])), POSITIVE),
    "Gamma": Row(lambda d, t: d.Gamma(t([0.5, 1.0, 4.0]), t([1.0, 2.0, 0.5])), POSITIVE, ("cdf gradients",)),
    "Chi2": Row(lambda d, t: d.Chi2(t([1.0, 2.0, 5.0])), POSITIVE, ("cdf gradients",)),
    "InverseGamma": Row(
        lambda d, t: d.InverseGamma(t([0.5, 1.5, 4.0]), t([1.0, 2.0, 0.5])), POSITIVE, ("cdf gradients",)
    ),
    "Weibull": Row(lambda d, t: d.Weibull(t([1.0, 2.0, 0.5]), t([1.5, 1.0, 2.0])), POSITIVE),
    "Pareto": Row(lambda d, t: d.Pareto(t([0.05, 0.1, 0.2]), t([1.5, 3.0, 4.0])), POSITIVE),
    "FisherSnedecor": Row(lambda d, t: d.FisherSnedecor(t([1.5, 3.0, 4.0]), t([3.0, 5.0, 7.0])), POSITIVE),
    "Beta": Row(lambda d, t: d.Beta(t([0.5, 2.0, 3.0]), t([1.5, 1.0, 4.0])), SHARE),
    "Kumaraswamy": Row(lambda d, t: d.Kumaraswamy(t([0.5, 2.0, 3.0]), t([1.5, 1.0, 4.0])), SHARE, ("mode",)),
    "Dirichlet": Row(lambda d, t: d.Dirichlet(t([0.5, 2.0, 3.0])), SIMPLEX),
    "Bernoulli": Row(lambda d, t: d.Bernoulli(t([0.3, 0.8, 0.5])), COUNTS.clip(0, 1)),
    "Bernoulli by logits": Row(lambda d, t: d.Bernoulli(logits=t([0.3, -0.8, 2.5])), COUNTS.clip(0, 1)),
    "ContinuousBernoulli": Row(lambda d, t: d.ContinuousBernoulli(t([0.3, 0.8, 0.02])), SHARE),
    "ContinuousBernoulli, nearly even": Row(lambda d, t: d.ContinuousBernoulli(t([0.48, 0.45, 0.54])), SHARE),
    "ContinuousBernoulli by logits": Row(lambda d, t: d.ContinuousBernoulli(logits=t([0.3, -0.8, 2.5])), SHARE),
    "LogisticNormal": Row(lambda d, t: d.LogisticNormal(t([0.5, -1.0]), t([1.0, 2.0])), SIMPLEX),
    "Geometric": Row(lambda d, t: d.Geometric(t([0.3, 0.8, 0.5])), COUNTS),
    "Geometric by logits": Row(lambda d, t: d.Geometric(logits=t([0.3, -0.8, 2.5])), COUNTS),
    "Binomial": Row(lambda d, t: d.Binomial(4, t([0.3, 0.8, 0.5])), COUNTS),
    "Binomial by logits": Row(lambda d, t: d.Binomial(4, logits=t([0.3, -0.8, 2.5])), COUNTS),
    "NegativeBinomial": Row(lambda d, t: d.NegativeBinomial(3, t([0.3, 0.8, 0.5])), COUNTS),
    "Poisson": Row(lambda d, t: d.Poisson(t([0.3, 2.8, 5.0])), COUNTS),
    "Categorical": Row(lambda d, t: d.Categorical(t([[0.3, 0.8, 0.5], [1.0, 1.0, 2.0]])), np.array([0.0, 2.0])),
    "Categorical by logits": Row(lambda d, t: d.Categorical(logits=t([0.3, -0.8, 2.5])), np.array([0.0, 2.0])),
    "OneHotCategorical": Row(lambda d, t: d.OneHotCategorical(t([0.3, 0.8, 0.5])), np.eye(3)),
    "Multinomial": Row(lambda d, t: d.Multinomial(4, t([0.3, 0.8, 0.5])), np.array([[1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])),
    "MultivariateNormal": Row(lambda d, t: d.MultivariateNormal(t([0.5, -1.0, 0.0]), t(MATRIX)), REAL),
    "MultivariateNormal by precision": Row(
        lambda d, t: d.MultivariateNormal(t([0.5, -1.0, 0.0]), precision_matrix=t(MATRIX)), REAL
    ),
    "MultivariateNormal by factor": Row(
        lambda d, t: d.MultivariateNormal(t([[0.5, -1.0, 0.0]]), scale_tril=t(np.tril(MATRIX))), REAL
    ),
    "Independent": Row(lambda d, t: d.Independent(d.Normal(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])), 1), REAL),
    "MixtureSameFamily": Row(
        lambda d, t: d.MixtureSameFamily(
            d.Categorical(t([0.3, 0.7])), d.Normal(t([[0.5, -1.0]] * 3), t([[1.0, 2.0]] * 3))
        ),
        REAL,
    ),
    "MixtureSameFamily of vectors": Row(
        lambda d, t: d.MixtureSameFamily(
            d.Categorical(t([0.3, 0.7])), d.Independent(d.Normal(t([[0.5, -1, 0]] * 2), t([[1.0, 2.0, 1.0]] * 2)), 1)
        ),
        REAL,
    ),
    "TransformedDistribution": Row(
        lambda d, t: d.TransformedDistribution(
            d.Normal(t([0.5, -1.0, 0.0]), t([1.0, 2.0, 0.5])),
            [d.AffineTransform(t(0.5), t([-2.0, 1.0, 3.0])), d.SigmoidTransform()],
        ),
        SHARE,
    ),
    "RelaxedBernoulli": Row(lambda d, t: d.RelaxedBernoulli(t(0.7), t([0.3, 0.8, 0.5])), SHARE),
    "RelaxedOneHotCategorical": Row(lambda d, t: d.RelaxedOneHotCategorical(t(0.7), t([0.3, 0.8, 0.5])), SIMPLEX),
    "VonMises": Row(lambda d, t: d.VonMises(t([0.5, -1.0, 0.0]), t([5.0, 20.0, 0.7])), REAL, tolerance=1e-4),
    "LKJCholesky": Row(lambda d, t: d.LKJCholesky(3, t([0.5, 2.0])), np.stack([CORRELATED, np.eye(3)])),
    "LowRankMultivariateNormal": Row(
        lambda d, t: d.LowRankMultivariateNormal(t([0.5, -1.0, 0.0]), t(THIN), t([0.5, 1.0, 2.0])), REAL
    ),
    "LowRankMultivariateNormal, batched": Row(
        lambda d, t: d.LowRankMultivariateNormal(t([[0.5, -1.0, 0.0]] * 2), t(THIN), t([0.5, 1.0, 2.0])), REAL
    ),
    "Wishart": Row(lambda d, t: d.Wishart(t(5.0), t(MATRIX)), MATRIX),
    "Wishart of a number": Row(lambda d, t: d.Wishart(7.5, t(MATRIX)), MATRIX),
    "Wishart by precision": Row(lambda d, t: d.Wishart(t([3.5, 9.0]), precision_matrix=t(MATRIX)), MATRIX),
    "Wishart by factor": Row(lambda d, t: d.Wishart(t([4.5]), scale_tril=t(MATRIX).tril()), MATRIX),
}
