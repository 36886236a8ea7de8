"""What captured steps run block by block gives what it gives in one piece."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.nn import functional as F  # noqa: N812
from tests.replay.test_random_steps import COUNT, FIRST

STEPS: dict[str, Any] = {
    "softmax": lambda x: torch.softmax(x, 1).square(),
    "softmax, last of three": lambda x: torch.softmax((x * 2).view(60, 40, 80), -1).square().view(240, 800) * x,
    "softmax, middle of three": lambda x: torch.softmax((x * 2).view(60, 40, 80), 1).square(),
    "softmax, first": lambda x: torch.softmax(x * 2, 0).square(),
    "softmax of large numbers": lambda x: torch.softmax(x * 99, 1).square(),
    "softmax of numbers far below zero": lambda x: torch.softmax(x - 90, 1).square(),
    "logsumexp of large numbers": lambda x: torch.logsumexp(x * 99, 1),
    "logsumexp of numbers far below zero": lambda x: torch.logsumexp(x - 90, 1),
    "log_softmax": lambda x: torch.log_softmax(x, -1) * x.sin(),
    "logsumexp": lambda x: torch.logsumexp(x * 2, 1),
    "logsumexp, kept": lambda x: (x - torch.logsumexp(x * 2, 1, keepdim=True)).exp(),
    "logsumexp, middle": lambda x: (x.view(60, 40, 80) * 2).logsumexp(1).tanh(),
    "means and spreads": lambda x: (x - x.mean(1, keepdim=True)) * (x * x).sum(1, keepdim=True).rsqrt(),
    "a bias for all rows": lambda x: (x * 2 + x[0]).tanh() * x[3].exp(),
    "a column and a row": lambda x: (x[:, :1] * 2 + x).sigmoid() * x[:1],
    "as many rows as columns": lambda x: ((y := x[:, :240].contiguous().exp()) + y.logsumexp(1)).tanh() * y,
    "rows turned": lambda x: (x.T.exp() + x.T).softmax(1).square(),
    "gelu": lambda x: F.gelu(x * 2) * F.gelu(x.sin(), approximate="tanh"),
    "masked": lambda x: torch.softmax(x.masked_fill(x > 0.9, -math.inf), 1).square(),
    "rows of nothing but -inf": lambda x: torch.logsumexp(x.masked_fill(x[:, :1] > 0.5, -math.inf) * 2, 1)[-1],
    "one long row": lambda x: torch.softmax((x * 2).view(1, -1), 1).square(),
    "values that live long": lambda x: (a := x.sin()) * (b := a.cos()) * (c := b.tanh()) * c.exp() * b * a + a,
    "truths": lambda x: torch.where(x > 0, x.exp(), x * x) * (x < 0.5) * x.relu() + x.clamp(-0.5, 0.5).abs(),
    "negatives and quotients": lambda x: -(-x / (2 - x)) * (1 / (x + 3)) - 2 / (x.exp() * 3),
    "results in between": lambda x: ((y := x.tanh()) * y, y.exp())[1] * y + y.detach().exp(),
    "attention": lambda x: F.scaled_dot_product_attention(*(x.view(4, 60, 200)[..., i : i + 40] for i in (0, 40, 80))),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STEPS)
def test_steps_on_large_arrays_give_the_same_captured(name: str, dtype: str) -> None:
    draw = np.random.default_rng(0)
    batches = [draw.uniform(-1, 1, (240, 200 if name == "attention" else 800)).astype(dtype) for _ in range(4)]

    def step(x: Any) -> Any:
        loss = STEPS[name](x)
        loss.sum().backward()
        return loss.detach(), x.grad

    captured = torch.capture(step)
    for batch in batches:
        expected = step(torch.tensor(batch, requires_grad=True))
        got = captured(torch.tensor(batch, requires_grad=True))
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5 if dtype == "float32" else 1e-10, atol=1e-6)
    assert captured.explain().startswith("2 calls replayed"), captured.explain()


ONE: list[Any] = [torch.sin, torch.tanh, torch.sigmoid, torch.relu, torch.neg, torch.abs, lambda a: (a * 0.1).exp()]
TWO: list[Any] = [torch.add, torch.mul, torch.sub, lambda a, b: a / (b * b + 1), lambda a, b: a.where(b > 0, b * 2)]


def chain_by_chance(chance: random.Random) -> Callable[[Any], Any]:
    """A step of elementwise ops, some of whose values are returned."""
    kinds = [chance.random() < 0.5 for _ in range(12)]
    plan = [(chance.choice(ONE), None) if one else (chance.choice(TWO), chance.random()) for one in kinds]
    places = [chance.random() for _ in plan]
    shown = [chance.random() < 0.3 for _ in plan]

    def step(x: Any) -> Any:
        values = [x]
        for (function, second), place in zip(plan, places, strict=True):
            a = values[int(place * len(values))]
            values.append(function(a) if second is None else function(a, values[int(second * len(values))]))
        (values[-1] + values[-2] * values[-3]).sum().backward()
        return [x.grad, *(v.detach() for v, show in zip(values[1:], shown, strict=True) if show)]

    return step


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT // 4))
def test_chains_made_by_chance_give_the_same_captured(seed: int) -> None:
    step = chain_by_chance(random.Random(seed))
    captured = torch.capture(step)
    draw = np.random.default_rng(seed)
    shape = (70_000,) if seed % 2 else (300, 250)
    batches = [draw.uniform(-1, 1, shape).astype("float32") for _ in range(4)]
    runs = [[f(torch.tensor(b, requires_grad=True)) for b in batches] for f in (step, captured)]
    for expected, got in zip(*runs, strict=True):
        for a, b in zip(expected, got, strict=True):
            np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-6, atol=1e-7)
    assert captured.explain().startswith("2 calls replayed"), captured.explain()


PARTS: dict[str, Any] = {
    "all parts": lambda x: x[0] * 2 + x[1].exp() * x[2],
    "some parts": lambda x: x[0] * 2 + x[2].exp(),
    "slices": lambda x: x[:, :2] * x[:, 2:4].exp() + x[:, 4:6],
    "parts that overlap": lambda x: x[:, :3] * x[:, 1:4].exp(),
    "a part twice": lambda x: x[0] * x[0].exp(),
    "parts and the whole": lambda x: x[0] * x[1].exp() * x.sum(),
    "parts backwards": lambda x: x[..., 0] * x[..., -1].exp(),
}


@pytest.mark.parametrize("name", PARTS)
def test_gradients_of_parts_come_together_as_in_the_step(name: str) -> None:
    def step(x: Any) -> Any:
        y = x * 1.5
        PARTS[name](y).sum().backward()
        return x.grad

    captured = torch.capture(step)
    for seed in range(4):
        batch = np.random.default_rng(seed).uniform(-1, 1, (3, 6))
        expected = step(torch.tensor(batch, requires_grad=True))
        got = captured(torch.tensor(batch, requires_grad=True))
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-12)
    assert captured.explain().startswith("2 calls replayed"), captured.explain()
    assert ("put_together" in captured.source()) == (name in ("all parts", "some parts", "slices", "parts backwards"))
