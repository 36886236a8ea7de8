"""Steps made by chance give the same captured as they are: values and gradients, also where branches change.

`NBAUTOGRAD_PROGRAMS=2000 pytest tests/replay/test_random_steps.py` tries more of them, `NBAUTOGRAD_SEED=1` others.
"""

from __future__ import annotations

import os
import random
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd
from tests.core.test_random_programs import Program

COUNT, FIRST = int(os.environ.get("NBAUTOGRAD_PROGRAMS", "60")), int(os.environ.get("NBAUTOGRAD_SEED", "0"))
CALLS = 7
WITHOUT = ("register_hook", "retain_grad", "requires_grad_", "del ", "detach_()", "= pass")
"""What leaves marks on tensors that outlive the step, is never captured, or is left over."""


def step_by_chance(chance: random.Random) -> tuple[str, list[tuple[tuple[int, ...], bool]]]:
    """The text of a step, and shape and wish for a gradient of each of its arguments."""
    program = Program(chance, pytest.importorskip("torch"))
    lines = [line for line in program.lines if not any(word in line for word in WITHOUT)]
    made = [line for line in lines if "torch.tensor(numbers(" in line]
    arguments = [
        (eval(line.partition(", (")[2].join(("(", "")).partition(")")[0] + ")"), "True" in line) for line in made
    ]
    names = [line.partition(" = ")[0] for line in made]
    body = [f"    {line}" for line in lines if line not in made]
    kept = "[v.detach().clone() for v in locals().values() if isinstance(v, torch.Tensor)]"
    return "\n".join([f"def step({', '.join(names)}):", *body, f"    return {kept}"]), arguments


def results(step: Callable[..., Any], arguments: Any, seed: int) -> list[Any]:
    """What the step gives for other numbers at each call."""
    draw = np.random.default_rng(seed)
    found: list[Any] = []
    for _ in range(CALLS):
        args = [
            nbautograd.tensor(draw.uniform(-1.5, 1.5, shape).round(2), requires_grad=needs)
            for shape, needs in arguments
        ]
        found.append([t.tolist() for t in step(*args)] + [None if t.grad is None else t.grad.tolist() for t in args])
    return found


def without_errors(text: str, arguments: Any, seed: int) -> tuple[str, list[Any]]:
    """The step without the lines that fail in it, and what it gives."""
    lines = text.splitlines()
    while True:
        try:
            return "\n".join(lines), results(compiled("\n".join(lines)), arguments, seed)
        except Exception as error:
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "step"]
            del lines[(frames[0].lineno or 0) - 1]


def compiled(text: str) -> Any:
    space: dict[str, Any] = {"torch": nbautograd, "seen": []}
    exec(text, space)
    return space["step"]


FOUND = (113, 214, 224, 379, 641, 677, 699, 1036, 71315)
"""Those that once differed."""


@pytest.mark.parametrize("seed", [*range(FIRST, FIRST + COUNT), *FOUND])
def test_a_step_made_by_chance_gives_the_same_captured(seed: int) -> None:
    text, arguments = step_by_chance(random.Random(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text, expected = without_errors(text, arguments, seed)
        step = nbautograd.capture(compiled(text))
        got = results(step, arguments, seed)
    for call, (a, b) in enumerate(zip(expected, got, strict=True)):
        for x, y in zip(a, b, strict=True):
            if x is None or y is None:
                assert x is y, f"call {call}\n{text}\n{step.explain()}"
            else:
                np.testing.assert_allclose(
                    y, x, rtol=1e-9, atol=1e-12, err_msg=f"call {call}\n{text}\n{step.explain()}"
                )
