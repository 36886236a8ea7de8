"""Divergences of distributions are PyTorch's, with their gradients."""

import numpy as np
import pytest

import nbautograd

ONE = {
    "Normal": lambda d, t: d.Normal(t([0.5, -1.0]), t([1.0, 2.0])),
    "HalfNormal": lambda d, t: d.HalfNormal(t([1.0, 2.0])),
    "LogNormal": lambda d, t: d.LogNormal(t([0.5, -1.0]), t([1.0, 2.0])),
    "Laplace": lambda d, t: d.Laplace(t([0.5, -1.0]), t([1.0, 2.0])),
    "Cauchy": lambda d, t: d.Cauchy(t([0.5, -1.0]), t([1.0, 2.0])),
    "Gumbel": lambda d, t: d.Gumbel(t([0.5, -1.0]), t([1.0, 2.0])),
    "Uniform": lambda d, t: d.Uniform(t([0.25, -1.0]), t([0.75, 2.0])),
    "Exponential": lambda d, t: d.Exponential(t([1.0, 2.0])),
    "Gamma": lambda d, t: d.Gamma(t([0.5, 3.0]), t([1.0, 2.0])),
    "Pareto": lambda d, t: d.Pareto(t([0.5, 0.1]), t([3.0, 2.5])),
    "Beta": lambda d, t: d.Beta(t([0.5, 3.0]), t([1.0, 2.0])),
    "Dirichlet": lambda d, t: d.Dirichlet(t([0.5, 3.0])),
    "Bernoulli": lambda d, t: d.Bernoulli(t([0.3, 0.8])),
    "Geometric": lambda d, t: d.Geometric(t([0.3, 0.8])),
    "LogisticNormal": lambda d, t: d.LogisticNormal(t([0.3, 0.8]), 1.0),
    "Binomial": lambda d, t: d.Binomial(4, t([0.3, 0.8])),
    "Poisson": lambda d, t: d.Poisson(t([0.3, 4.8])),
    "Categorical": lambda d, t: d.Categorical(t([0.3, 0.8])),
    "OneHotCategorical": lambda d, t: d.OneHotCategorical(t([0.3, 0.8])),
    "MultivariateNormal": lambda d, t: d.MultivariateNormal(t([0.5, -1.0]), t([[2.0, 0.3], [0.3, 1.0]])),
    "LowRankMultivariateNormal": lambda d, t: d.LowRankMultivariateNormal(
        t([0.5, -1.0]), t([[2.0], [0.3]]), t([1.0, 0.5])
    ),
    "Independent": lambda d, t: d.Independent(d.Normal(t([0.5, -1.0]), t([1.0, 2.0])), 1),
}
OTHER = {
    **ONE,
    "Normal": lambda d, t: d.Normal(t([0.1, 2.0]), t([3.0, 0.7])),
    "HalfNormal": lambda d, t: d.HalfNormal(t([0.5, 0.7])),
    "LogNormal": lambda d, t: d.LogNormal(t([0.1, 2.0]), t([3.0, 0.7])),
    "Laplace": lambda d, t: d.Laplace(t([0.1, 2.0]), t([3.0, 0.7])),
    "Cauchy": lambda d, t: d.Cauchy(t([0.1, 2.0]), t([3.0, 0.7])),
    "Gumbel": lambda d, t: d.Gumbel(t([0.1, 2.0]), t([3.0, 0.7])),
    "Uniform": lambda d, t: d.Uniform(t([-1.0, 0.5]), t([1.0, 3.0])),
    "Exponential": lambda d, t: d.Exponential(t([3.0, 0.7])),
    "Gamma": lambda d, t: d.Gamma(t([3.0, 0.7]), t([0.1, 2.0])),
    "Pareto": lambda d, t: d.Pareto(t([0.2, 0.3]), t([1.0, 4.0])),
    "Beta": lambda d, t: d.Beta(t([3.0, 0.7]), t([0.1, 2.0])),
    "Dirichlet": lambda d, t: d.Dirichlet(t([3.0, 0.7])),
    "Bernoulli": lambda d, t: d.Bernoulli(logits=t([0.3, -0.8])),
    "Geometric": lambda d, t: d.Geometric(logits=t([0.3, -0.8])),
    "Binomial": lambda d, t: d.Binomial(4, logits=t([0.3, -0.8])),
    "Poisson": lambda d, t: d.Poisson(t([2.0, 0.8])),
    "Categorical": lambda d, t: d.Categorical(logits=t([0.3, -0.8])),
    "OneHotCategorical": lambda d, t: d.OneHotCategorical(logits=t([0.3, -0.8])),
    "MultivariateNormal": lambda d, t: d.MultivariateNormal(t([0.1, 2.0]), t([[1.0, -0.3], [-0.3, 3.0]])),
    "LowRankMultivariateNormal": lambda d, t: d.LowRankMultivariateNormal(
        t([0.1, 2.0]), t([[-0.3], [3.0]]), t([0.5, 0.7])
    ),
    "Independent": lambda d, t: d.Independent(d.Normal(t([0.1, 2.0]), t([3.0, 0.7])), 1),
}


def test_divergences_of_continuous_bernoullis_are_pytorchs():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        p, q = (library.tensor(v, dtype=library.float64, requires_grad=True) for v in ([0.2, 0.9], [0.6, 0.3]))
        kind = library.distributions.ContinuousBernoulli
        value = library.distributions.kl_divergence(kind(p), kind(q))
        found.append([g.detach().numpy() for g in (value, *library.autograd.grad(value.sum(), (p, q)))])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7)


def divergence(library, p, q):
    leaves = []

    def leaf(values):
        leaves.append(library.tensor(values, dtype=library.float64, requires_grad=True))
        return leaves[-1]

    try:
        found = library.distributions.kl_divergence(
            ONE[p](library.distributions, leaf), OTHER[q](library.distributions, leaf)
        )
    except NotImplementedError:
        return None
    finite = library.where(library.isfinite(found), found, library.zeros_like(found))
    if not finite.requires_grad:
        return [found.detach().numpy()]
    grads = library.autograd.grad(finite.sum(), leaves, allow_unused=True)
    return [found.detach().numpy(), *(np.zeros(1) if g is None else g.numpy() for g in grads)]


@pytest.mark.parametrize("p", ONE)
def test_divergences_and_their_gradients_are_pytorchs(p):
    torch = pytest.importorskip("torch")
    for q in OTHER:
        theirs = divergence(torch, p, q)
        if theirs is None:
            continue
        ours = divergence(nbautograd, p, q)
        assert ours is not None, (p, q)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6, err_msg=f"{p} {q}")
        for a, b in zip(ours[1:], theirs[1:], strict=False):
            if np.isfinite(b).all() and np.isfinite(theirs[0]).all():
                a = np.broadcast_to(a, b.shape) if a.size == 1 else a
                np.testing.assert_allclose(a, b, 1e-6, 1e-9, err_msg=f"{p} {q}")


def test_a_formula_of_ones_own_serves_subclasses_too():
    d = nbautograd.distributions

    class Mine(d.Normal):
        pass

    class Other(d.Cauchy):
        pass

    @d.register_kl(Mine, d.Cauchy)
    def formula(p, q):
        return nbautograd.tensor(42.0)

    assert d.kl_divergence(Mine(0.0, 1.0), Other(0.0, 1.0)).item() == 42
    assert d.kl_divergence(Mine(0.0, 1.0), d.Normal(0.0, 1.0)).item() == 0
    with pytest.raises(TypeError, match="Expected type_p to be a Distribution subclass"):
        d.register_kl(int, d.Normal)
