"""Captured steps on a GPU: one CUDA graph computes, what lasts is changed after it, and the numbers are the step's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nbautograd as nb
from nbautograd import nn
from nbautograd.nn import functional as F  # noqa: N812

pytestmark = pytest.mark.gpu


def numbers(*shape: int, seed: int = 5) -> nb.Tensor:
    return nb.randn(*shape, generator=nb.Generator().manual_seed(seed)).cuda()


def training(model: nn.Module, optimizer: str = "Adam") -> Callable[..., Any]:
    steps = getattr(nb.optim, optimizer)(model.parameters(), lr=0.05)

    def step(x: nb.Tensor, y: nb.Tensor) -> nb.Tensor:
        steps.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        steps.step()
        return loss

    return step


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.3), nn.Linear(8, 3)).cuda()


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(36), nn.Linear(36, 3)
    ).cuda()  # fmt: skip


def both(build: Callable[[], Any], batches: list[Any]) -> tuple[list[Any], list[Any], Any]:
    """What the step and the captured step return, each from the same start, and the captured one."""
    found: list[Any] = []
    step: Any = None
    for capturing in (False, True):
        nb.manual_seed(0)
        step = nb.capture(build()) if capturing else build()
        nb.manual_seed(2)
        found.append([step(*batch) for batch in batches])
    return found[0], found[1], step


def assert_same(eager: list[Any], captured: list[Any]) -> None:
    for a, b in zip(eager, captured, strict=True):
        nb.testing.assert_close(b, a, rtol=1e-5, atol=1e-6)


CLASSES = nb.tensor([0, 1, 2, 1])


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize(("make", "shape"), [(perceptron, (4, 6)), (convolutional, (4, 1, 6, 6))])
def test_a_captured_step_learns_what_the_step_learns(make: Any, shape: tuple[int, ...], optimizer: str):
    batches = [(numbers(*shape, seed=i), CLASSES.roll(i).cuda()) for i in range(7)]
    eager, captured, step = both(lambda: training(make(), optimizer), batches)
    assert_same(eager, captured)
    assert step.explain().startswith("5 calls replayed, 2 run")
    assert "as a CUDA graph" in step.explain()
    assert "# one CUDA graph" in step.source()


def test_what_a_replay_returns_and_puts_into_place_is_not_overwritten_by_the_next():
    w = numbers(3).requires_grad_()

    @nb.capture
    def step(x: nb.Tensor) -> nb.Tensor:
        w.grad = None
        loss = (w * x).square().sum()
        loss.backward()
        return loss

    returned, gradients = [], []
    for i in range(6):
        returned.append(step(numbers(3, seed=i)))
        gradients.append(w.grad)
    for i, (loss, g) in enumerate(zip(returned, gradients, strict=True)):
        x = numbers(3, seed=i)
        nb.testing.assert_close(loss, (w * x).square().sum().detach())
        nb.testing.assert_close(g, 2 * (w * x * x).detach())


def test_other_work_between_replays_does_not_disturb_them():
    eager, captured = [], []
    for found, wrap in ((eager, lambda f: f), (captured, nb.capture)):
        nb.manual_seed(0)
        step = wrap(training(perceptron()))
        nb.manual_seed(2)
        for i in range(6):
            found.append(step(numbers(4, 6, seed=i), CLASSES.cuda()))
            rubbish = [nb.full((n,), 1e9, device="cuda") for n in (3, 6, 8, 24, 48) for _ in range(8)]
            del rubbish
    assert_same(eager, captured)


def test_gradients_add_up_where_nobody_clears_them():
    def build() -> Any:
        w = nb.ones(3, device="cuda", requires_grad=True)

        def step(x: nb.Tensor) -> nb.Tensor:
            (w * x).sum().backward()
            return w.grad * 1

        return step

    eager, captured, _ = both(build, [(numbers(3, seed=i),) for i in range(6)])
    assert_same(eager, captured)


def test_a_parameter_that_lies_elsewhere_is_captured_anew():
    w = nb.ones(3, device="cuda", requires_grad=True)

    @nb.capture
    def step(x: nb.Tensor) -> nb.Tensor:
        w.grad = None
        (w * w * x).sum().backward()
        return w.grad.sum()

    x = nb.ones(3, device="cuda")
    assert [step(x).item() for _ in range(4)] == [6] * 4
    before = w.data
    w.data = nb.full((3,), 2.0, device="cuda")
    assert [step(x).item() for _ in range(2)] == [12] * 2
    assert before.tolist() == [1, 1, 1]
    with nb.no_grad():
        w.mul_(2)
    assert step(x).item() == 24


def test_a_number_that_the_step_returns_is_read_after_the_launch():
    w = nb.ones(2, device="cuda", requires_grad=True)

    @nb.capture
    def step(x: nb.Tensor) -> float:
        w.grad = None
        loss = (w * x).sum()
        loss.backward()
        return loss.item()

    assert [step(nb.full((2,), float(i), device="cuda")) for i in range(5)] == [0, 2, 4, 6, 8]
    assert "replayed" in step.explain()


def test_what_a_graph_cannot_hold_is_refused_with_the_reason():
    w = nb.ones(3, device="cuda", requires_grad=True)

    @nb.capture
    def branching(x: nb.Tensor) -> nb.Tensor:
        loss = (w * x).sum()
        return loss * 2 if loss > 0 else loss

    @nb.capture
    def drawing(x: nb.Tensor) -> nb.Tensor:
        return (x * nb.poisson(nb.ones(3, device="cuda"))).sum()

    for step, why in ((branching, "Python decides by numbers that are on a GPU"), (drawing, "random")):
        for _ in range(3):
            with nb.no_grad():
                step(nb.ones(3, device="cuda"))
        assert why in step.explain()


def test_numbers_are_drawn_anew_before_each_launch():
    def build() -> Any:
        return lambda x: (x * nb.rand(3, device="cuda") + nb.randn(3, device="cuda")).sum()

    with nb.no_grad():
        eager, captured, step = both(build, [(numbers(3),)] * 6)
    assert_same(eager, captured)
    assert len({x.item() for x in captured}) == 6
    assert "as a CUDA graph" in step.explain()


def test_what_waits_for_the_gpu_is_replayed_call_by_call_and_says_so():
    @nb.capture
    def step(x: nb.Tensor) -> nb.Tensor:
        return nb.linalg.matrix_exp(x)

    x = nb.eye(2, device="cuda")
    with nb.no_grad():
        for _ in range(4):
            nb.testing.assert_close(step(x), nb.linalg.matrix_exp(x))
    assert "one by one: a CUDA graph cannot hold this" in step.explain()
