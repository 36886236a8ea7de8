"""Random numbers: their distributions, seeds and states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb

N = 20_000


@pytest.fixture(autouse=True)
def seeded():
    nb.manual_seed(7)


@pytest.mark.parametrize(
    ("draw", "mean", "deviation"),
    [
        (lambda: nb.rand(N), 0.5, 12**-0.5),
        (lambda: nb.randn(N), 0, 1),
        (lambda: nb.rand_like(nb.empty(N)), 0.5, 12**-0.5),
        (lambda: nb.randn_like(nb.empty(N, dtype=nb.float64)), 0, 1),
        (lambda: nb.randint(0, 10, (N,)), 4.5, 8.25**0.5),
        (lambda: nb.normal(3, 2, (N,)), 3, 2),
        (lambda: nb.normal(nb.full((N,), 3.0), nb.full((N,), 2.0)), 3, 2),
        (lambda: nb.bernoulli(nb.full((N,), 0.3)), 0.3, 0.21**0.5),
        (lambda: nb.poisson(nb.full((N,), 4.0)), 4, 2),
        (lambda: nb.multinomial(nb.tensor([0.2, 0.3, 0.5]), N, replacement=True), 1.3, 0.61**0.5),
        (lambda: nb.empty(N).uniform_(-1, 3), 1, 16**0.5 / 12**0.5),
        (lambda: nb.empty(N).normal_(1, 3), 1, 3),
        (lambda: nb.empty(N).exponential_(2), 0.5, 0.5),
        (lambda: nb.empty(N).bernoulli_(0.25), 0.25, 0.1875**0.5),
        (lambda: nb.empty(N).geometric_(0.5), 2, 2**0.5),
        (lambda: nb.empty(N).random_(0, 4), 1.5, 1.25**0.5),
        (lambda: nb.nn.functional.dropout(nb.ones(N), 0.25), 1, (1 / 3) ** 0.5),
    ],
)
def test_a_distribution_has_its_mean_and_deviation(draw: Any, mean: float, deviation: float):
    found = np.asarray(draw()._data, np.float64)
    assert found.mean() == pytest.approx(mean, abs=5 * deviation / N**0.5)
    assert found.std() == pytest.approx(deviation, rel=0.05)


def test_the_same_seed_gives_the_same_numbers():
    draws = []
    for _ in range(2):
        nb.manual_seed(3)
        draws.append(
            [nb.rand(4), nb.randn(3), nb.randperm(5), nb.randint(0, 9, (4,)), nb.nn.functional.dropout(nb.ones(9))]
        )
    assert all(nb.equal(a, b) for a, b in zip(*draws, strict=True))


def test_a_state_is_taken_and_given_back():
    nb.rand(3)
    state = nb.get_rng_state()
    expected = nb.randn(5)
    nb.rand(7)
    nb.set_rng_state(state)
    assert nb.equal(nb.randn(5), expected)
    assert state.dtype is nb.uint8
    with pytest.raises(RuntimeError, match="RNG state is wrong size"):
        nb.set_rng_state(nb.zeros(3, dtype=nb.uint8))


def test_a_generator_of_ones_own_leaves_the_default_one_alone():
    before = nb.get_rng_state()
    g = nb.Generator().manual_seed(5)
    first = nb.rand(3, generator=g)
    assert nb.equal(nb.get_rng_state(), before)
    assert nb.equal(nb.rand(3, generator=g.manual_seed(5)), first)
    assert g.initial_seed() == 5


def test_drawing_in_float32_and_float64_keeps_the_dtype():
    assert nb.rand(2).dtype is nb.float32
    assert nb.randn(2, dtype=nb.float64).dtype is nb.float64
    assert nb.randint(0, 3, (2,)).dtype is nb.int64
    assert nb.randperm(3).dtype is nb.int64
    assert nb.rand(2, requires_grad=True).is_leaf


def test_multinomial_without_replacement_draws_each_index_once():
    rows = nb.multinomial(nb.tensor([[0.1, 0.2, 0.7], [1.0, 1.0, 1.0]]), 3)
    assert np.sort(rows._data).tolist() == [[0, 1, 2], [0, 1, 2]]
    assert nb.multinomial(nb.tensor([0.0, 1.0, 0.0]), 1).tolist() == [1]


def test_dropout_scales_what_it_keeps_and_passes_everything_when_not_training():
    x = nb.ones(1000)
    kept = nb.nn.functional.dropout(x, 0.2)
    assert set(np.unique(kept._data).tolist()) == {0.0, 1.25}
    assert nb.nn.functional.dropout(x, 0.2, training=False) is x
    assert nb.nn.functional.dropout(x, 1.0).sum().item() == 0
    channels = nb.nn.functional.dropout2d(nb.ones(8, 16, 3, 3), 0.5)._data
    assert all(np.ptp(channel) == 0 for sample in channels for channel in sample)


def test_alpha_dropout_keeps_mean_and_variance():
    found = nb.nn.functional.alpha_dropout(nb.randn(N), 0.3, training=True)._data
    assert found.mean() == pytest.approx(0, abs=0.05)
    assert found.std() == pytest.approx(1, abs=0.05)


def test_gumbel_softmax_draws_one_hot_and_lets_gradients_through():
    logits = nb.randn(5, 4).requires_grad_()
    hard = nb.nn.functional.gumbel_softmax(logits, hard=True)
    assert np.allclose(np.sort(hard.detach()._data), [0, 0, 0, 1])
    (hard * nb.arange(4.0)).sum().backward()
    assert logits.grad.abs().sum() > 0
