"""What cannot be replayed is refused, with its reason: what Python does besides, numbers from elsewhere, randomness."""

from __future__ import annotations

import functools
import io
import itertools
import logging
import math
import os
import pprint
import random
import sys
import time
import types
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.replay.hearing import _module_of
from nbautograd.utils.checkpoint import checkpoint

log = logging.getLogger(__name__)
file = io.StringIO()
settings: Any = types.ModuleType("settings")
w = torch.ones(3, requires_grad=True)
rng: Any = None
counter: Any = None


class Config:
    scale = 1.0


class Scaled:
    factor = 1.0

    def apply(self, x: Any) -> Any:
        return self.helped(x)

    def helped(self, x: Any) -> Any:
        return x * self.factor * Config.scale


scaled = Scaled()


def array_of() -> Any:
    return np.ones(3, np.float32)


remembered = functools.lru_cache(float)


def how_often() -> float:
    remembered(1)
    return remembered.cache_info().hits + 1.0


REFUSED: dict[str, tuple[str, Any]] = {
    "Python's random numbers": ("draws random numbers", lambda x: w * x * random.random()),
    "a branch by Python's random numbers": ("draws random", lambda x: w * x * (2 if random.random() < 0.5 else 3)),
    "NumPy's random numbers": ("draws random numbers", lambda x: w * x * float(np.random.rand())),
    "a generator of NumPy's": ("random numbers from rng", lambda x: w * x * torch.tensor(rng.normal(size=3))),
    "an iterator": ("depends on counter, and what that count holds", lambda x: w * x * next(counter)),
    "a number that differs each time": ("something else in every run", lambda x: w * x * how_often()),
    "numbers that Python reads": ("reads numbers", lambda x: w * x * float(x.sum())),
    "the clock": ("it calls time.perf_counter()", lambda x: w * x * (1 if time.perf_counter() else 2)),
    "today": ("it calls datetime.now()", lambda x: w * x * (1 if datetime.now() else 2)),
    "whether a file is there": ("exists()", lambda x: w * x * (1 if os.path.exists(__file__) else 2)),
    "what is read from a file": (
        "what that StringIO holds is not compared",
        lambda x: w * x * sum(len(line) for line in file),
    ),
    "modules by their names": ("depends on sys.modules", lambda x: w * x * len(sys.modules["math"].__name__)),
    "a warning": ("it calls warnings.warn()", lambda x: warnings.warn("again", stacklevel=1) or w * x),
    "a note for a log": ("it calls logging.Logger.debug()", lambda x: log.debug("again") or w * x),
    "a note for the log": ("it calls logging.debug()", lambda x: logging.debug("again") or w * x),
    "standard error": ("it prints", lambda x: print("again", file=sys.stderr) or w * x),
    "standard output": (".write()", lambda x: sys.stdout.write("again") and w * x),
    "a file": ("it calls open()", lambda x: open(os.devnull).close() or w * x),
    "a helper in a library that prints": ("it calls pprint.pprint()", lambda x: pprint.pprint("again") or w * x),
    "how often a tensor was changed": ("it calls Tensor._version()", lambda x: w * x * (1 + w._version)),
    "the seed": ("it calls initial_seed()", lambda x: w * x * torch.initial_seed()),
    "the number of threads": ("it calls get_num_threads()", lambda x: w * x * torch.get_num_threads()),
    "where a tensor lies": ("it calls data_ptr()", lambda x: w * x * (1 if w.data_ptr() else 2)),
    "a generator of Python's that nobody holds": ("random.Random", lambda x: w * x * random.Random(1).random()),
    "attributes of an argument": ("an argument has attributes", lambda x: setattr(x, "seen", 1) or w * x),
    "a checkpoint": ("it has a checkpoint", lambda x: checkpoint(torch.tanh, w * x, use_reentrant=False)),
    "an array of NumPy's": ("hint: give it to the step", lambda x: w * x * torch.from_numpy(array_of())),
    "bfloat16": ("bfloat16", lambda x: (w * x).to(torch.bfloat16)),
}
WITHOUT_A_LINE = ("random", "every run", "depends on", "not compared")
REPLAYED: dict[str, Any] = {
    "an attribute of a class": lambda x: w * x * Config.scale,
    "an attribute of a module": lambda x: w * x * settings.scale,
    "an attribute of a class, through an object and its methods": lambda x: scaled.apply(w * x),
    "random numbers of our own": lambda x: w * x * torch.rand(3),
    "a change in place": lambda x: (w * x).mul_(2).add_(1),
    "a change through a view": lambda x: _through_a_view(w * x),
    "a mask": lambda x: (w * x)[x > 1.5],
    "a list of positions": lambda x: (w * x)[[0, 2]],
}


