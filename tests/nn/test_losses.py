"""Every loss gives PyTorch's value and gradients, for every reduction."""

import numpy as np
import pytest

import nbautograd

from .both import compare, pair


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def part(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.05, 0.95, shape)


def whole(*shape, high=3):
    return np.random.default_rng(0).integers(0, high, shape)


def signs(*shape):
    return np.sign(rand(*shape, seed=5)).astype(np.int64)


def weights(t, *values):
    return t.tensor(values, dtype=t.float64)


LOSSES = {
    "MSE": (lambda t, r: t.nn.MSELoss(reduction=r), [rand(4, 3), rand(4, 3, seed=1)]),
    "L1": (lambda t, r: t.nn.L1Loss(reduction=r), [rand(4, 3), rand(4, 3, seed=1)]),
    "smooth L1": (lambda t, r: t.nn.SmoothL1Loss(reduction=r, beta=0.7), [rand(4, 3), rand(4, 3, seed=1)]),
    "Huber": (lambda t, r: t.nn.HuberLoss(r, delta=0.7), [rand(4, 3), rand(4, 3, seed=1)]),
    "cross-entropy": (lambda t, r: t.nn.CrossEntropyLoss(reduction=r), [rand(4, 3), whole(4)]),
    "cross-entropy of one": (lambda t, r: t.nn.CrossEntropyLoss(reduction=r), [rand(3), whole()]),
    "cross-entropy of images": (lambda t, r: t.nn.CrossEntropyLoss(reduction=r), [rand(2, 3, 2, 2), whole(2, 2, 2)]),
    "cross-entropy, weights": (
        lambda t, r: t.nn.CrossEntropyLoss(weights(t, 0.2, 1.0, 3.0), reduction=r, ignore_index=1),
        [rand(5, 3), np.array([0, 1, 2, 2, 0])],
    ),
    "cross-entropy, smoothed": (
        lambda t, r: t.nn.CrossEntropyLoss(weights(t, 0.2, 1.0, 3.0), reduction=r, label_smoothing=0.1),
        [rand(5, 3), np.array([0, 1, 2, 2, 0])],
    ),
    "cross-entropy of probabilities": (
        lambda t, r: t.nn.CrossEntropyLoss(reduction=r, label_smoothing=0.1),
        [rand(4, 3), part(4, 3)],
    ),
    "NLL": (lambda t, r: t.nn.NLLLoss(reduction=r), [rand(4, 3), whole(4)]),
    "NLL, weights": (
        lambda t, r: t.nn.NLLLoss(weights(t, 0.2, 1.0, 3.0), reduction=r, ignore_index=1),
        [rand(5, 3), np.array([0, 1, 2, 2, 0])],
    ),
    "BCE": (lambda t, r: t.nn.BCELoss(reduction=r), [part(4, 3), part(4, 3, seed=1)]),
    "BCE, weights": (
        lambda t, r: t.nn.BCELoss(weights(t, 0.2, 1.0, 3.0), reduction=r),
        [part(4, 3), part(4, 3, seed=1)],
    ),
    "BCE with logits": (lambda t, r: t.nn.BCEWithLogitsLoss(reduction=r), [rand(4, 3), part(4, 3)]),
    "BCE with logits, weights": (
        lambda t, r: t.nn.BCEWithLogitsLoss(
            weights(t, 0.2, 1.0, 3.0), reduction=r, pos_weight=weights(t, 1.0, 2.0, 0.5)
        ),
        [rand(4, 3), part(4, 3)],
    ),
    "KL": (lambda t, r: t.nn.KLDivLoss(reduction=r), [rand(4, 3), part(4, 3)]),
    "KL, logs": (lambda t, r: t.nn.KLDivLoss(reduction=r, log_target=True), [rand(4, 3), rand(4, 3, seed=1)]),
    "Poisson": (lambda t, r: t.nn.PoissonNLLLoss(reduction=r), [rand(4, 3), part(4, 3)]),
    "Poisson, full": (lambda t, r: t.nn.PoissonNLLLoss(False, True, reduction=r), [part(4, 3), 4 * part(4, 3, seed=1)]),
    "Gaussian": (lambda t, r: t.nn.GaussianNLLLoss(reduction=r), [rand(4, 3), rand(4, 3, seed=1), part(4, 3)]),
    "Gaussian, one variance": (
        lambda t, r: t.nn.GaussianNLLLoss(full=True, eps=0.3, reduction=r),
        [rand(4, 3), rand(4, 3, seed=1), part(4, 1)],
    ),
    "soft margin": (lambda t, r: t.nn.SoftMarginLoss(reduction=r), [rand(4, 3), signs(4, 3)]),
    "hinge embedding": (lambda t, r: t.nn.HingeEmbeddingLoss(0.5, reduction=r), [rand(4, 3), signs(4, 3)]),
    "ranking": (lambda t, r: t.nn.MarginRankingLoss(0.5, reduction=r), [rand(4), rand(4, seed=1), signs(4)]),
    "cosine embedding": (
        lambda t, r: t.nn.CosineEmbeddingLoss(0.1, reduction=r),
        [rand(4, 3), rand(4, 3, seed=1), signs(4)],
    ),
    "triplet": (
        lambda t, r: t.nn.TripletMarginLoss(reduction=r, swap=True),
        [rand(4, 3), rand(4, 3, seed=1), rand(4, 3, seed=2)],
    ),
    "triplet, own distance": (
        lambda t, r: t.nn.TripletMarginWithDistanceLoss(
            distance_function=lambda x, y: (x - y).abs().sum(1), reduction=r
        ),
        [rand(4, 3), rand(4, 3, seed=1), rand(4, 3, seed=2)],
    ),
    "multi margin": (lambda t, r: t.nn.MultiMarginLoss(reduction=r), [rand(4, 3), whole(4)]),
    "multi margin, squared": (
        lambda t, r: t.nn.MultiMarginLoss(2, 0.5, weights(t, 0.2, 1.0, 3.0), reduction=r),
        [rand(4, 3), whole(4)],
    ),
    "multi-label": (lambda t, r: t.nn.MultiLabelSoftMarginLoss(reduction=r), [rand(4, 3), whole(4, 3, high=2)]),
}


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("build", "arrays"), LOSSES.values(), ids=LOSSES)
def test_value_and_gradients_are_pytorchs(build, arrays, reduction):
    ours, theirs = pair(lambda library: build(library, reduction))
    compare(ours, theirs, arrays)


def test_the_divergence_of_a_batch():
    ours, theirs = pair(lambda t: t.nn.KLDivLoss(reduction="batchmean"))
    compare(ours, theirs, [rand(4, 3), part(4, 3)])


def test_sizes_that_differ_are_warned_about():
    with pytest.warns(UserWarning, match="Using a target size .* that is different to the input size"):
        nbautograd.nn.MSELoss()(nbautograd.ones(3, 1), nbautograd.ones(3))


def test_class_weights_move_and_are_saved_with_the_loss():
    loss = nbautograd.nn.CrossEntropyLoss(nbautograd.ones(3))
    assert loss.double().weight.dtype is nbautograd.float64
    assert list(loss.state_dict()) == ["weight"]
