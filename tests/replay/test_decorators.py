"""What a step returns may be used by what is round it, before it is given to the caller."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import nbautograd as torch

best = [0.0]


def positive(function: Any) -> Any:
    @functools.wraps(function)
    def decorated(x: Any) -> Any:
        value = function(x)
        return value if value > 0 else 0.0

    return decorated


def remembering(function: Any) -> Any:
    @functools.wraps(function)
    def decorated(x: Any) -> Any:
        value = function(x)
        best[0] = max(value, best[0]) if value > 100 else best[0]
        return value

    return decorated


def total(x: Any) -> Any:
    return x.sum().item()


def nested(x: Any, depth: int = 1) -> Any:
    if depth:
        value = nested(x, depth - 1)
        return value if value > 0 else 0.0
    return x.sum().item()


STEPS = {
    "one that decides": (positive(total), 0),
    "one that remembers": (remembering(total), 0),
    "the step itself": (nested, 0),
    "one of this package": (torch.no_grad()(total), 6),
    "none": (total, 6),
}
"""By what is round the step: it, and how many of its calls are replayed."""


@pytest.mark.parametrize("name", STEPS)
def test_what_is_round_a_step_may_use_the_number_that_it_returns(name: str) -> None:
    step, replayed = STEPS[name]
    captured = torch.capture(step)
    found: list[Any] = []
    for function in (step, captured):
        best[0] = 0.0
        found.append([(function(torch.full((3,), x)), best[0]) for x in (1.0, 2.0, 3.0, -1.0, -2.0, 100.0, 1.0, -3.0)])
    assert found[0] == found[1]
    assert captured.explain().startswith(f"{replayed} calls replayed"), captured.explain()