def _through_a_view(y: Any) -> Any:
    y = y * 1
    y[:1].mul_(2)
    return y


def results(function: Any, capturing: bool) -> tuple[list[Any], Any]:
    """What a step gives, call by call, while settings change round it."""
    global rng, counter
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    remembered.cache_clear()
    rng, counter, found = np.random.default_rng(0), itertools.count(), []

    def step(x: Any) -> Any:
        w.grad = None
        y = function(x).sum()
        y.backward()
        return y.detach()

    captured = torch.capture(step) if capturing else step
    for i in range(12):
        torch.manual_seed(i)
        settings.scale = Config.scale = 1.0 + (i >= 5)
        Scaled.factor = 1.0 + (i >= 8)
        value = captured(torch.tensor([1.0, 2.0, 3.0]) + i % 3)
        found.append([value.item(), w.grad.tolist()])
    return found, captured


@pytest.mark.filterwarnings("ignore:again")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_runs_as_it_is_and_says_why(name: str) -> None:
    why, function = REFUSED[name]
    expected, _ = results(function, False)
    got, step = results(function, True)
    assert got == expected
    assert step.explain().startswith("0 calls replayed, 12 run")
    assert why in step.explain()
    assert "(line " in step.explain() or "hint:" in step.explain() or any(word in why for word in WITHOUT_A_LINE)


@pytest.mark.parametrize("name", REPLAYED)
def test_what_changes_round_a_step_is_noticed_and_the_step_replayed_again(name: str) -> None:
    expected, _ = results(REPLAYED[name], False)
    got, step = results(REPLAYED[name], True)
    assert got == expected
    assert not step.explain().startswith("0 calls")


def test_small_whole_numbers_are_told_apart_from_constants() -> None:
    def step(x: Any) -> Any:
        return (x > 0).sum().item(), 2

    captured = torch.capture(step)
    for values in ([1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]):
        assert captured(torch.tensor(values)) == step(torch.tensor(values))


def test_numbers_of_python_that_are_returned_are_those_of_each_call() -> None:
    calls = itertools.count()
    captured = torch.capture(lambda x: (x * 2, next(calls)))
    assert [captured(torch.ones(2))[1] for _ in range(5)] == [0, 1, 2, 3, 4]


RATES: dict[str, tuple[str, Any]] = {
    "a schedule": ("it calls default_2.step()", lambda optimizer, schedule: schedule.step()),
    "a rate changed by hand": ("it changes default_1.param_groups", lambda optimizer, schedule: _halved(optimizer)),
    "a rate that is returned": ("6 calls replayed", lambda optimizer, schedule: optimizer.param_groups[0]["lr"]),
    "a schedule's rate": ("6 calls replayed", lambda optimizer, schedule: schedule.get_last_lr()[0]),
    "nothing": ("10 calls replayed", lambda optimizer, schedule: None),
}


def _halved(optimizer: Any) -> None:
    optimizer.param_groups[0]["lr"] *= 0.5


