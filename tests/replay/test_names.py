"""What names stand for, what classes are, what the environment says may change between the calls of a step."""

from __future__ import annotations

import abc
import builtins
import contextlib
import math
import os
import sys
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import nbautograd as torch
from nbautograd import nn
from tests.replay.test_surroundings import Scene, assert_noticed, calls

SCENES: dict[str, Scene] = {}


def scene(function: Scene) -> Scene:
    SCENES[function.__name__] = function
    return function


@scene
def an_environment_variable(capture: Any) -> Iterator[Any]:
    os.environ["A_LEARNERS_SCALE"] = "1"
    step = capture(lambda x: x * float(os.environ["A_LEARNERS_SCALE"]))
    yield from calls(step, lambda: os.environ.update(A_LEARNERS_SCALE="2"))


@scene
def an_environment_variable_by_a_function(capture: Any) -> Iterator[Any]:
    os.environ["A_LEARNERS_SCALE"] = "1"
    step = capture(lambda x: x * float(os.getenv("A_LEARNERS_SCALE", "3")))
    yield from calls(step, lambda: os.environ.pop("A_LEARNERS_SCALE"))


@scene
def a_context_variable(capture: Any) -> Iterator[Any]:
    scale: ContextVar[float] = ContextVar("scale", default=1.0)
    yield from calls(capture(lambda x: x * scale.get()), lambda: scale.set(2.0))


@scene
def what_a_context_variable_holds(capture: Any) -> Iterator[Any]:
    options: ContextVar[dict[str, float]] = ContextVar("options")
    options.set({"scale": 1.0})
    yield from calls(capture(lambda x: x * options.get()["scale"]), lambda: options.get().update(scale=2.0))


gains = {"scale": 2.0}


@contextlib.contextmanager
def scaling() -> Iterator[float]:
    yield gains["scale"]


@torch.no_grad()
def scaled_without_history(x: Any) -> Any:
    return x * gains["scale"]


@scene
def what_a_context_manager_of_the_module_reads(capture: Any) -> Iterator[Any]:
    gains["scale"] = 2.0

    def step(x: Any) -> Any:
        with scaling() as scale:
            return x * scale

    yield from calls(capture(step), lambda: gains.update(scale=3.0))


@scene
def what_a_decorated_function_of_the_module_reads(capture: Any) -> Iterator[Any]:
    gains["scale"] = 2.0
    yield from calls(capture(lambda x: scaled_without_history(x)), lambda: gains.update(scale=3.0))


@scene
def the_name_of_an_attribute(capture: Any) -> Iterator[Any]:
    options = types.SimpleNamespace(scale=2.0)

    def rename() -> None:
        options.gain = options.__dict__.pop("scale")

    yield from calls(capture(lambda x: x * getattr(options, "scale", 3.0)), rename)


@scene
def the_name_of_a_submodule(capture: Any) -> Iterator[Any]:
    nets: Any = nn.ModuleDict({"first": nn.Linear(3, 3)})

    def rename() -> None:
        nets["second"] = nets.pop("first")

    yield from calls(capture(lambda x: nets["first"](x).detach() if "first" in nets else x), rename)


@scene
def the_name_of_an_attribute_of_a_module(capture: Any) -> Iterator[Any]:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = 2.0

        def forward(self, x: Any) -> Any:
            return x * self.scale if hasattr(self, "scale") else x

    net: Any = Net()

    def rename() -> None:
        net.gain = net.__dict__.pop("scale")

    yield from calls(capture(net), rename)


@scene
def defaults_that_are_given_by_name(capture: Any) -> Iterator[Any]:
    def scaled(x: Any, *, scale: float = 2.0) -> Any:
        return x * scale

    def change() -> None:
        scaled.__kwdefaults__ = {"scale": 3.0}

    yield from calls(capture(lambda x: scaled(x)), change)


@scene
def the_class_of_an_object(capture: Any) -> Iterator[Any]:
    class Single:
        scale = 1.0

    class Double:
        scale = 2.0

    step = Single()
    yield from calls(capture(lambda x: x * step.scale), lambda: setattr(step, "__class__", Double))


@scene
def the_class_of_a_module(capture: Any) -> Iterator[Any]:
    net: Any = nn.ReLU()
    yield from calls(capture(lambda x: net(x - 2)), lambda: setattr(net, "__class__", nn.Tanh))


