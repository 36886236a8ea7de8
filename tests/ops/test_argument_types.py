"""Arguments of a wrong type: PyTorch's TypeError, and never what the code stumbled over."""

import re

import numpy as np
import pytest

import nbautograd

SAME_WORDS = """
    t.exp(2.0)
    t.sqrt(4)
    t.sigmoid(1)
    t.abs(-1)
    t.sum([1, 2])
    t.sum(np.ones(2))
    t.argmax([1, 2])
    t.nn.functional.relu(None)
    t.nn.functional.relu(np.ones(2))
    t.nn.functional.gelu(None)
    t.nn.functional.dropout(None)
    t.nn.functional.one_hot([0, 1])
    t.nn.functional.linear(t.ones(2), None)
    t.nn.functional.linear(np.ones(2), t.ones(2, 2))
    t.nn.Linear(2, 2)(np.ones((1, 2), dtype="f"))
    t.nn.Linear(2, 2)(None)
    t.nn.LayerNorm(2)(None)
    t.matmul(t.ones(2), 2)
    t.ones(2) @ 2
    t.ones(2) @ None
    t.dot(t.ones(2), [1, 2])
    t.mm(t.ones(2, 2), None)
    t.cat(t.ones(2))
    t.stack([1, 2])
    t.stack([t.ones(2), None])
    t.meshgrid(1, 2)
    t.gather(t.ones(2), 0, [0])
    t.index_select(t.ones(2), 0, 0)
    t.bernoulli(0.5)
    t.allclose(t.ones(2), 1)
    t.isclose(t.ones(2), 1.0)
    t.equal(t.ones(2), 1)
    t.diag([1])
    t.tril([1])
    t.histc([1.0])
    t.numel(1)
    t.cdist(t.ones(2, 2), None)
    t.broadcast_to(t.ones(2), "x")
    t.roll(t.ones(2), "a")
    t.flip(t.ones(2), "a")
    t.nn.functional.pad(t.ones(2), "a")
    t.nn.functional.max_pool2d(t.ones(1, 1, 2, 2), "a")
    t.full((2,), "a")
"""

SAME_CLASS = """
    t.pow(2, 3)
    t.logical_and(True, False)
    t.std(None)
    t.linalg.inv([1])
    t.linalg.norm(None)
    t.linalg.solve(t.ones(2, 2), None)
    t.fft.fft([1, 2])
    t.special.erf(1.0)
    t.nn.Conv2d(1, 1, 1)(None)
    t.nn.Embedding(2, 2)([0])
    t.nn.CrossEntropyLoss()(t.ones(2, 2), np.array([0, 1]))
    t.nn.functional.scaled_dot_product_attention(t.ones(1, 2, 2), None, None)
    t.nn.functional.conv2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 1), stride="a")
    t.ones(2).masked_fill([True, False], 0)
    t.ones(2).masked_select([True])
    t.ones(2).scatter_(0, [0], 1.0)
    t.ones(2).permute("a")
    t.ones(2, 2).expand("a")
    t.ones(2, 2).clamp("a")
    t.searchsorted([1, 2], 1)
    t.softmax("a", 0)
"""

RIGHT_TYPES = """
    t.ones(2, 3).select(1, 5)
    t.ones(2, 3).flip([0, 0])
    t.lerp(t.ones(2), t.ones(3), 0.5)
    t.nn.LocalResponseNorm(2)(t.ones(3))
    t.ones(2).sum(dim=3)
    t.repeat_interleave(t.ones(2, 3), t.tensor([1, 2]), dim=1)
    t.zeros(0).amax()
    t.max(t.ones(2), t.ones(3))
    t.cat([t.ones(2), t.ones(2, 2)])
"""


def error_of(expression, library):
    with pytest.raises(Exception, match=r"\w") as caught:
        eval(expression, {"t": library, "np": np})
    return caught.type, re.sub(r"\s+", " ", str(caught.value).split("\n")[0])


def lines(text):
    return text.strip().splitlines()


@pytest.mark.parametrize("expression", lines(SAME_WORDS))
def test_an_argument_of_a_wrong_type_is_told_in_pytorchs_words(expression):
    torch = pytest.importorskip("torch")
    assert error_of(expression.strip(), nbautograd) == error_of(expression.strip(), torch)


@pytest.mark.parametrize("expression", lines(SAME_CLASS))
def test_an_argument_of_a_wrong_type_is_a_type_error(expression):
    torch = pytest.importorskip("torch")
    ours, theirs = (error_of(expression.strip(), library) for library in (nbautograd, torch))
    assert ours[0] is TypeError or theirs[0] is AttributeError
    assert "argument '" in ours[1] or "Tensor" in ours[1]
    assert "_data" not in ours[1]


@pytest.mark.parametrize("expression", lines(RIGHT_TYPES))
def test_other_mistakes_are_not_blamed_on_types(expression):
    torch = pytest.importorskip("torch")
    ours, theirs = (error_of(expression.strip(), library)[0] for library in (nbautograd, torch))
    assert ours is theirs
    assert ours is not TypeError


def test_an_error_of_ones_own_comes_through():
    class Odd(nbautograd.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            raise AttributeError("mine")

    with pytest.raises(AttributeError, match="mine"):
        Odd.apply(nbautograd.ones(2))


@pytest.mark.parametrize("numbers", [(1, 0), (1.0, 0), (0, True), (2.5, -1.0), (True, False)])
def test_one_of_two_numbers_is_chosen_by_a_mask(numbers):
    torch = pytest.importorskip("torch")
    ours, theirs = (library.where(library.tensor([1.0, -1.0]) > 0, *numbers) for library in (nbautograd, torch))
    assert ours.tolist() == theirs.tolist()
    assert str(ours.dtype) == str(theirs.dtype)