@pytest.mark.parametrize("name", RATES)
def test_rates_in_a_step_are_those_of_each_call(name: str) -> None:
    why, further = RATES[name]
    found: list[Any] = []
    for capturing in (False, True):
        p = torch.ones(3, requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=0.1)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)

        def step(x: Any, p: Any = p, optimizer: Any = optimizer, schedule: Any = schedule) -> Any:
            p.grad = None
            (p * x).sum().backward()
            optimizer.step()
            return further(optimizer, schedule)

        run: Any = torch.capture(step) if capturing else step
        seen: list[Any] = []
        for i in range(12):
            seen.append((run(torch.ones(3)), p.tolist()))
            if why[0].isdigit() and i % 4 == 3:
                schedule.step()
        found.append(seen)
        explained = run.explain() if capturing else ""
    assert found[0] == found[1]
    assert why in explained


def test_what_changes_before_every_call_ends_in_no_program() -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=1.0)

    @torch.capture
    def step() -> Any:
        p.sum().backward()
        optimizer.step()
        return len(optimizer.param_groups)

    for i in range(24):
        optimizer.param_groups[0]["lr"] = i / 2
        assert step() == 1
    assert p.tolist() == [1 - sum((i + 1) * i / 2 for i in range(24))] * 3
    assert "what it depends on changes before every call" in step.explain()


def deciding(x: Any) -> Any:
    loss = (w * x).sum()
    v = loss.item()
    (loss * 2 if v > 3 else loss).backward()
    return v


def rounding(x: Any) -> Any:
    (loss := (w * x).sum()).backward()
    return round(loss.item(), 1)


def telling(x: Any) -> Any:
    (loss := (w * x).sum()).backward()
    v = loss.item()
    w.grad.add_(v)
    return v


def returning(x: Any) -> Any:
    (loss := (w * x).sum()).backward()
    v = loss.item()
    return {"loss": v, "more": [float(loss * 2), 1]}


def returning_several(x: Any) -> Any:
    losses = {"sum": (w * x).sum(), "mean": (w * x).mean()}
    sum(losses.values(), torch.tensor(0.0)).backward()
    return {name: loss.item() for name, loss in losses.items()}, [float(loss) for loss in losses.values()]


def returning_some(x: Any) -> Any:
    losses = [(w * x).sum(), (w * x * x).sum()]
    (losses[0] + losses[1]).backward()
    return [loss.item() for loss in losses if loss.item() > 10]


def in_a_function_inside(x: Any) -> Any:
    def values(of: Any) -> Any:
        return [part.item() for part in of]

    loss = (w * x).sum()
    (loss * 2 if values([loss])[0] > 10 else loss).backward()
    return values([loss])


def returning_formatted(x: Any) -> Any:
    (loss := (w * x).sum()).backward()
    return [f"{loss.item():.2f}" for _ in range(2)]


def in_a_helper(x: Any) -> Any:
    return deciding(x)


READING = {
    deciding: 0, rounding: 0, telling: 0, in_a_helper: 0, returning: 4, returning_several: 4, returning_some: 0,
    returning_formatted: 0, in_a_function_inside: 0,
}  # fmt: skip
"""By each step how many of its calls are replayed."""


@pytest.mark.parametrize("step", READING)
def test_numbers_that_are_read_may_only_be_returned(step: Any) -> None:
    found: list[Any] = []
    captured = torch.capture(step)
    for function in (step, captured):
        w.grad = None
        found.append([(function(torch.full((3,), x)), w.grad.tolist()) for x in (3.03, 4.04, 5.05, 0.1, 0.2, 6.06)])
    assert found[0] == found[1]
    assert captured.explain().startswith(f"{READING[step]} calls replayed")


losses: list[Any] = []
others: list[Any] = []
again = losses


def appending(x: Any) -> None:
    (loss := (w * x).sum()).backward()
    losses.append(loss.item())


def appending_twice(x: Any) -> Any:
    (loss := (w * x).sum()).backward()
    v = loss.item()
    losses.append(float(loss * 2))
    losses.append((loss * 3).item())
    return v


def appending_by_another_name(x: Any) -> Any:
    (loss := (w * x * len(again)).sum()).backward()
    losses.append(loss.item())


