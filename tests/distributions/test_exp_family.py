"""Exponential families: entropies and divergences from the derivative of one function, as PyTorch has them."""

import numpy as np
import pytest

import nbautograd

from .table import ROWS
from .test_distributions import Built

BY_HAND = ("Beta", "Dirichlet", "Poisson")
"""PyTorch tells their normalisers and no mean of k, so that this way to their entropies is closed."""


@pytest.mark.parametrize("name", ROWS)
def test_entropies_by_derivatives_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = (Built(library, name) for library in (nbautograd, torch))
    kinds = [b.library.distributions.ExponentialFamily for b in (ours, theirs)]
    assert isinstance(ours.distribution, kinds[0]) == isinstance(theirs.distribution, kinds[1])
    if not isinstance(ours.distribution, kinds[0]):
        return
    if name in BY_HAND:
        with pytest.raises(NotImplementedError):
            kinds[0].entropy(ours.distribution)
        return
    a, b = kinds[0].entropy(ours.distribution), kinds[1].entropy(theirs.distribution)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10)
    written = ours.distribution.entropy()
    np.testing.assert_allclose(a.detach().numpy(), written.detach().numpy(), rtol=1e-10)
    if ours.leaves:
        settings = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        two = [nbautograd.autograd.grad(e.sum(), ours.leaves, **settings) for e in (a, written)]
        for g, h in zip(*two, strict=True):
            np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=1e-8, atol=1e-12)


def test_divergences_by_derivatives_are_pytorchs():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        d, one = library.distributions, library.tensor([[2.0, 0.3], [0.3, 1.0]], dtype=library.float64)
        p, q = d.Wishart(5.0, one), d.Wishart(4.0, one @ one)
        found.append(d.kl_divergence(p, q).detach().numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_two_kinds_of_families_have_no_divergence_by_derivatives():
    d = nbautograd.distributions
    with pytest.raises(NotImplementedError, match="cross KL-divergence between different exponential families"):
        d.kl_divergence(d.Poisson(1.0), d.Normal(0.0, 1.0))


def test_a_family_of_ones_own_has_its_entropy_and_divergence():
    d = nbautograd.distributions

    class Waiting(d.ExponentialFamily):
        _mean_carrier_measure = 0

        def __init__(self, rate):
            self.rate = rate
            super().__init__(rate.shape)

        @property
        def _natural_params(self):
            return (-self.rate,)

        def _log_normalizer(self, x):
            return -(-x).log()

    rates = [nbautograd.tensor(v, dtype=nbautograd.float64) for v in ([1.0, 2.0], [[3.0], [0.5]])]
    for own, known in (
        (Waiting(rates[0]).entropy(), d.Exponential(rates[0]).entropy()),
        (d.kl_divergence(*map(Waiting, rates)), d.kl_divergence(*map(d.Exponential, rates))),
    ):
        np.testing.assert_allclose(own.detach().numpy(), known.numpy(), rtol=1e-12)
