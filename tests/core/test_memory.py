"""What memory is held and for how long, and that large arrays are not fetched from the system anew."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import nn
from nbautograd.core import inplace
from nbautograd.core.array import storage
from nbautograd.core.node import PARENTS, SAVED, Node, is_leaf_node, op_of
from nbautograd.utils.checkpoint import checkpoint
from tests.ops.table import SAMPLED, has_gradient, run, samples_of

SIZE = 1 << 16
"""Elements of an array large enough that nothing else counts."""
ARRAY = 4 * SIZE
GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")


@contextmanager
def traced() -> Generator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def held() -> int:
    """Arrays' worth of memory that is held now."""
    return round(tracemalloc.get_traced_memory()[0] / ARRAY)


def peak() -> int:
    """The most that was held since the last time."""
    found = round(tracemalloc.get_traced_memory()[1] / ARRAY)
    tracemalloc.reset_peak()
    return found


# --- what is kept for backward --------------------------------------------------------------------------------------

FUNCTIONS = {
    # per link of a chain: what the rules ask for, and what a step of backward holds besides the gradient it is given
    "x + 1": (lambda x: x + 1.0, 0, 1),
    "x · 2": (lambda x: x * 2.0, 0, 2),
    "x − 2x": (lambda x: x - x * 2.0, 0, 3),
    "x · x": (lambda x: x * x, 1, 2),
    "exp": (torch.exp, 1, 1),
    "tanh": (torch.tanh, 1, 2),
    "sigmoid": (torch.sigmoid, 1, 2),
    "exp(tanh · ½)": (lambda x: torch.exp(torch.tanh(x) * 0.5), 2, 2),
    "softmax": (lambda x: torch.softmax(x, 0), 1, 2),
    "gelu": (torch.nn.functional.gelu, 2, 2),
}
LINKS = 8


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_chain_keeps_what_its_rules_ask_for_and_a_gradient_or_two_more_in_backward(name: str) -> None:
    function, saved, steps = FUNCTIONS[name]
    x = torch.ones(SIZE, requires_grad=True)
    with traced():
        y = x
        for _ in range(LINKS):
            y = function(y)
        loss = y.sum()
        del y
        assert held() <= LINKS * saved
        peak()
        loss.backward()
        assert peak() <= LINKS * saved + steps
        assert held() == 1  # x.grad


def test_what_is_saved_dies_while_backward_goes_on() -> None:
    x = torch.ones(SIZE, requires_grad=True)
    left: list[int] = []
    with traced():
        y = x
        for i in range(LINKS):
            y = torch.exp(y)
            if i % 2 == 0:
                y.register_hook(lambda g: left.append(held()))
        loss = y.sum()
        del y
        loss.backward()
    # Before the hook of a link runs, those above it have gone; what is left are its own, those below, and a gradient.
    assert left == [i + 2 for i in reversed(range(0, LINKS, 2))]


def test_a_graph_of_small_ops_takes_a_fraction_of_a_kilobyte_per_op_and_backward_none() -> None:
    count = 10_000
    for start in (torch.tensor(1.0, requires_grad=True), torch.ones(4, requires_grad=True)):
        with traced():
            y = start
            for _ in range(count):
                y = y * start
            graph = tracemalloc.get_traced_memory()[0]
            assert graph / count < 500
            tracemalloc.reset_peak()
            y.sum().backward()
            assert tracemalloc.get_traced_memory()[1] - graph < 100_000


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("op", [op for op in SAMPLED if has_gradient(op)], ids=lambda op: op.name)
def test_an_input_that_no_rule_names_dies_with_its_tensor(op: Any) -> None:
    samples = samples_of(op)
    while samples:
        outputs, inputs = _ran(op, samples.pop())
        nodes = _nodes(outputs)
        for node in nodes:
            _assert_asked_for(node)
        kept = {id(storage(a)) for node in nodes for a in _arrays(node[SAVED])}
        kept |= {id(storage(o._data)) for o in outputs if isinstance(o, torch.Tensor)}
        for nr, array in enumerate([reference() for reference in inputs]):
            assert array is None or id(array) in kept, f"sample {len(samples)}: input {nr} is held"


def _ran(op: Any, case: tuple[Any, ...]) -> tuple[list[Any], list[weakref.ref[Any]]]:
    """What `op` makes of a sample, and references to the memory of the leaves, which are gone."""
    ran = run(op, case)
    return ran.outputs, [weakref.ref(storage(t._data)) for t in ran.leaves if isinstance(t._data, np.ndarray)]


def _nodes(outputs: list[Any]) -> list[Node]:
    met: dict[int, Node] = {}
    stack = [o._node for o in outputs if isinstance(o, torch.Tensor) and o._node is not None]
    while stack:
        node = stack.pop()
        if id(node) not in met and not is_leaf_node(node):
            met[id(node)] = node
            stack.extend(p for p in node[PARENTS] if p is not None)
    return list(met.values())


def _assert_asked_for(node: Node) -> None:
    """Every saved input is named by a rule that will run."""
    op = op_of(node)
    if getattr(op, "variadic", False) or not getattr(op, "plan", ()):
        return
    for (kind, _, users), value in zip(op.plan, node[SAVED], strict=True):
        if kind in ("input", "out") and value is not None:
            assert any(node[PARENTS][i] is not None for i in users), f"{op.name} keeps more than its rules ask for"


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, np.ndarray):
        yield value


