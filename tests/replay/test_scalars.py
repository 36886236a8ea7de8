"""Captured steps of single numbers: the same digits as the step gives, or more of them where that is asked for."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from tests.replay.test_capture import assert_replayed, both

F = torch.nn.functional
ONE = "exp log sin cos tan tanh sinh cosh sqrt abs log1p expm1 square neg atan relu sigmoid erf exp2 rsqrt silu"
TWO = "add sub mul div pow maximum minimum atan2 hypot fmod logaddexp"
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    **{name: (1, getattr(torch, name, None) or getattr(F, name)) for name in ONE.split()},
    **{name: (2, getattr(torch, name)) for name in TWO.split()},
    **{f"x ** {k}": (1, lambda x, k=k: x**k) for k in (2, 3, 0.5, -1, 1.5)},
    "2 ** x": (1, lambda x: 2.0**x),
    "constants": (1, lambda x: 0.1 + x * 0.7 - 1 / 3),
    "digits that cancel": (1, lambda x: (x + 1e8) - 1e8),
    "huber": (1, lambda x: torch.where(x.abs() < 1, x * x / 2, x.abs() - 0.5)),
    "masks": (2, lambda x, y: torch.where((x > y) & ~(x > 1), x, y * 2) + x.masked_fill(x < -1, 3.0) * (y > 0)),
    "a relu without a gradient": (1, lambda x: (x * 0 - 1).relu() + 0.1),
}


def numbers(count: int) -> list[tuple[torch.Tensor, ...]]:
    draw = random.Random(0)
    kinds = (lambda: draw.uniform(-2, 2), lambda: draw.uniform(0.01, 1), lambda: 0.0, lambda: 1e20, lambda: -3.0)
    return [tuple(torch.tensor(draw.choice(kinds)(), requires_grad=True) for _ in range(2)) for _ in range(count)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_replay_gives_the_same_digits(name: str) -> None:
    count, function = FUNCTIONS[name]

    def step(*given: torch.Tensor) -> list[Any]:
        leaves = given[:count]
        y = function(*leaves)
        loss = (y * 0.3 + leaves[0]) * y
        return [loss, *torch.autograd.grad(loss, leaves)]

    plain, replayed, captured = both(lambda: step, numbers(40))
    assert_replayed(captured, 38)
    for expected, got in zip(plain, replayed, strict=True):
        np.testing.assert_array_equal([t.item() for t in got], [t.item() for t in expected])


def lesson() -> Any:
    """A step of single numbers, as a learner writes one."""
    w = [torch.tensor(v, requires_grad=True) for v in (0.5, -1.0, 2.0)]

    def step(x: torch.Tensor) -> list[float]:
        for p in w:
            p.grad = None
        y = (w[0] * x + w[1]).tanh()
        loss = (w[2] * y).relu() + (y - x) ** 2 / 3 + (x * w[0]).exp().log1p()
        loss.backward()
        return [loss.item(), *(p.grad for p in w)]

    return step


def test_numbers_of_double_precision_become_pythons_and_keep_their_digits() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        plain, replayed, captured = both(lesson, [(torch.tensor(random.Random(i).uniform(-3, 3)),) for i in range(40)])
    finally:
        torch.set_default_dtype(torch.float32)
    assert_replayed(captured, 38)
    assert "float(np.tanh(" in captured.source()
    for expected, got in zip(plain, replayed, strict=True):
        assert [float(v) for v in got] == [float(v) for v in expected]


POWERS: dict[str, Callable[..., Any]] = {
    "a power": lambda x, y: x.squeeze() ** y,
    "of a number": lambda x, y: 2.3 ** x.squeeze() * y,
    "to a number": lambda x, y: x.reshape(()) ** 2.5 * y,
    "of an element": lambda x, y: x[0] ** y,
    "of what is computed": lambda x, y: (x.squeeze() * 2) ** y,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", POWERS)
def test_powers_of_arrays_without_dimensions_keep_their_digits(name: str, dtype: Any) -> None:
    def step(x: torch.Tensor, y: torch.Tensor) -> list[Any]:
        z = POWERS[name](x, y)
        for _ in range(12):
            z = (z * 1.01 + 0.1) * z + z * 0.5
        return [z, *torch.autograd.grad(z, [x, y])]

    draw = random.Random(0)
    given = [[torch.tensor(draw.uniform(0.1, 2), dtype=dtype, requires_grad=True) for _ in range(2)] for _ in range(40)]
    plain, replayed, captured = both(lambda: step, [(x.detach().reshape(1).requires_grad_(), y) for x, y in given])
    assert_replayed(captured, 38)
    assert [[t.tolist() for t in each] for each in replayed] == [[t.tolist() for t in each] for each in plain]


def test_squares_are_computed_with_pythons_numbers() -> None:
    step = torch.capture(lambda x: ((x**2 + x) ** 3 - x**0.5) * 2)
    for v in (0.1, 0.7, 1.3):
        step(torch.tensor(v, dtype=torch.float64))
    assert "x = float(x_tensor._data)" in step.source()
    assert "t4 = math.sqrt(x)" in step.source()


def test_a_power_of_whole_numbers_depends_on_the_kind_of_the_exponent() -> None:
    step = torch.capture(lambda x: (x**2, x**2.0, x**2.5))
    for v in (1, 2, 3, 4):
        found = step(torch.tensor([v]))
        assert [t.dtype for t in found] == [torch.int64, torch.float32, torch.float32]
        assert [t.item() for t in found] == pytest.approx([v**2, v**2, v**2.5])


def test_excess_precision_computes_with_pythons_numbers_and_rounds_in_the_end() -> None:
    step, captured = lesson(), torch.capture(excess_precision=True)(lesson())
    for v in (0.1, -2.0, 0.7, 1.3, -0.4):
        expected, got = step(torch.tensor(v)), captured(torch.tensor(v))
        assert [float(v) for v in got] == pytest.approx([float(v) for v in expected], rel=1e-5)
        assert all(g.dtype == torch.float32 for g in got[1:])
    assert_replayed(captured, 3)
    assert "math.tanh" in captured.source()


def test_excess_precision_keeps_digits_that_cancel() -> None:
    step = torch.capture(lambda x: (x + 1e8) - 1e8, excess_precision=True)
    assert [step(torch.tensor(1.0)).item() for _ in range(3)] == [0.0, 0.0, 1.0]


def test_with_excess_precision_a_number_too_large_runs_the_step_instead() -> None:
    w = torch.tensor(1.0, requires_grad=True)

    @torch.capture(excess_precision=True)
    def step(x: torch.Tensor) -> torch.Tensor:
        w.grad = None
        loss = (w * x).exp() * 0.5
        loss.backward()
        return loss

    for x in (1.0, 2.0, 3.0):
        step(torch.tensor(x))
    assert step(torch.tensor(100.0)).item() == math.inf
    assert step(torch.tensor(1000.0)).item() == math.inf
    assert w.grad.item() == math.inf
    assert step(torch.tensor(1.0)).item() == pytest.approx(math.e / 2)
    assert step.explain().startswith("2 calls replayed")


@pytest.mark.parametrize("excess_precision", [False, True])
@pytest.mark.parametrize("length", [200, 700, 2500])
def test_long_programs_which_use_names_again_give_the_same(length: int, excess_precision: bool) -> None:
    draw = random.Random(length)
    leaves = [torch.tensor(draw.uniform(-1, 1), requires_grad=True) for _ in range(6)]
    plan = [(draw.choice("+-*tr"), draw.randrange(8), draw.randrange(8)) for _ in range(length)]

    def step(x: torch.Tensor) -> Any:
        known = [x, *leaves]
        for leaf in leaves:
            leaf.grad = None
        for kind, i, j in plan:
            a, b = known[-1 - i % len(known)], known[j % len(known)]
            made = a + b if kind == "+" else a - b if kind == "-" else a * b if kind == "*" else a.relu()
            known.append(made.tanh() if kind in "*t" else made * 0.5)
        loss = known[-1] + known[-2] * known[-3]
        loss.backward()
        return [loss.detach(), *(leaf.grad for leaf in leaves)]

    captured = torch.capture(step, excess_precision=excess_precision)
    for start in (0.1, 0.2, 0.3, -0.4, 0.5):
        expected = [t.item() for t in step(torch.tensor(start))]
        got = [t.item() for t in captured(torch.tensor(start))]
        assert got == (pytest.approx(expected, rel=1e-4, abs=1e-6) if excess_precision else expected)
    assert_replayed(captured, 3)


def test_a_number_may_become_an_array_and_a_number_again() -> None:
    w = torch.tensor(2.0, requires_grad=True)

    @torch.capture
    def step() -> Any:
        w.grad = None
        y = w * w + w
        y.backward()
        return y.detach()

    def results() -> tuple[float, float]:
        return step().item(), w.grad.item()

    assert [results() for _ in range(4)] == [(6.0, 5.0)] * 4
    assert "w = w_tensor._data\n" in step.source()  # a number, which nobody can change
    memory = w.detach().numpy()  # an array from now on
    for x in (3.0, 4.0, 5.0):
        memory[...] = x
        assert results() == (x * x + x, 2 * x + 1)
    assert "float32(w_tensor._data)" in step.source()
    for x in (6.0, 7.0):
        w.data = torch.tensor(x)
        assert results() == (x * x + x, 2 * x + 1)
    assert step.explain().startswith("5 calls replayed, 4 run as written")
