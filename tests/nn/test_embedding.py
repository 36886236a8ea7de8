"""Embeddings and bags of them, beside PyTorch."""

import numpy as np
import pytest

import nbautograd

from .both import same_error
from .sequences import assert_same, draw

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("options", [{}, {"padding_idx": 2}, {"padding_idx": -1}], ids=str)
def test_an_embedding_is_torchs(options):
    index = np.array([[0, 2, 2], [4, 1, 2]])
    assert_same(lambda t: t.nn.Embedding(5, 3, **options), lambda m, t, i: m(i) ** 2, index)


def test_what_a_row_learns_is_divided_by_how_often_it_was_looked_up():
    found = []
    for t in (nbautograd, torch):  # to the first order: in torch's second the division is missing
        weight = t.tensor(draw(5, 3), requires_grad=True)
        (t.nn.functional.embedding(t.tensor([0, 2, 2]), weight, scale_grad_by_freq=True) ** 2).sum().backward()
        found.append(weight.grad.numpy())
    np.testing.assert_allclose(*found)


def test_long_rows_are_shortened_in_place():
    found = []
    for t in (nbautograd, torch):
        weight = t.tensor(2 * draw(5, 3), requires_grad=True)
        out = t.nn.functional.embedding(t.tensor([0, 2, 2]), weight, max_norm=0.5, norm_type=1.0)
        out.sum().backward()
        found.append([a.detach().numpy() for a in (out, weight, weight.grad)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("mode", ["mean", "sum"])
def test_a_bag_has_a_second_derivative(mode):
    weight = nbautograd.tensor(draw(5, 3), requires_grad=True)
    index, offsets = nbautograd.tensor([0, 2, 2, 4]), nbautograd.tensor([0, 3])
    assert nbautograd.autograd.gradgradcheck(
        lambda w: nbautograd.nn.functional.embedding_bag(index, w, offsets, mode=mode) ** 2, weight
    )


def test_the_largest_of_a_bag_has_a_second_derivative():
    weight = nbautograd.tensor(draw(5, 3), requires_grad=True)
    index, offsets = nbautograd.tensor([0, 1, 2, 4]), nbautograd.tensor([0, 3])
    assert nbautograd.autograd.gradgradcheck(
        lambda w: nbautograd.nn.functional.embedding_bag(index, w, offsets, mode="max") ** 2, weight
    )


@pytest.mark.parametrize(
    "expression",
    [
        "nn.Embedding(5, 3, padding_idx=1, max_norm=2.0)",
        "nn.EmbeddingBag(5, 3, norm_type=1.0, scale_grad_by_freq=True, padding_idx=-1)",
        "nn.EmbeddingBag(5, 3, mode='sum')",
        "nn.EmbeddingBag.from_pretrained(t.ones(5, 3)).weight.requires_grad",
        "nn.EmbeddingBag.from_pretrained(t.ones(5, 3), freeze=False, mode='max')(t.tensor([[0, 1]])).detach()",
        "nn.Embedding.from_pretrained(t.ones(5, 3), True, 0, 1.0)(t.tensor([1]))",
        "nn.Embedding(5, 3, padding_idx=1).weight[1]",
        "nn.EmbeddingBag(5, 3, padding_idx=1).weight[1]",
    ],
)
def test_an_embedding_looks_like_torchs(expression):
    ours, theirs = (repr(eval(expression, {"t": t, "nn": t.nn})) for t in (nbautograd, torch))
    assert ours == theirs


WRONG = """
F.embedding(t.tensor([5]), w)
F.embedding(t.tensor([1.0]), w)
F.embedding(i, w, padding_idx=7)
F.embedding_bag(i, w)
F.embedding_bag(i.view(2, 2), w, t.tensor([0, 2]))
F.embedding_bag(i, w, t.tensor([1, 2]))
F.embedding_bag(i, w, t.tensor([0, 9]))
F.embedding_bag(i, w, t.tensor([0, 2]), mode='x')
F.embedding_bag(i, w, t.tensor([0, 2]), mode='mean', per_sample_weights=t.ones(4))
F.embedding_bag(i, w, t.tensor([0, 2]), mode='sum', per_sample_weights=t.ones(3))
F.embedding_bag(i.view(1, 2, 2), w)
F.embedding_bag(i, w, t.tensor([[0, 2]]))
F.embedding_bag(i, w, t.tensor([0, 2]), mode='max', scale_grad_by_freq=True)
F.embedding_bag(t.tensor([7]), w, t.tensor([0]))
t.nn.Embedding(5, 3, padding_idx=9)
t.nn.EmbeddingBag(5, 3, padding_idx=9)
t.nn.Embedding(5, 3, _weight=t.zeros(2, 2))
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_wrong_arguments_are_refused_in_torchs_words(expression):
    def run(t):
        return eval(expression, {"t": t, "F": t.nn.functional, "i": t.tensor([0, 2, 2, 4]), "w": t.ones(5, 3)})

    same_error(run)
