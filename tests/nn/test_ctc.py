"""CTC adds up all alignments: beside PyTorch, and beside counting them one by one."""

import itertools

import numpy as np
import pytest

import nbautograd

BLANK = 0
CASES = {
    "padded targets": {"targets": [[1, 2, 2], [3, 1, 0]], "lengths": [6, 5], "labels": [3, 2]},
    "targets in a row": {"targets": [1, 2, 2, 3, 1], "lengths": [6, 4], "labels": [3, 2]},
    "another blank": {"targets": [[1, 2, 2], [0, 1, 1]], "lengths": [6, 6], "labels": [3, 2], "blank": 3},
    "no labels": {"targets": [[1, 2], [0, 0]], "lengths": [6, 3], "labels": [2, 0]},
    "sum": {"targets": [[1, 2, 2], [3, 1, 1]], "lengths": [6, 6], "labels": [3, 3], "reduction": "sum"},
    "none": {"targets": [[1, 2, 2], [3, 1, 1]], "lengths": [6, 6], "labels": [3, 3], "reduction": "none"},
    "too short": {
        "targets": [[1, 2, 2], [3, 1, 1]], "lengths": [6, 2], "labels": [3, 3], "zero_infinity": True,
    },
    "infinite": {"targets": [[1, 2, 2], [3, 1, 1]], "lengths": [6, 2], "labels": [3, 3], "reduction": "none"},
}  # fmt: skip


def outcome(library, targets, lengths, labels, **options):
    scores = library.tensor(np.random.default_rng(0).standard_normal((6, 2, 4)), requires_grad=True)
    log_probs = scores.log_softmax(-1)
    loss = library.nn.functional.ctc_loss(
        log_probs, library.tensor(targets), library.tensor(lengths), library.tensor(labels), **options
    )
    (loss * library.linspace(1, 2, loss.numel(), dtype=loss.dtype).reshape(loss.shape)).sum().backward()
    return loss.detach().numpy(), scores.grad.numpy()


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    (ours, grad), (theirs, their_grad) = (outcome(library, **CASES[name]) for library in (nbautograd, torch))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    np.testing.assert_allclose(grad, their_grad, rtol=1e-8, atol=1e-12)


def test_one_sequence_without_a_batch_is_pytorchs():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        x = library.tensor(np.random.default_rng(1).standard_normal((5, 3)), requires_grad=True)
        loss = library.nn.CTCLoss(reduction="none")(x.log_softmax(-1), library.tensor([1, 2]), (5,), (2,))
        loss.sum().backward()
        found.append((loss.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.reshape(-1), b.reshape(-1), rtol=1e-10)


def test_the_loss_is_that_of_all_paths_counted_one_by_one():
    probabilities = np.random.default_rng(2).dirichlet(np.ones(3), 4)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        merged = [c for c, _ in itertools.groupby(path) if c != BLANK]
        if merged == [1, 1]:
            total += np.prod(probabilities[range(4), path])
    log_probs = nbautograd.tensor(np.log(probabilities))
    loss = nbautograd.nn.functional.ctc_loss(log_probs, nbautograd.tensor([1, 1]), (4,), (2,), reduction="sum")
    assert loss.item() == pytest.approx(-np.log(total))


def test_single_precision_stays_single():
    log_probs = nbautograd.randn(5, 2, 3).log_softmax(-1).requires_grad_()
    loss = nbautograd.nn.CTCLoss()(log_probs, nbautograd.tensor([[1, 2], [2, 2]]), (5, 5), (2, 2))
    loss.backward()
    assert (loss.dtype, log_probs.grad.dtype) == (nbautograd.float32, nbautograd.float32)


def test_lengths_and_blanks_that_do_not_fit_are_refused():
    torch = pytest.importorskip("torch")
    for library in (nbautograd, torch):
        x = library.zeros(4, 2, 3)
        targets = library.ones(2, 2, dtype=library.long)
        ctc = library.nn.functional.ctc_loss
        with pytest.raises(RuntimeError, match="blank must be in label range"):
            ctc(x, targets, (4, 4), (2, 2), blank=3)
        with pytest.raises(RuntimeError, match="input_lengths must be of size batch_size"):
            ctc(x, targets, (4,), (2, 2))
        with pytest.raises(RuntimeError, match="Expected input_lengths to have value at most 4"):
            ctc(x, targets, (4, 5), (2, 2))


def test_a_second_derivative_is_refused_as_in_pytorch():
    x = nbautograd.zeros(4, 1, 3, requires_grad=True)
    loss = nbautograd.nn.functional.ctc_loss(x.log_softmax(-1), nbautograd.tensor([[1]]), (4,), (1,))
    with pytest.raises(RuntimeError, match="_ctc_loss_backward is not implemented"):
        nbautograd.autograd.grad(loss, [x], create_graph=True)
