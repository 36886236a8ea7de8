"""What a step does the first time only keeps it from being replayed no longer than that."""

from __future__ import annotations

import functools
from typing import Any

import nbautograd as torch
from nbautograd import nn


def run(step: Any, count: int = 6) -> list[Any]:
    torch.manual_seed(0)
    return [step(torch.ones(2, 3) * i).tolist() for i in range(count)]


def compared(build: Any) -> Any:
    """The captured step, when it has given what the step itself gives."""
    torch.manual_seed(1)
    expected = run(build())
    torch.manual_seed(1)
    captured = torch.capture(build())
    assert run(captured) == expected
    return captured


def test_buffers_that_are_made_when_they_are_first_used() -> None:
    def build() -> Any:
        w, buffers = torch.ones(3, requires_grad=True), dict[str, Any]()

        def step(x: torch.Tensor) -> Any:
            w.grad = None
            (w * x).sum().backward()
            if "velocity" not in buffers:
                buffers["velocity"] = torch.zeros_like(w)
            with torch.no_grad():
                w.sub_(buffers["velocity"].mul_(0.9).add_(w.grad), alpha=0.1)
            return w.detach().clone()

        return step

    assert compared(build).explain().startswith("3 calls replayed, 3 run")


def test_layers_that_learn_their_sizes_from_the_first_input() -> None:
    def build() -> Any:
        net = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))

        def step(x: torch.Tensor) -> Any:
            net.zero_grad()
            net(x).sum().backward()
            return net[0].weight.grad.clone()

        return step

    assert compared(build).explain().startswith("3 calls replayed, 3 run")


def test_properties_that_are_computed_once() -> None:
    class Options:
        def __init__(self) -> None:
            self.base = torch.ones(3)

        @functools.cached_property
        def scale(self) -> Any:
            return self.base * 2

    def build() -> Any:
        options = Options()
        return lambda x: x * options.scale

    step = compared(build)
    assert step.explain().startswith("3 calls replayed, 3 run")
    assert "no program for" not in step.explain()


def test_what_is_printed_once() -> None:
    seen: list[int] = []

    def step(x: torch.Tensor) -> Any:
        if len(seen) < 2:
            print("once more")
        return x * 2

    captured = torch.capture(step)
    for call in range(6):
        if call < 2:
            seen.append(call)
        captured(torch.ones(1))
    assert captured.explain().startswith("3 calls replayed, 3 run")


def test_single_random_numbers_may_decide() -> None:
    def build() -> Any:
        return lambda x: x * 2 if torch.rand(()) < 0.5 else x * torch.randn(())

    torch.manual_seed(1)
    expected = run(build(), 30)
    torch.manual_seed(1)
    captured = torch.capture(build())
    assert run(captured, 30) == expected
    assert int(captured.explain().split()[0]) > 20


def test_answers_that_are_remembered_until_they_are_forgotten() -> None:
    asked: list[int] = []

    @functools.cache
    def scale(size: int) -> float:
        asked.append(size)
        return size / 2

    step = torch.capture(lambda x: x * scale(x.shape[0]))
    for call in range(10):
        if call == 5:
            scale.cache_clear()
        assert step(torch.ones(3)).tolist() == [1.5, 1.5, 1.5]
    assert asked == [3, 3]
    assert step.explain().startswith("4 calls replayed, 6 run")