def looking_at_the_list(x: Any) -> Any:
    losses.append((w * x).sum().item())
    (w * x * len(losses)).sum().backward()


def in_a_helper_too(x: Any) -> Any:
    others.append((w * x).sum().item())
    (w * x * seen_so_far()).sum().backward()


def seen_so_far() -> int:
    return len(others)


def in_a_helper_that_decides(x: Any) -> Any:
    others.append((w * x).sum().item())
    (w * x * (2 if seen_so_far() > 3 else 1)).sum().backward()


def appending_the_same_twice(x: Any) -> Any:
    v = (w * x).sum().item()
    losses.append(v)
    losses.append(v)


APPENDING = {
    appending: 4, appending_twice: 4, appending_by_another_name: 0, looking_at_the_list: 0, in_a_helper_too: 0,
    in_a_helper_that_decides: 0,
    appending_the_same_twice: 0,
}  # fmt: skip


@pytest.mark.parametrize("step", APPENDING)
def test_numbers_may_be_appended_to_a_list_that_the_step_does_not_read(step: Any) -> None:
    found: list[Any] = []
    captured = torch.capture(step)
    for function in (step, captured):
        w.grad = None
        losses.clear()
        others.clear()
        given = [function(torch.full((3,), x)) for x in (3.03, 4.04, 5.05, 0.1, 0.2, 6.06)]
        found.append([given, [*losses], [*others], w.grad is None or w.grad.tolist()])
    assert found[0] == found[1]
    assert captured.explain().startswith(f"{APPENDING[step]} calls replayed"), captured.explain()


def test_a_list_may_be_emptied_between_calls() -> None:
    captured = torch.capture(appending)
    for i in range(6):
        losses.clear()
        captured(torch.full((3,), float(i)))
        assert losses == [3.0 * i]
    assert captured.explain().startswith("4 calls replayed")
    assert "losses.append(loss.item())" in captured.source()


def test_a_hook_switches_replaying_off_for_as_long_as_it_is_there() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    x = torch.ones(2)
    seen: list[Any] = []

    @torch.capture
    def step(x: Any) -> Any:
        w.grad = None
        (w * w * x).sum().backward()
        return w.grad

    def replayed() -> int:
        return int(step.explain().split()[0])

    handle = w.register_hook(seen.append)
    for _ in range(4):  # it is there from the first call on
        step(x)
    assert (replayed(), len(seen)) == (0, 4)
    handle.remove()
    for _ in range(4):
        assert step(x).tolist() == [2.0, 4.0]
    before = replayed()
    assert before == 2
    handle = w.register_post_accumulate_grad_hook(seen.append)
    step(x)
    assert (replayed(), len(seen)) == (before, 5)
    handle.remove()
    step(x)
    assert replayed() == before + 1


MODES: dict[str, tuple[Callable[[], Any], str]] = {
    "a trace": (torch.trace, "it is recorded"),
    "anomaly detection": (torch.autograd.detect_anomaly, "anomaly detection is on"),
    "autocast": (lambda: torch.autocast("cpu"), "autocast is on"),
    "inference": (torch.inference_mode, "inference mode is on"),
    "saved tensors": (lambda: torch.autograd.graph.saved_tensors_hooks(bool, bool), "hooks for saved tensors are on"),
    "forward mode": (torch.autograd.forward_ad.dual_level, "a gradient is computed forward"),
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", MODES)
def test_it_says_which_mode_is_on(name: str) -> None:
    mode, words = MODES[name]
    step = torch.capture(lambda x: x * 2)
    with mode():
        step(torch.ones(2))
    assert words in step.explain()
    with pytest.raises(RuntimeError, match="hint: call it twice first, where nothing else is on"):
        step.source()


def test_a_function_in_c_may_have_its_module_itself_for_the_name_of_that() -> None:
    assert _module_of(types.SimpleNamespace(__module__=math)) == _module_of(math.sqrt) == "math"
