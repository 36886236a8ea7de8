"""Numbers of tensors that decide what a step does: positions, sizes, options, errors. A program must not keep them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import nbautograd as torch
from nbautograd.nn import functional as F  # noqa: N812

D = torch.distributions
ones, tensor = torch.ones, torch.tensor
Step = Callable[[Any, Any], Any]


def _set(x: Any, index: Any, value: Any) -> Any:
    y = x.clone()
    y[index] = value
    return y


BY_ONE: dict[str, Step] = {
    "a position": lambda x, i: x[i] * 2,
    "a position in a pair": lambda x, i: x[i, 1] * 2,
    "a column": lambda x, i: x[:, i] * 2,
    "select": lambda x, i: x.select(0, i) * 2,
    "narrow": lambda x, i: x.narrow(0, i, 1),
    "an exponent": lambda x, i: x**i,
    "arange": lambda x, i: torch.arange(i) * 1.0,
    "full": lambda x, i: torch.full((2,), i),
    "clamp": lambda x, i: x.clamp(max=i),
    "masked_fill": lambda x, i: x.masked_fill(x > 2, i),
    "fill_": lambda x, i: torch.zeros(3).fill_(i),
    "repeat": lambda x, i: x.repeat(i + 1, 1),
    "repeat_interleave": lambda x, i: x.repeat_interleave(i + 1, 0),
    "one_hot": lambda x, i: F.one_hot(i, 5),
    "split": lambda x, i: x.split([int(i), 4 - int(i)])[0] * 1,
    "a place to set": lambda x, i: _set(x, i, 7.0),
    "a number to set": lambda x, i: _set(x, (0, 1), i),
    "tensor": lambda x, i: tensor(i) * 2,
    "a list for tensor": lambda x, i: tensor([i, 0]) * 2,
    "range": lambda x, i: sum([x[j] for j in range(i)], x[0]),
    "where": lambda x, i: torch.where(x > 2, i, 0),
    "topk": lambda x, i: x.topk(i + 1, 0)[0] * 1,
    "tril": lambda x, i: x.tril(i),
    "a text": lambda x, i: x * len(f"{i * 10}"),
    "a key": lambda x, i: x * {0: 1}.get(i, 5),
    "a place in a list": lambda x, i: x * [1, 2, 3, 4][i],
    "pad": lambda x, i: F.pad(x, (1, 0), value=i),
    "norm": lambda x, i: x.norm(p=i + 1),
    "a branch": lambda x, i: x * 2 if i else x * 3,
    "all": lambda x, i: x * 2 if (x > i * 4).all() else x * 3,
    "a list of positions": lambda x, i: x[[i, 0]],
    "how many": lambda x, i: x[x > i].shape[0] * x,
    "nonzero": lambda x, i: x * (x > i).nonzero().shape[0],
    "where alone": lambda x, i: x * torch.where(x > i)[0].shape[0],
    "tolist": lambda x, i: x * i.tolist(),
    "numpy": lambda x, i: x * int(i.numpy()),
    "equal": lambda x, i: x * (2 if torch.equal(i, tensor(1)) else 3),
    "allclose": lambda x, i: x * (2 if torch.allclose(i * 1.0, tensor(1.0)) else 3),
    "in": lambda x, i: x * (2 if i in x else 3),
    "unique": lambda x, i: (x > i * 4).unique().numel() * x,
    "is_nonzero": lambda x, i: x * (2 if torch.is_nonzero(i) else 3),
}
BY_TWO: dict[str, Step] = {
    "gather": lambda x, i: x.gather(0, i.view(2, 1)),
    "scatter": lambda x, i: x.scatter(0, i.view(2, 1), 9.0),
    "scatter_add": lambda x, i: x.scatter_add(0, i.view(2, 1), ones(2, 1)),
    "index_select": lambda x, i: x.index_select(0, i),
    "index_add": lambda x, i: x.index_add(0, i, ones(2, 3)),
    "index_fill": lambda x, i: x.index_fill(0, i, 5.0),
    "take": lambda x, i: x.take(i),
    "put": lambda x, i: x.put(i, ones(2)),
    "index": lambda x, i: x[i],
    "set": lambda x, i: _set(x, i, 1.0),
    "embedding": lambda x, i: F.embedding(i, x),
    "embedding_bag": lambda x, i: F.embedding_bag(i.view(1, 2), x),
    "nll_loss": lambda x, i: F.nll_loss(x.T[:2], i),
    "cross_entropy": lambda x, i: F.cross_entropy(x.T[:2], i),
    "one_hot of four": lambda x, i: F.one_hot(i, 4),
    "multi_margin_loss": lambda x, i: F.multi_margin_loss(x.T[:2], i),
    "bincount": lambda x, i: i.bincount(),
    "binary_cross_entropy": lambda x, i: F.binary_cross_entropy(i / 3, ones(2)),
    "log": lambda x, i: (i * 1.0).log(),
    "cholesky": lambda x, i: torch.linalg.cholesky(torch.diag(i + 1.0)),
    "inv": lambda x, i: torch.linalg.inv(torch.diag(i + 1.0)),
    "Normal": lambda x, i: D.Normal(0.0, i + 1.0).log_prob(ones(2)),
    "remainder": lambda x, i: tensor([5, 5]) % i,
    "Bernoulli": lambda x, i: D.Bernoulli(i / 3).log_prob(ones(2)),
    "whole numbers": lambda x, i: 6 // i,
    "Categorical": lambda x, i: D.Categorical(i + 1.0).log_prob(tensor([0])),
    "a power": lambda x, i: tensor([2, 2]) ** i,
    "bernoulli": lambda x, i: torch.bernoulli(i / 3),
    "multinomial": lambda x, i: torch.multinomial(i * 1.0, 1),
}
CASES = {name: (step, [1, 1, 1, 2, 0, 2]) for name, step in BY_ONE.items()}
PAIRS = [[0, 1], [1, 2], [2, 1], [-1, 1], [0, 4], [1, -5], [0, 0], [0, 2]]
CASES |= {name: (step, PAIRS) for name, step in BY_TWO.items()}


def results(step: Step, numbers: list[Any]) -> list[str]:
    torch.manual_seed(0)
    found: list[str] = []
    for each in numbers:
        try:
            found.append(str(step(torch.arange(12.0).view(4, 3), tensor(each)).tolist()))
        except Exception as error:
            found.append(type(error).__name__)
    return found


@pytest.mark.parametrize("name", CASES)
def test_numbers_decide_in_each_call(name: str) -> None:
    step, numbers = CASES[name]
    captured = torch.capture(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert results(captured, numbers) == results(step, numbers), captured.explain()
