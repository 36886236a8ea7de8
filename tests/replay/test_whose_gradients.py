"""Gradients that go by other names too, or lie in the memory of others; parameters that join or leave an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nbautograd as torch
from tests.replay.test_surroundings import CALLS, CHANGED, assert_noticed, calls

Given = Callable[[Any], Any]
NUMBERS = [1.0, 2.0, 3.0]


def leaf() -> Any:
    w = torch.ones(3, requires_grad=True)
    w.grad = torch.zeros(3)
    return w


def adding(w: Any, x: Any) -> None:
    (w * x.detach()).sum().backward()


def filling(w: Any, x: Any) -> None:
    w.grad.zero_()
    adding(w, x)


def clipping(w: Any, x: Any) -> None:
    torch.nn.utils.clip_grad_norm_([w], 0.5)


CHANGES = [adding, filling, clipping]
GIVEN: dict[str, Given] = {
    "itself": lambda w: w.grad,
    "its detach()": lambda w: w.grad.detach(),
    "a part of its memory": lambda w: w.grad.view(3),
}


def other(w: Any) -> Any:
    return torch.tensor(NUMBERS)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("first", [False, True])
def test_an_argument_that_is_a_gradient(change: Callable[[Any, Any], None], given: str, first: bool) -> None:
    before, after = (GIVEN[given], other) if first else (other, GIVEN[given])

    def scene(capture: Any) -> Iterator[Any]:
        w = leaf()
        w.grad.fill_(0.25)

        def step(x: Any) -> Any:
            change(w, x)
            return x * 2

        step = capture(step)
        for call in range(CALLS + 2):
            yield step((before if call < CHANGED else after)(w))
            yield w.grad

    assert_noticed(scene, replayed=not first)


@pytest.mark.parametrize("change", CHANGES)
def test_a_gradient_that_has_another_name_may_be_replaced(change: Callable[[Any, Any], None]) -> None:
    def scene(capture: Any) -> Iterator[Any]:
        w = leaf()
        kept = [w.grad]

        def step(x: Any) -> Any:
            change(w, x)
            return kept[0] * 2

        def replace() -> None:
            w.grad = torch.tensor(NUMBERS)

        yield from calls(capture(step), replace)

    assert_noticed(scene)


@pytest.mark.parametrize("change", CHANGES)
def test_a_gradient_may_come_to_lie_where_something_else_does(change: Callable[[Any, Any], None]) -> None:
    def scene(capture: Any) -> Iterator[Any]:
        w, buffer = leaf(), torch.zeros(3)

        def step(x: Any) -> Any:
            change(w, x)
            return buffer * 2

        def share() -> None:
            w.grad = buffer

        yield from calls(capture(step), share)

    assert_noticed(scene)


def test_the_gradient_of_an_argument_may_be_another_one() -> None:
    def scene(capture: Any) -> Iterator[Any]:
        def step(x: Any, y: Any) -> Any:
            (x * 2).sum().backward()
            return y * 3

        step = capture(step)
        for call in range(CALLS):
            x = leaf()
            yield step(x, torch.zeros(3) if call < CHANGED else x.grad)

    assert_noticed(scene)


def test_gradients_may_be_given_to_what_does_not_change_them() -> None:
    def scene(capture: Any) -> Iterator[Any]:
        w = leaf()

        def update(gradients: Any) -> None:
            with torch.no_grad():
                for p, g in zip([w], gradients, strict=True):
                    p -= 0.1 * g

        update = capture(update)
        for call in range(CALLS):
            w.grad = torch.tensor(NUMBERS) * call
            update([w.grad])
            yield w

    assert_noticed(scene)


MEMBERS: dict[str, Callable[[list[dict[str, Any]], Any], Any]] = {
    "one leaves": lambda groups, new: groups[0]["params"].pop(),
    "one joins": lambda groups, new: groups[0]["params"].append(new),
    "others take their place": lambda groups, new: groups[0].update(params=[new]),
    "a group takes the place of another": lambda groups, new: groups.__setitem__(0, {**groups[0], "params": [new]}),
}


@pytest.mark.parametrize("what", MEMBERS)
def test_parameters_that_join_or_leave_an_optimizer(what: str) -> None:
    def scene(capture: Any) -> Iterator[Any]:
        params = [torch.full((3,), float(i), requires_grad=True) for i in range(3)]
        optimizer = torch.optim.SGD(params[:2], lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            (sum(params) * x).square().sum().backward()
            optimizer.step()
            return (sum(params) * x).detach()

        step = capture(step)
        for call in range(CALLS):
            if call == CHANGED:
                MEMBERS[what](optimizer.param_groups, params[2])
            yield step(torch.tensor(NUMBERS))
            yield from params
            yield params[1].grad

    assert_noticed(scene)
