"""Programs drawn at random: the number of a step is the round of the loop that trains, whatever runs inside it."""

from __future__ import annotations

import random

import pytest

from tests.cells import Notebook

BEFORE = """
import functools
w = torch.tensor(0.5, requires_grad=True)
def line(y): return y * w + 1
def power(y, n):
    for _ in range(n): y = y * w
    return y
def terms(y):
    for k in range(2): yield y * k
class Model:
    def __call__(self, y):
        for k in range(2): y = sum([y, line(y)])
        return y
model = Model()
"""
EXPRESSIONS = [
    "y * w",
    "-y",
    "line(y)",
    "model(y)",
    "power(y, 2)",
    "torch.tanh(y)",
    "(y if i % 2 else w) * w",
    "sum([y, w, y * 2])",
    "sum(y * k for k in range(3))",
    "sum([y * k for k in range(2)])",
    "sum(map(line, [y, w]))",
    "sum(terms(y))",
    "max([y * w, y + w], key=float)",
    "list(map(torch.tanh, [y, w, y]))[0]",
    "functools.reduce(lambda p, q: p + q * w, [y, y, w])",
    "torch.stack([y * w for _ in range(2)]).sum()",
]
AFTER = ["y.backward()", "rounds.append(i)", "w.grad = None"]
DEEP = 3


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def block(draw: random.Random, depth: int = 0) -> list[str]:
    """A few statements, some of which hold others."""
    return [line for _ in range(draw.randint(1, 3)) for line in statement(draw, depth)]


def statement(draw: random.Random, depth: int) -> list[str]:
    kind = draw.choice(["plain", "plain", "for", "while", "if", "try"]) if depth < DEEP else "plain"
    if kind == "plain":
        return [f"y = {draw.choice(EXPRESSIONS)}"]
    inside = indented(block(draw, depth + 1))
    if kind == "for":
        stop = [] if draw.random() < 0.7 else [f"    if k{depth}: {draw.choice(['break', 'continue'])}"]
        return [f"for k{depth} in range({draw.randint(0, 3)}):", *inside, *stop, *indented(block(draw, depth + 1))]
    if kind == "while":
        return [f"n{depth} = 0", f"while n{depth} < {draw.randint(0, 3)}:", f"    n{depth} += 1", *inside]
    if kind == "if":
        return [f"if i % {draw.randint(1, 3)} == 0:", *inside]
    return ["try:", *inside, "    raise KeyError", "except KeyError: pass"]


def program(draw: random.Random) -> str:
    """A loop that trains: in the cell, in a function, or round a function that makes a step."""
    step = ["y = w * 1", *block(draw)]
    where = draw.choice(["cell", "function", "step"])
    if where == "step":
        head = ["def step(i):", *indented([*step, "return y"])]
        return "\n".join([*head, "for i in range(5):", *indented(["y = step(i)", *AFTER])])
    loop = ["for i in range(5):", *indented([*step, *AFTER])]
    return "\n".join(loop if where == "cell" else ["def train():", *indented(loop), "train()"])


@pytest.mark.parametrize("seed", range(40))
def test_steps_are_the_rounds_of_the_loop_that_trains(seed: int) -> None:
    code = program(random.Random(seed))
    for values in ("none", "stats"):
        notebook = Notebook()
        notebook.quietly(BEFORE + "rounds = []")
        trace = notebook.run(code, values=values)
        assert trace.error is None
        assert [step.index for step in trace.steps] == notebook.namespace["rounds"], code
