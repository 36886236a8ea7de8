"""Steps are counted by the rounds of the loop that trains, also where one instruction runs several ops."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import nbautograd
from nbautograd.trace.repeats import may_repeat
from tests.cells import Notebook

BODIES = {
    "sum of a list": "y = sum([w, w * 2, w])",
    "sum of a comprehension": "y = sum([w * k for k in range(4)])",
    "sum of a generator": "y = sum(w * k for k in range(4))",
    "sum after a loop": "m = []\n    for k in range(3): m.append(w * k)\n    y = sum(m)",
    "reduce": "y = functools.reduce(lambda a, b: a * b, [w, w, w])",
    "reduce by a function of the library": "y = functools.reduce(torch.add, [w, w, w])",
    "map": "y = list(map(torch.tanh, [w, w, w]))[0]",
    "unpacked map": "a, b = map(torch.tanh, [w, w])\n    y = a * b",
    "in a function": "y = total([w, w * w, w])",
    "in a loop of a function": "y = w\n    for k in range(3): y = total([y, w])",
    "an operator": "y = w\n    for k in range(3): y = y * w",
    "a function of the library": "y = w\n    for k in range(3): y = torch.tanh(y)",
}


@pytest.mark.parametrize("values", ["none", "stats"])
@pytest.mark.parametrize("body", BODIES)
def test_a_call_that_runs_several_ops_is_no_round(body: str, values: str) -> None:
    notebook = Notebook(w=nbautograd.tensor(0.5, requires_grad=True))
    notebook.quietly("import functools\ndef total(parts): return sum(parts)")
    trace = notebook.run(f"for i in range(6):\n    {BODIES[body]}\n    y.backward()\n    w.grad = None", values=values)
    assert [step.index for step in trace.steps] == list(range(6))


class Probe:
    """Something that is added up, and notes whether that may be done several times by the instruction at work."""

    def __init__(self) -> None:
        self.noted: list[bool] = []

    def __add__(self, other: Any) -> Probe:
        frame = sys._getframe(1)
        self.noted.append(may_repeat(frame, frame.f_lasti))
        return self

    __radd__ = __mul__ = __add__


def own(x: Probe) -> Probe:
    return x + x


CALLS: dict[str, tuple[Callable[[Probe], Any], list[bool]]] = {
    "operator": (lambda x: x + x, [False]),
    "sum": (lambda x: sum([x, x]), [True, True]),
    "sum of products": (lambda x: sum([x * x], x * x), [False, False, True]),
    "with keywords": (lambda x: sum([x, x], start=x), [True, True]),
    "unpacking": (lambda x: [*map(x.__add__, "ab")], [True, True]),
    "own function": (lambda x: own(x), [False]),
    "method": (lambda x: x.__add__(x), [False]),
}


@pytest.mark.parametrize("call", CALLS)
def test_which_function_is_called_is_read_from_the_code(call: str) -> None:
    probe, (run, expected) = Probe(), CALLS[call]
    run(probe)
    assert probe.noted == expected


def test_a_function_of_the_users_that_is_called_sum_is_no_builtin() -> None:
    notebook = Notebook(w=nbautograd.tensor(0.5, requires_grad=True))
    notebook.quietly("def sum(x): return x * x")
    trace = notebook.run("for i in range(6):\n    sum(w).backward()\n    w.grad = None")
    assert [step.index for step in trace.steps] == list(range(6))
