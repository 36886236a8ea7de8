"""The step of an optimizer, written out in a program, does what it does as a call: to the digit, whatever changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import fast

optim = torch.optim

MAKE: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "SGD, Nesterov and decay": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "SGD, damped, upwards": lambda p: optim.SGD(p, lr=0.01, momentum=0.5, dampening=0.1, maximize=True),
    "SGD, decay upwards": lambda p: optim.SGD(p, lr=0.01, weight_decay=0.1, maximize=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "Adam, decay": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1),
    "Adam, amsgrad upwards": lambda p: optim.Adam(p, lr=0.01, amsgrad=True, maximize=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "AdamW, amsgrad": lambda p: optim.AdamW(p, lr=0.01, amsgrad=True, betas=(0.8, 0.9)),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
    "RMSprop, centered, momentum": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.9, weight_decay=0.1),
    "RMSprop, centered": lambda p: optim.RMSprop(p, lr=0.01, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "Adagrad, decaying": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5),
}
OTHERS: dict[str, Callable[[Any], Any]] = {
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "Rprop": lambda p: optim.Rprop(p, lr=0.01),
    "Adafactor": lambda p: optim.Adafactor(p, lr=0.01),
}
WRITTEN = ".pieces(parameter, slots):"


class Training:
    """Parameters of every kind, and a step whose gradients differ each time."""

    def __init__(self, make: Callable[[Any], Any], capturing: bool) -> None:
        draw = np.random.default_rng(0)
        shapes = [(), (3,), (4, 5), (300, 400)]
        arrays = [draw.normal(size=shape).astype("float32") for shape in shapes]
        self.p = [torch.tensor(a, requires_grad=True) for a in [*arrays, draw.normal(size=(2, 3))]]
        self.p.append(torch.tensor(draw.normal(size=(5, 4)).astype("float32")).T.requires_grad_())
        self.losses: list[float] = []
        self.unused = torch.ones(2, requires_grad=True)
        self.optimizer = make([*self.p, self.unused])
        optimizer, parameters = self.optimizer, self.p

        def step(m: Any, lr: Any) -> Any:
            optimizer.zero_grad()
            group = sum((p * p * m + p.sin() * lr).sum() for p in parameters)
            group.backward()
            optimizer.step()
            return group

        self.step: Any = torch.capture(step) if capturing else step

    def run(self, count: int) -> None:
        self.losses += [self.step(torch.tensor(0.1 * i), torch.tensor(1.0)).item() for i in range(count)]

    def seen(self) -> list[Any]:
        """All that a step leaves."""
        saved = self.optimizer.state_dict()
        slots = [(i, name, slot.numpy().tolist()) for i, of in saved["state"].items() for name, slot in of.items()]
        return [[p.tolist() for p in self.p], [p._version for p in self.p], slots, saved["param_groups"]]


def both(make: Callable[[Any], Any], then: Callable[[Training], Any] = lambda training: None) -> Any:
    """The source of the step, when it has gone the same way captured as it is: three times, `then`, four times."""
    plain, captured = Training(make, False), Training(make, True)
    for training in (plain, captured):
        training.run(3)
        then(training)
        training.run(4)
    assert plain.losses == captured.losses
    assert plain.seen() == captured.seen()
    return captured.step


@pytest.mark.parametrize("name", [*MAKE, *OTHERS])
def test_steps_go_the_same_way(name: str) -> None:
    step = both((MAKE | OTHERS)[name])
    assert step.explain().startswith("5 calls replayed, 2 run")
    assert (WRITTEN in step.source()) == (name in MAKE)


def _again(training: Training) -> None:
    training.optimizer.load_state_dict(copy.deepcopy(training.optimizer.state_dict()))


def _forget(training: Training) -> None:
    training.optimizer.state.clear()


def _another_rate(training: Training) -> None:
    training.optimizer.param_groups[0]["lr"] = 0.05


def _no_rate(training: Training) -> None:
    training.optimizer.param_groups[0]["lr"] = 0.0


def _rate_as_tensor(training: Training) -> None:
    training.optimizer.param_groups[0]["lr"] = torch.tensor(0.03)


def _one_more(training: Training) -> None:
    training.unused.grad = torch.ones(2)


CHANGES = {_again: 5, _forget: 5, _another_rate: 5, _no_rate: 5, _rate_as_tensor: 5, _one_more: 4}
"""With how many calls that are replayed."""


@pytest.mark.parametrize("then", CHANGES)
@pytest.mark.parametrize("name", ["SGD, damped, upwards", "AdamW", "RMSprop", "Adagrad"])
def test_what_changes_between_replays_is_read_anew(name: str, then: Callable[[Training], Any]) -> None:
    assert both(MAKE[name], then).explain().startswith(f"{CHANGES[then]} calls replayed")


OPTIONS: dict[str, Any] = {"weight_decay": 0.3, "maximize": True, "momentum": 0.7, "nesterov": True}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_is_set_or_hooks_make_another_program(option: str) -> None:
    def change(training: Training) -> None:
        training.optimizer.param_groups[0][option] = OPTIONS[option]

    make = MAKE["SGD, momentum" if option == "nesterov" else "SGD"]
    step = both(make, change)
    assert step.explain().startswith("3 calls replayed, 4 run")


def test_hooks_are_called() -> None:
    calls: list[int] = []

    def hooked(training: Training) -> None:
        training.optimizer.register_step_post_hook(lambda *_: calls.append(1))

    step = both(MAKE["Adam"], hooked)
    assert len(calls) == 8
    assert WRITTEN not in step.source()


def test_groups_have_options_of_their_own() -> None:
    def make(params: Any) -> Any:
        groups = [
            {"params": params[:2]},
            {"params": params[2:4], "weight_decay": 0.1},
            {"params": params[4:], "lr": 0.5},
        ]
        return optim.AdamW(groups, weight_decay=0.0)

    def further(training: Training) -> None:
        training.optimizer.param_groups[2]["lr"] = 0.25

    source = both(make, further).source()
    assert source.count(WRITTEN) == 3
    assert source.count("p *= shrink") == 1


def test_a_new_group_joins() -> None:
    def more(training: Training) -> None:
        new = torch.full((3,), 2.0, requires_grad=True)
        training.optimizer.add_param_group({"params": [new], "weight_decay": 0.5})
        training.p.append(new)

    assert both(MAKE["SGD"], more).source().count(WRITTEN) == 2


def test_the_text_reads_like_the_rule() -> None:
    w = torch.ones(3, requires_grad=True)
    optimizer = optim.Adam([w], lr=0.1)

    @torch.capture
    def step(x: torch.Tensor) -> None:
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()

    for _ in range(3):
        step(torch.ones(3))
    for line in (
        "# optimizer.step(): Adam", "# m ← β₁·m + (1 − β₁)·g", "for group in optimizer.param_groups:",
        "step = count_step(state)", "# m ← m + first · (g − m)", "np.subtract(g, m, out=t)", "p -= t",
    ):  # fmt: skip
        assert line in step.source(), line


@pytest.mark.skipif(not fast.INSTALLED, reason="needs numba")
def test_what_a_kernel_serves_stays_a_call() -> None:
    training = Training(MAKE["Adam"], True)
    training.run(3)
    assert WRITTEN in training.step.source()
    fast.running["adam"] = lambda *args, **settings: None
    try:
        training.run(2)
        assert "optimizer.step()  # by kernels" in training.step.source()
    finally:
        fast.running.pop("adam")