# --- what a step leaves behind --------------------------------------------------------------------------------------

Step = Callable[[], Any]
WIDE = 128
"""Arrays of so many rows or columns are larger than all that a step may leave behind."""


def multilayer_perceptron() -> Step:
    model = nn.Sequential(nn.Linear(WIDE, WIDE), nn.ReLU(), nn.BatchNorm1d(WIDE), nn.Dropout(0.5), nn.Linear(WIDE, 4))
    optimizer, x = torch.optim.Adam(model.parameters()), torch.randn(WIDE, WIDE)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), torch.zeros(WIDE, dtype=torch.int64)).backward()
        optimizer.step()

    return step


def convolutions() -> Step:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 4))
    optimizer, x = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9), torch.randn(WIDE, 1, 8, 8)

    def step() -> None:
        optimizer.zero_grad(set_to_none=False)
        model(x).square().mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def sequences() -> Step:
    layer, cell, x = nn.LSTM(8, WIDE), nn.GRUCell(8, WIDE), torch.randn(4, WIDE, 8)

    def step() -> None:
        state = None
        for part in x:
            state = cell(part, state)
        (layer(x)[0].sum() + state.sum()).backward()

    return step


def transformer() -> Step:
    model, x = nn.TransformerEncoderLayer(WIDE, 4, WIDE, batch_first=True), torch.randn(4, 8, WIDE)
    return lambda: model(x).mean().backward()


def checkpoints() -> Step:
    model, x = nn.Sequential(nn.Linear(WIDE, WIDE), nn.GELU()), torch.randn(WIDE, WIDE, requires_grad=True)
    return lambda: sum(checkpoint(model, x, use_reentrant=way).sum() for way in (False, True)).backward()


def changes_in_place() -> Step:
    x = torch.randn(WIDE, WIDE, requires_grad=True)

    def step() -> None:
        y = x * 2
        y[0] = 1.0
        y.mul_(3).t().add_(1)
        y.view(-1)[3:5] *= 2
        y.exp_().sum().backward()

    return step


def hooks() -> Step:
    x = torch.randn(WIDE, WIDE, requires_grad=True)

    def step() -> None:
        y = x * 2
        y.register_hook(lambda g: g * 2)
        y.grad_fn.register_hook(lambda inputs, outputs: None)
        y.retain_grad()
        loss = (y * y).sum()
        loss.backward(retain_graph=True)
        loss.backward()

    return step


def second_derivatives() -> Step:
    x = torch.randn(WIDE, WIDE, requires_grad=True)

    def step() -> None:
        (slope,) = torch.autograd.grad((x.tanh() ** 2).sum(), x, create_graph=True)
        slope.square().sum().backward()

    return step


def forward_mode() -> Step:
    x = torch.randn(WIDE, WIDE)
    return lambda: torch.func.jvp(lambda t: (t.tanh() * t).sum(), (x,), (x,))


def captured() -> Step:
    return torch.capture(multilayer_perceptron())


STEPS = (
    multilayer_perceptron, convolutions, sequences, transformer, checkpoints, changes_in_place, hooks,
    second_derivatives, forward_mode, captured,
)  # fmt: skip


@pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)
def test_a_step_leaves_no_array_behind_and_nothing_for_the_collector(make: Callable[[], Step]) -> None:
    step = make()
    for _ in range(4):
        step()
    gc.collect()
    gc.disable()
    try:
        with traced():
            step()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(4):
                step()
            assert gc.collect() == 0
            assert tracemalloc.get_traced_memory()[0] - before < 4 * WIDE * WIDE
    finally:
        gc.enable()


def test_a_scalar_that_is_changed_often_takes_little_memory() -> None:
    x, count = torch.tensor(1.0), inplace.KEEP  # enough to outweigh a table that grows meanwhile
    with traced():
        for _ in range(count):
            x += 1.0
        assert tracemalloc.get_traced_memory()[0] < 500 * count


# --- where large arrays live ----------------------------------------------------------------------------------------

FAULTS = """
import resource, sys
import nbautograd as torch

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open("/proc/self/statm").read().split()[1])

def faults(elements):
    "Pages that the system had to clear for ten results of that size, the first one left aside."
    x = torch.zeros(elements)
    y = x + 1
    before = pages()
    for _ in range(10):
        del y
        y = x + 1
    return pages() - before
"""


def said(program: str) -> list[int]:
    """The numbers that a program prints in a process of its own."""
    command = [sys.executable, "-c", FAULTS + program]
    return [int(n) for n in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


@pytest.mark.skipif(not GLIBC, reason="another C library")
def test_results_of_up_to_32_megabytes_take_the_memory_of_those_before_them() -> None:
    small, large = said("print(faults(2**18), faults(2**23 - 2**16))")
    assert small < 100  # of 2,560 pages of 4 kB
    assert large < 100


@pytest.mark.skipif(not GLIBC, reason="another C library")
def test_with_memory_kept_larger_ones_do_so_too_until_it_is_given_back() -> None:
    program = """
torch.keep_memory()
print(faults(2**24))
kept = resident()
torch.keep_memory(False)
print(kept - resident(), faults(2**24))
"""
    with_memory_kept, given_back, afterwards = said(program)
    assert with_memory_kept < 100
    assert given_back > 2**24 * 4 / 2**16  # pages have at most 64 kB
    assert afterwards > 100
