"""A backward pass that fails somewhere: no leaf changes, what runs next is right, the cell says where it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nbautograd as torch
from nbautograd.core.modes import local, state
from nbautograd.export.text import to_text
from tests.cells import Notebook

Graph = tuple[list[Any], Any]


class FaultError(Exception):
    pass


def leaves(count: int) -> list[Any]:
    return [torch.tensor([1.0 + i, 2.0, 3.0], requires_grad=True) for i in range(count)]


def chain() -> Graph:
    (x,) = leaves(1)
    y = x
    for _ in range(5):
        y = (y * 1.1).sin()
    return [x], y.sum()


def fan_out() -> Graph:
    a, b, c = leaves(3)
    h = a * b
    return [a, b, c], (h.exp() + h * c + a.tanh() * b).mean()


def several_outputs() -> Graph:
    a, b = leaves(2)
    first, second, third = (a * b).unbind()
    values, _ = b.sort()
    return [a, b], first * second + third + values.prod()


def views_and_changes() -> Graph:
    a, b = leaves(2)
    y = a * 2
    y[1:].mul_(b[1:])
    y.view(3, 1).t()[0].add_(b)
    return [a, b], (y * y).sum()


def a_network() -> Graph:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    loss = torch.nn.functional.cross_entropy(net(torch.ones(5, 3)), torch.tensor([0, 1, 0, 1, 1]))
    return list(net.parameters()), loss


GRAPHS = [chain, fan_out, several_outputs, views_and_changes, a_network]
WAYS = {
    "backward": lambda loss: loss.backward(),
    "with a graph": lambda loss: loss.backward(create_graph=True),
    "kept": lambda loss: loss.backward(retain_graph=True),
}


def nodes(loss: Any) -> list[Any]:
    """Every node behind `loss`, the same order for the same graph."""
    found, open_, seen = [], [loss.grad_fn], set()
    while open_:
        node = open_.pop()
        if node is not None and node not in seen:
            seen.add(node)
            found.append(node)
            open_.extend(each for each, _ in node.next_functions)
    return found


def fail(*_: Any) -> None:
    raise FaultError


def grads(parameters: list[Any]) -> list[Any]:
    return [None if p.grad is None else p.grad.tolist() for p in parameters]


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("place", ["register_hook", "register_prehook"])
def test_a_fault_at_any_node_leaves_all_leaves_as_they_were(
    build: Callable[[], Graph], way: Callable[[Any], None], place: str
) -> None:
    parameters, loss = build()
    way(loss)
    right = grads(parameters)
    count = len(nodes(loss))
    for i in range(count):
        parameters, loss = build()
        WAYS["kept"](loss)
        before = grads(parameters)
        node = nodes(loss)[i]
        handle = getattr(node, place)(fail)
        with pytest.raises(FaultError):
            way(loss)
        if node.name().endswith("AccumulateGrad"):  # each leaf is old or whole, as in PyTorch
            twice = [(torch.tensor(g) * 2).tolist() for g in before]
            assert all(g in (old, new) for g, old, new in zip(grads(parameters), before, twice, strict=True))
        else:
            assert grads(parameters) == before
        assert (local.walk, local.running, local.grad_enabled, state.special) == (None, None, True, 0)
        handle.remove()
        parameters, loss = build()
        way(loss)
        assert grads(parameters) == right


FAULTY = """\
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0], requires_grad=True)
y = (x * w).exp()
loss = (y * x).log().sum()
def fail(*grads):
    raise ValueError("a fault at node {i}")
nodes, open_ = [], [loss.grad_fn]
while open_:
    node = open_.pop()
    nodes.append(node)
    open_ += [each for each, _ in node.next_functions if each is not None]
_ = nodes[{i}].register_prehook(fail)
loss.backward()
"""


@pytest.mark.parametrize("i", range(7))
def test_a_traced_cell_says_that_backward_failed_and_shows_how_far_it_came(i: int) -> None:
    trace = Notebook().run(FAULTY.format(i=i))
    assert trace.error == f"ValueError: a fault at node {i}"
    assert len(trace.passes) == 1
    text = to_text(trace)
    assert f"a fault at node {i}" in text
    assert "loss" in text
    assert state.attached is None
