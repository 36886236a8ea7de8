"""Whatever a step reads besides tensors may change between its calls: it goes on as the step itself would."""

from __future__ import annotations

import functools
import itertools
import sys
import types
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import nn

Scene = Callable[[Any], Iterator[Any]]
SCENES: dict[str, Scene] = {}
SCALE = 1.0
CHANGED, CALLS = 4, 7
"""At which call something has changed, and how many there are."""


def scene(function: Scene) -> Scene:
    SCENES[function.__name__] = function
    return function


def calls(step: Any, change: Callable[[], Any], make: Callable[[], Any] = lambda: torch.ones(3)) -> Iterator[Any]:
    """What the step gives, before and after the change."""
    for call in range(CALLS):
        if call == CHANGED:
            change()
        yield step(make())


@scene
def a_model_that_is_an_argument(capture: Any) -> Iterator[Any]:
    net = nn.Dropout(0.5)
    step = capture(lambda net, x: net(x))
    yield from calls(lambda x: step(net, x), net.eval)


@scene
def a_module_itself(capture: Any) -> Iterator[Any]:
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    step = capture(net)
    with torch.no_grad():
        yield from calls(step, net.eval)


@scene
def a_partial_function(capture: Any) -> Iterator[Any]:
    net = nn.Dropout(0.5)
    yield from calls(capture(functools.partial(lambda net, x: net(x), net)), net.eval)


@scene
def an_object_that_is_called(capture: Any) -> Iterator[Any]:
    class Step:
        scale = 1.0

        def __call__(self, x: Any) -> Any:
            return x * self.scale

    step = Step()
    yield from calls(capture(step), lambda: setattr(step, "scale", 2.0))


@scene
def an_object_whose_method_it_is(capture: Any) -> Iterator[Any]:
    class Trainer:
        def __init__(self) -> None:
            self.net = nn.Dropout(0.5)

        @capture
        def step(self, x: Any) -> Any:
            return self.net(x)

    trainer = Trainer()
    yield from calls(trainer.step, trainer.net.eval)


@scene
def an_array_of_numpy(capture: Any) -> Iterator[Any]:
    array = np.ones(3, np.float32)
    yield from calls(capture(lambda x: x * torch.tensor(array)), lambda: array.fill(2))


@scene
def an_array_that_is_an_argument(capture: Any) -> Iterator[Any]:
    array = np.ones(3, np.float32)
    step = capture(lambda array, x: x * torch.tensor(array))
    yield from calls(lambda x: step(array, x), lambda: array.fill(2))


@scene
def arrays_that_live_for_one_call(capture: Any) -> Iterator[Any]:
    step = capture(lambda array, x: x * torch.tensor(array))
    for call in range(CALLS):
        array = np.full(3, float(call > CHANGED), np.float32)
        yield step(array, torch.ones(3))
        del array


def config_module() -> types.ModuleType:
    module = types.ModuleType("a_learners_config")
    module.scale = 1.0  # type: ignore[attr-defined]
    return module


@scene
def a_module_in_a_closure(capture: Any) -> Iterator[Any]:
    config = config_module()
    yield from calls(capture(lambda x: x * config.scale), lambda: setattr(config, "scale", 2.0))


@scene
def a_module_that_is_an_attribute(capture: Any) -> Iterator[Any]:
    trainer = types.SimpleNamespace(config=config_module())
    yield from calls(capture(lambda x: x * trainer.config.scale), lambda: setattr(trainer.config, "scale", 2.0))


@scene
def a_module_that_is_an_argument(capture: Any) -> Iterator[Any]:
    config = config_module()
    step = capture(lambda config, x: x * config.scale)
    yield from calls(lambda x: step(config, x), lambda: setattr(config, "scale", 2.0))


@scene
def what_a_base_class_defines(capture: Any) -> Iterator[Any]:
    class Base:
        def scaled(self, x: Any) -> Any:
            return x

    class Step(Base):
        def scaled(self, x: Any) -> Any:
            return super().scaled(x) + 1

    step = Step()
    yield from calls(capture(lambda x: step.scaled(x)), lambda: setattr(Base, "scaled", lambda self, x: x * 2))


@scene
def what_a_class_of_classes_defines(capture: Any) -> Iterator[Any]:
    class Kind(type):
        scale = 1.0

    class Options(metaclass=Kind):
        pass

    yield from calls(capture(lambda x: x * Options.scale), lambda: setattr(Kind, "scale", 2.0))


@scene
def a_function_that_is_reloaded_in_place(capture: Any) -> Iterator[Any]:
    def scaled(x: Any) -> Any:
        return x

    def reloaded(x: Any) -> Any:
        return x * 2

    yield from calls(capture(lambda x: scaled(x)), lambda: setattr(scaled, "__code__", reloaded.__code__))


