"""What memory is held and for how long, and that large arrays are not fetched from the system anew."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.core.array import storage
from nbautograd.core.node import PARENTS, SAVED, Node, is_leaf_node, op_of
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