@scene
def the_bases_of_a_class(capture: Any) -> Iterator[Any]:
    class Single:
        scale = 1.0

    class Double:
        scale = 2.0

    class Other:
        pass

    class Step(Single, Other):
        pass

    step = Step()
    yield from calls(capture(lambda x: x * step.scale), lambda: setattr(Step, "__bases__", (Double, Other)))


@contextlib.contextmanager
def patched(owner: Any, name: str, value: Any) -> Iterator[Callable[[], None]]:
    """What is called by a name is changed in the block, and put back after it."""
    before = getattr(owner, name)
    try:
        yield lambda: setattr(owner, name, value)
    finally:
        setattr(owner, name, before)


PATCHED: list[tuple[Any, str, Any, Callable[[Any], Any]]] = [
    (builtins, "round", lambda x: 7, lambda x: x * round(2.4)),
    (math, "pi", 3.0, lambda x: x * math.pi),
    (sys, "argv", ["one", "two", "three"], lambda x: x * len(sys.argv)),
    (nn.functional, "relu", lambda x: x * 7, lambda x: nn.functional.relu(x)),
    (nn.ReLU, "forward", lambda self, x: x * 7, lambda x: RELU(x)),
    (torch.Tensor, "relu", lambda x: x * 7, lambda x: x.relu()),
    (torch.optim.SGD, "step", lambda self, closure=None: None, lambda x: descended(x)),
]
RELU = nn.ReLU()
WEIGHT = torch.ones(3, requires_grad=True)
DESCENT = torch.optim.SGD([WEIGHT], lr=0.1)


def descended(x: Any) -> Any:
    DESCENT.zero_grad()
    (WEIGHT * x).sum().backward()
    DESCENT.step()
    return WEIGHT.detach().clone()


def scene_of_a_patch(owner: Any, name: str, value: Any, step: Callable[[Any], Any]) -> Scene:
    def play(capture: Any) -> Iterator[Any]:
        with torch.no_grad():
            WEIGHT.fill_(1.0)
        with patched(owner, name, value) as change:
            yield from calls(capture(step), change)

    return play


for patch in PATCHED:
    SCENES[f"{patch[0].__name__}.{patch[1]}"] = scene_of_a_patch(*patch)


@scene
def a_name_that_hides_a_builtin(capture: Any) -> Iterator[Any]:
    cells: dict[str, Any] = {"__name__": "__main__"}
    exec("def step(x): return x * round(2.4)", cells)
    yield from calls(capture(cells["step"]), lambda: cells.update(round=lambda x: 7))


@scene
def a_name_that_is_not_there_yet(capture: Any) -> Iterator[Any]:
    cells: dict[str, Any] = {"__name__": "__main__"}
    exec("def step(x):\n  try: return x * scale\n  except NameError: return x", cells)
    yield from calls(capture(cells["step"]), lambda: cells.update(scale=2.0))


@scene
def a_name_that_is_there_no_more(capture: Any) -> Iterator[Any]:
    scale = 2.0

    def step(x: Any) -> Any:
        try:
            return x * scale
        except NameError:
            return x

    def change() -> None:
        nonlocal scale
        del scale

    yield from calls(capture(step), change)


@scene
def an_attribute_that_a_module_has_not_yet(capture: Any) -> Iterator[Any]:
    config = types.ModuleType("a_learners_config")
    yield from calls(capture(lambda x: x * getattr(config, "scale", 1.0)), lambda: setattr(config, "scale", 2.0))


@scene
def a_module_with_an_answer_to_every_name(capture: Any) -> Iterator[Any]:
    config, scales = types.ModuleType("a_learners_config"), {"scale": 1.0}
    config.__getattr__ = scales.__getitem__  # type: ignore[method-assign]
    yield from calls(capture(lambda x: x * config.scale), lambda: scales.update(scale=2.0))


@scene
def a_method_that_an_optimizer_is_given(capture: Any) -> Iterator[Any]:
    w = torch.ones(3, requires_grad=True)
    optimizer: Any = torch.optim.SGD([w], lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()
        return w.detach().clone()

    yield from calls(capture(step), lambda: setattr(optimizer, "zero_grad", lambda: None))


@scene
def what_counts_as_an_abstract_class(capture: Any) -> Iterator[Any]:
    class Doubled(abc.ABC):  # noqa: B024
        pass

    class Option:
        pass

    option = Option()
    step = capture(lambda x: x * (2 if isinstance(option, Doubled) else 3))
    yield from calls(step, lambda: Doubled.register(Option))


@pytest.mark.parametrize("name", SCENES)
def test_what_has_changed_is_noticed(name: str) -> None:
    assert_noticed(SCENES[name])
