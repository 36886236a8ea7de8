"""What tracing costs while it is off: the call of an op beside that of the same text without the look for a watcher.

Both are in this process and take turns: processes differ by more than one comparison.
"""

import inspect
import sys
from collections import deque
from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

import numpy

from .measure import sample

CALLS = 20_000
LOOK = "state.special or "
HEAD = [
    "Tracing that is off: an op's call beside that of the same text without the look for somebody who watches, in one",
    "process, with quartiles of interleaved rounds.",
    "",
    "| an op, forward + record | without | with the look |",
    "| --- | --- | --- |",
]


class Case(NamedTuple):
    """An op, and the tensors that it is given."""

    name: str
    op: str
    inputs: int
    shape: tuple[int, ...]


CASES = [
    Case("tracing off: mul 0-d", "mul", 2, ()),
    Case("tracing off: exp 0-d", "exp", 1, ()),
    Case("tracing off: mul 4×4", "mul", 2, (4, 4)),
    Case("tracing off: matmul 32×32", "matmul", 2, (32, 32)),
]


def calls_of(case: Case) -> list[Callable[..., object]]:
    """The call of an op without the look, and with it: made in the same way."""
    from nbautograd.core.op import TABLE
    from nbautograd.core.short import forms

    op = TABLE[case.op]
    make, _ = forms(op)
    found: list[Callable[..., object]] = []
    text = inspect.getsource(make)
    assert text.count(LOOK) == 1, f"{case.name}: no single {LOOK!r}"
    for form in (text.replace(LOOK, ""), text):
        space = dict(vars(sys.modules[make.__module__]))
        exec(form, space)
        found.append(space[make.__name__](op))
    return found


def line(case: Case, rounds: int) -> str:
    import nbautograd

    draw = numpy.random.default_rng(0)
    given = [
        nbautograd.tensor(numpy.float32(draw.uniform(0.5, 1.5, case.shape)), requires_grad=True)
        for _ in range(case.inputs)
    ]
    without, watching = calls_of(case)
    numpy.testing.assert_array_equal(without(*given).detach(), watching(*given).detach())  # type: ignore[attr-defined]

    def seconds(call: Callable[..., object]) -> float:
        def step() -> None:
            deque(map(call, *(repeat(x, CALLS) for x in given)), maxlen=0)

        return sample(step, bool, 1).cpu / CALLS

    turns = [(seconds(without), seconds(watching)) for _ in range(3 * rounds)]
    low, middle, high = numpy.percentile([b / a for a, b in turns], [25, 50, 75])
    return f"| {case.name} | {1e9 * numpy.median([a for a, _ in turns]):.0f} ns | {middle:.2f} ({low:.2f}–{high:.2f}) |"
