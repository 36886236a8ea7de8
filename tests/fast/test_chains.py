"""Chains of captured steps by one compiled loop give what they give block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import fast
from nbautograd.fast import chains
from nbautograd.fast.chains import Chain

pytest.importorskip("numba", reason="needs numba: pip install nbautograd[fast]")

SIZE = 40_000
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-13}
Function = Callable[[torch.Tensor], torch.Tensor]
COMPILED: dict[str, Function] = {
    "polynomial": lambda x: ((x * 0.5 + 1) * x - 2) * x / 3,
    "relu": lambda x: (x * x - 1).relu() * x,
    "tanh, exp": lambda x: ((x.tanh() * 1.1).exp() * 0.3).tanh(),
    "sigmoid": lambda x: x.sigmoid() * x + 1 / (x * x + 1),
    "a number": lambda x: x * torch.tensor(2.5, dtype=x.dtype) + x**3 - x.abs(),
    "two dimensions": lambda x: (x.reshape(200, -1) * 2 - 1).square() * x.reshape(200, -1),
}
LEFT: dict[str, Function] = {
    "another function": lambda x: (x * 2).sin() * x,
    "rows": lambda x: torch.softmax(x.reshape(200, -1) * 2, 1) * 3,
    "an operand that is spread": lambda x: x.reshape(200, -1) * x[:200, None] * 2,
}


@pytest.fixture(autouse=True, scope="module")
def kernels() -> Iterator[None]:
    fast.start()
    yield
    fast.stop()


def run(function: Function, x: torch.Tensor, compiled: bool) -> tuple[list[Any], list[Chain]]:
    """The result and the gradient of the fourth call, and the chains of the program."""

    @torch.capture
    def step(x: torch.Tensor) -> Any:
        y = function(x)
        (slope,) = torch.autograd.grad(y, x, torch.ones_like(y))
        return y.detach(), slope

    for _ in range(3):
        step(x)
    assert step.explain().startswith("1 call replayed"), step.explain()
    space = step._recipes[0].program.run.__globals__
    found = [value for value in space.values() if isinstance(value, Chain)]
    if compiled:
        for chain in found:
            chain.build()
    return [t.numpy() for t in step(x)], found


def assert_close(got: list[Any], expected: list[Any], tolerance: float) -> None:
    for a, b in zip(got, expected, strict=True):
        scale = np.abs(b[np.isfinite(b)]).max()
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)
        assert a.dtype == b.dtype


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_chain_gives_the_same(name: str, dtype: Any) -> None:
    x = torch.linspace(-2.5, 2.5, SIZE, dtype=dtype, requires_grad=True)
    expected, _ = run(COMPILED[name], x, compiled=False)
    got, found = run(COMPILED[name], x, compiled=True)
    assert found
    assert_close(got, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_chain_passes_on_what_is_no_number(name: str) -> None:
    x = torch.linspace(-2.5, 2.5, SIZE)
    x[:7] = torch.tensor([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, 1e-42])
    x.requires_grad_()
    expected, _ = run(COMPILED[name], x, compiled=False)
    got, _ = run(COMPILED[name], x, compiled=True)
    assert_close(got, expected, 1e-6)


@pytest.mark.parametrize("name", LEFT)
def test_other_chains_are_left_to_blocks(name: str) -> None:
    x = torch.linspace(0.1, 2.5, SIZE, requires_grad=True)
    assert run(LEFT[name], x, compiled=False)[1] == []


def test_arrays_that_lie_otherwise_are_left_to_blocks() -> None:
    wide = torch.linspace(-1, 1, 2 * SIZE)
    x = wide[::2].requires_grad_()
    expected, _ = run(COMPILED["polynomial"], x, compiled=False)
    got, _ = run(COMPILED["polynomial"], x, compiled=True)
    assert_close(got, expected, 0)


def test_a_chain_is_compiled_once_it_has_been_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.linspace(-2.5, 2.5, SIZE, requires_grad=True)
    _, (chain,) = run(COMPILED["polynomial"], x, compiled=False)
    arrays = np.ones(SIZE, np.float32), np.empty(SIZE, np.float32)
    assert chain._thread is None
    given = [arrays[0]] * (chain.source.count("_i = "))
    numbers = chain.source.count('"float32"')
    results = [arrays[1] for _ in range(chain.source.count('"float32[::1]"') - len(given))]
    monkeypatch.setattr(chains, "WORTH", chain._seen + 2 * SIZE)
    assert not chain(*given, *[np.float32(1)] * numbers, *results)
    assert chain._thread is None
    assert not chain(*given, *[np.float32(1)] * numbers, *results)  # from here on the thread may be done any time
    assert chain._thread is not None
    chain._thread.join()
    assert chain(*given, *[np.float32(1)] * numbers, *results)


def test_kernels_that_are_stopped_leave_it_to_blocks() -> None:
    x = torch.linspace(-2.5, 2.5, SIZE, requires_grad=True)
    _, (chain,) = run(COMPILED["polynomial"], x, compiled=True)
    fast.stop()
    try:
        assert not chain()
    finally:
        fast.start()