@scene
def a_step_that_is_reloaded_in_place(capture: Any) -> Iterator[Any]:
    def step(x: Any, scale: float = 1.0) -> Any:
        return x * scale

    yield from calls(capture(step), lambda: setattr(step, "__defaults__", (2.0,)))


@scene
def a_default_by_name(capture: Any) -> Iterator[Any]:
    def step(x: Any, *, scale: float = 1.0) -> Any:
        return x * scale

    yield from calls(capture(step), lambda: step.__kwdefaults__.update(scale=2.0))


@scene
def a_weak_reference(capture: Any) -> Iterator[Any]:
    config = config_module()
    found = weakref.ref(config)
    yield from calls(capture(lambda x: x * found().scale), lambda: setattr(config, "scale", 2.0))  # type: ignore[union-attr]


@scene
def a_view_of_a_dictionary(capture: Any) -> Iterator[Any]:
    options = {"scale": 1.0}
    shown = types.MappingProxyType(options)
    yield from calls(capture(lambda x: x * shown["scale"]), lambda: options.update(scale=2.0))


@scene
def an_array_of_python(capture: Any) -> Iterator[Any]:
    scales = array("d", [1.0])
    yield from calls(capture(lambda x: x * scales[0]), lambda: scales.__setitem__(0, 2.0))


@scene
def a_dictionary_with_attributes(capture: Any) -> Iterator[Any]:
    class Options(dict[str, float]):
        __getattr__ = dict.__getitem__

    options = Options(scale=1.0)
    yield from calls(capture(lambda x: x * options.scale), lambda: options.update(scale=2.0))


@scene
def an_object_with_an_answer_to_every_name(capture: Any) -> Iterator[Any]:
    scales = {"scale": 1.0}

    class Options:
        def __getattr__(self, name: str) -> float:
            return scales[name]

    options = Options()
    yield from calls(capture(lambda x: x * options.scale), lambda: scales.update(scale=2.0))


@scene
def the_sign_of_zero(capture: Any) -> Iterator[Any]:
    step = capture(lambda x, scale: x / scale)
    for scale in (0.0, 0.0, 0.0, -0.0):
        yield step(torch.ones(3), scale)


@scene
def a_deque(capture: Any) -> Iterator[Any]:
    scales = deque([1.0])
    yield from calls(capture(lambda x: x * scales[0]), lambda: scales.appendleft(2.0))


@scene
def a_set(capture: Any) -> Iterator[Any]:
    names = {"a"}
    yield from calls(capture(lambda x: x * len(names)), lambda: names.add("b"))


@scene
def the_keys_of_a_dictionary(capture: Any) -> Iterator[Any]:
    options = {"double": 1}
    step = capture(lambda x: x * (2 if "double" in options else 3))
    yield from calls(step, lambda: options.update(single=options.pop("double")))


@scene
def slots(capture: Any) -> Iterator[Any]:
    class Options:
        __slots__ = ("scale",)

    options = Options()
    options.scale = 1.0
    yield from calls(capture(lambda x: x * options.scale), lambda: setattr(options, "scale", 2.0))


def rescale(scale: float = 2.0) -> None:
    global SCALE
    SCALE = scale


@scene
def what_a_property_reads(capture: Any) -> Iterator[Any]:
    class Options:
        @property
        def scale(self) -> float:
            return SCALE

    options = Options()
    rescale(1.0)
    yield from calls(capture(lambda x: x * options.scale), rescale)


@scene
def what_a_static_method_reads(capture: Any) -> Iterator[Any]:
    class Options:
        @staticmethod
        def scale() -> float:
            return SCALE

    rescale(1.0)
    yield from calls(capture(lambda x: x * Options.scale()), rescale)


@scene
def what_a_decorator_reads(capture: Any) -> Iterator[Any]:
    scale = 1.0

    def scaled(function: Any) -> Any:
        @functools.wraps(function)
        def inner(x: Any) -> Any:
            return function(x) * scale

        return inner

    @scaled
    def plus_one(x: Any) -> Any:
        return x + 1

    def change() -> None:
        nonlocal scale
        scale = 2.0

    yield from calls(capture(lambda x: plus_one(x)), change)


@scene
def what_a_partial_function_holds(capture: Any) -> Iterator[Any]:
    options = {"scale": 1.0}
    scaled = functools.partial(lambda options, x: x * options["scale"], options)
    yield from calls(capture(lambda x: scaled(x)), lambda: options.update(scale=2.0))


@scene
def a_default_of_a_keyword(capture: Any) -> Iterator[Any]:
    options = {"scale": 1.0}

    def step(x: Any, *, options: Any = options) -> Any:
        return x * options["scale"]

    yield from calls(capture(step), lambda: options.update(scale=2.0))


