"""An interrupt may come at any moment: nothing is left behind, and what runs next is right.

`NBAUTOGRAD_INTERRUPTS` says how many moments are tried.
"""

from __future__ import annotations

import functools
import gc
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nbautograd as torch
from nbautograd.core import levels, modes
from nbautograd.core.modes import local, state
from tests import interrupts
from tests.interrupts import clock, duration, nothing_left

COUNT = interrupts.COUNT or 200

pytestmark = interrupts.MARKS


@pytest.fixture(autouse=True)
def modes_as_before():
    with nothing_left():
        yield


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x / x


class Work:
    """A graph with hooks, several outputs and a custom function, and parameters it adds gradients to."""

    def __init__(self) -> None:
        self.w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        self.v = torch.tensor([0.5, 0.5, 0.5], requires_grad=True)
        y = Double.apply(self.w.exp() * self.v)
        y.register_hook(lambda g: g * 1)
        first, second, third = y.unbind()
        self.loss = (first * second + third.sin()) * 2
        self.parameters = self.w, self.v

    def backward(self) -> None:
        self.loss.backward(retain_graph=True)

    def with_graph(self) -> None:
        (slope,) = torch.autograd.grad(self.loss, self.w, create_graph=True)
        slope.sum().backward(retain_graph=True)

    def traced(self) -> None:
        with torch.trace():
            self.backward()

    def inside_a_hook(self) -> None:
        inner = self.v * 3
        handle = inner.register_hook(lambda g: self.backward())
        inner.sum().backward()
        handle.remove()

    def in_place(self) -> None:
        x = self.w * 1
        x[1:].mul_(self.v[1:])
        x.sum().backward()


JOBS = [Work.backward, Work.with_graph, Work.traced, Work.inside_a_hook, Work.in_place]


def passes(job: Callable[[Work], None]) -> tuple[Work, list[list[list[float]]]]:
    """A piece of work whose `job` has run once, and per parameter every `.grad` that running it again goes through."""
    work, seen = Work(), []
    job(work)
    for parameter in work.parameters:
        values = [parameter.grad.tolist()]
        parameter.register_post_accumulate_grad_hook(lambda p, values=values: values.append(p.grad.tolist()))
        seen.append(values)
    job(work)
    return work, seen


@pytest.fixture
def interrupted() -> Iterator[Any]:
    """`interrupted(job, after)` runs `job` and interrupts it."""
    with clock() as run:
        yield run


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_after_an_interrupt_gradients_are_old_or_whole_and_the_next_pass_is_right(
    job: Callable[[Work], None], interrupted: Any
) -> None:
    again, allowed = passes(job)
    took = duration(lambda: job(again))
    chance = random.Random(job.__name__)
    for _ in range(COUNT):
        work = Work()
        job(work)
        interrupted(functools.partial(job, work), chance.random() * took)
        for parameter, values in zip(work.parameters, allowed, strict=True):
            assert parameter.grad.tolist() in values
            parameter.grad = None
        job(work)
        assert [p.grad.tolist() for p in work.parameters] == [values[0] for values in allowed]
        gc.collect(0)
        assert (state.attached, state.special, state.paused) == (None, 0, False)
        assert (local.walk, local.unwatched, local.saved_hooks, local.levels) == (None, False, (), ())


BLOCKS = {
    "no_grad": torch.no_grad,
    "enable_grad": torch.enable_grad,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "inference_mode": torch.inference_mode,
    "saved_tensors_hooks": lambda: torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.float16),
    "anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "dual_level": torch.autograd.forward_ad.dual_level,
    "a level of forward mode": levels.opened,
    "a device": lambda: torch.device("cpu"),
}


def switched_on() -> list[Any]:
    """What is not as it is by default."""
    held = [not local.grad_enabled, local.inference, *local.saved_hooks, *local.levels, local.cast, state.anomaly]
    return [mode for mode in held if mode]


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_mode_that_an_interrupt_left_behind_is_never_overlooked_and_can_be_put_back(
    block: Callable[[], Any], interrupted: Any
) -> None:
    def work() -> None:
        for _ in range(10):
            with block():
                _ = w * 2

    w = torch.ones(3, requires_grad=True)
    took = duration(work)
    chance, before = random.Random(0), state.special
    put_back = modes.noted()
    for _ in range(COUNT):
        interrupted(work, chance.random() * took)
        assert state.special >= before + len([mode for mode in switched_on() if mode is not local.inference])
        put_back()
        assert not switched_on()
        assert torch.get_default_device() == torch.device("cpu")
        assert not torch.is_autocast_enabled("cpu")
    assert state.special >= before  # a mark whose `__del__` was interrupted is counted still, which costs time only
    assert (w * 2).requires_grad
