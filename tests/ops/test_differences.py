"""torch.gradient, in-place forms of composed functions, and what the functions of integers and neighbours refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.ops.samples import Make

from .beside import both, expressions
from .composites_arrays import grids


def slopes(library: Any, make: Any, x: Any, settings: dict[str, Any]) -> list[Any]:
    spacing = settings.get("spacing")
    if isinstance(spacing, list) and isinstance(spacing[0], np.ndarray):
        settings = {**settings, "spacing": tuple(make(places) for places in spacing)}
    y = make(x).requires_grad_()
    found = library.gradient(y, **settings)
    sum((slope * slope).sum() for slope in found).backward()
    return [*(slope.detach().numpy() for slope in found), y.grad.numpy()]


def outcome(library: Any, make: Any, x: Any, settings: dict[str, Any]) -> Any:
    try:
        return slopes(library, make, x, settings)
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize("case", range(sum(1 for _ in grids(Make()))))
def test_gradient_is_torchs_in_value_and_gradient(case: int):
    torch = pytest.importorskip("torch")
    x, settings = list(grids(Make()))[case]
    ours, theirs = outcome(nb, nb.from_numpy, x, settings), outcome(torch, torch.from_numpy, x, settings)
    if isinstance(theirs, str):
        assert ours == theirs
    else:
        assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(ours, theirs, strict=True))


@expressions("""
    torch.ones(2, 2).addmm_(torch.ones(2, 3), torch.ones(3, 2), beta=2)
    torch.ones(2).addmv_(torch.ones(2, 3), torch.ones(3))
    torch.ones(2, 3).addr_(torch.ones(2), torch.ones(3))
    torch.ones(1, 2, 2).baddbmm_(torch.ones(1, 2, 3), torch.ones(1, 3, 2))
    torch.ones(2, 2).addbmm_(torch.ones(4, 2, 3), torch.ones(4, 3, 2))
    torch.ones(2, 2).renorm_(2, 0, 1.0)
    torch.tensor([2.0, 3.0]).polygamma_(1)
    torch.addmv_(torch.ones(2), torch.ones(2, 3), torch.ones(3))
    torch.square_(torch.tensor([2.0]))
    torch.gcd_(torch.tensor([4]), torch.tensor([6]))
    torch.xlogy_(torch.ones(1), torch.ones(1))
    torch.ones(2, 2, requires_grad=True).addmm_(torch.ones(2, 3), torch.ones(3, 2))
    torch.gcd(torch.ones(1), torch.ones(1))
    torch.lcm(torch.tensor([True]), torch.tensor([True]))
    torch.frexp(torch.tensor([1]))
    torch.frexp(torch.tensor([1.0, -6.0, 0.0]))
    torch.diff(torch.tensor(3))
    torch.diff(torch.ones(3), n=-1)
    torch.diff(torch.tensor([True, False, False]))
    torch.gradient(torch.ones(1))
    torch.gradient(torch.tensor([1, 4, 9]))
    torch.isin(torch.tensor([1, 2]), 2)
    torch.isin(1, torch.tensor([1, 2]))
""")
def test_the_answer_is_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


def test_a_change_in_place_keeps_the_history_of_what_was_there():
    x = nb.ones(2, 2, requires_grad=True)
    y = x * 3
    y.addmm_(x, x, beta=2)
    y.sum().backward()
    assert x.grad.tolist() == [[6 + 4, 6 + 4], [6 + 4, 6 + 4]]