@scene
def what_another_captured_function_reads(capture: Any) -> Iterator[Any]:
    options = {"scale": 1.0}
    inner = torch.capture(lambda x: x * options["scale"])
    yield from calls(capture(lambda x: inner(x) + 1), lambda: options.update(scale=2.0))


@scene
def what_a_transformed_function_reads(capture: Any) -> Iterator[Any]:
    options = {"scale": 1.0}
    slope = torch.func.grad(lambda x: (x * x * options["scale"]).sum())
    yield from calls(capture(lambda x: slope(x)), lambda: options.update(scale=2.0))


@scene
def what_lies_deep(capture: Any) -> Iterator[Any]:
    deepest = top = types.SimpleNamespace(scale=1.0)
    for _ in range(9):
        top = types.SimpleNamespace(inner=top)

    def found(at: Any) -> float:
        while not hasattr(at, "scale"):
            at = at.inner
        return at.scale

    yield from calls(capture(lambda x: x * found(top)), lambda: setattr(deepest, "scale", 2.0))


@scene
def a_module_imported_in_the_step(capture: Any) -> Iterator[Any]:
    module: Any = types.ModuleType("settings_of_a_test")
    module.scale = 1.0
    sys.modules[module.__name__] = module

    def step(x: Any) -> Any:
        import settings_of_a_test

        return x * settings_of_a_test.scale

    yield from calls(capture(step), lambda: setattr(module, "scale", 2.0))


@scene
def a_name_that_is_a_text(capture: Any) -> Iterator[Any]:
    rescale(1.0)
    yield from calls(capture(lambda x: x * globals()["SCALE"]), rescale)


@scene
def a_name_of_a_notebook(capture: Any) -> Iterator[Any]:
    cells: dict[str, Any] = {"__name__": "__main__", "scale": 1.0}
    exec("def step(x): return x * scale", cells)
    yield from calls(capture(cells["step"]), lambda: cells.update(scale=2.0))


@scene
def an_iterator_that_repeats_itself(capture: Any) -> Iterator[Any]:
    scales = itertools.cycle([1.0, 1.0, 2.0])
    yield from calls(capture(lambda x: x * next(scales)), lambda: None)


@scene
def a_function_that_is_an_argument(capture: Any) -> Iterator[Any]:
    options = {"scale": 1.0}
    step = capture(lambda function, x: function(x))

    def scaled(x: Any) -> Any:
        return x * options["scale"]

    yield from calls(lambda x: step(scaled, x), lambda: options.update(scale=2.0))


@scene
def an_attribute_of_a_tensor(capture: Any) -> Iterator[Any]:
    w: Any = torch.ones(3)
    w.scale = 1.0
    yield from calls(capture(lambda x: x * w * w.scale), lambda: setattr(w, "scale", 2.0))


@scene
def a_distribution(capture: Any) -> Iterator[Any]:
    normal = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    yield from calls(capture(normal.log_prob), lambda: setattr(normal, "loc", torch.ones(3)))


@scene
def the_layout_of_a_tensor(capture: Any) -> Iterator[Any]:
    w = torch.arange(6.0).view(2, 3)

    def turn() -> None:
        w.data = torch.arange(6.0).view(3, 2).T

    yield from calls(capture(lambda x: w * (x if w.is_contiguous() else 2 * x)), turn)


@scene
def the_layout_of_an_argument(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: x * (1 if x.is_contiguous() else 2))
    for call in range(CALLS):
        yield step(torch.ones(2, 3) if call < CHANGED else torch.ones(3, 2).T)


@scene
def one_number_everywhere(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: (((x * 2).tanh() + x).exp() * x)[:3] * 1)
    for call in range(CALLS):
        yield step(torch.tensor([0.5]).expand(100_000) if call < CHANGED else torch.linspace(0, 1, 100_000))


@scene
def the_class_of_an_argument(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: x * (2 if isinstance(x, nn.Parameter) else 3))
    for call in range(CALLS):
        yield step(torch.ones(3) if call < CHANGED else nn.Parameter(torch.ones(3), requires_grad=False))


def seen(function: Scene, capture: Any) -> list[Any]:
    torch.manual_seed(0)
    return [value.tolist() for value in function(capture)]


NEVER = {"arrays_that_live_for_one_call", "an_iterator_that_repeats_itself"}


@pytest.mark.parametrize("name", SCENES)
def test_what_has_changed_is_noticed(name: str) -> None:
    assert_noticed(SCENES[name], name not in NEVER)


def assert_noticed(function: Scene, replayed: bool = True) -> None:
    """A step gives the same, captured or not, and is replayed meanwhile."""
    captured: list[Any] = []

    def capture(step: Any) -> Any:
        captured.append(torch.capture(step))
        return captured[-1]

    expected = seen(function, lambda step: step)
    assert seen(function, capture) == expected
    assert captured[0].explain().startswith("0 calls") != replayed, captured[0].explain()
