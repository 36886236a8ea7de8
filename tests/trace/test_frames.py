"""What a traced function computed is garbage when it has returned, as it is without a trace."""

from __future__ import annotations

import gc
import weakref

import pytest

import nbautograd as nb
import nbautograd as torch
from nbautograd.trace.frames import before_collections


class Held:
    """Something that a function has in its locals."""


def step(seen: list[weakref.ref[Held]], w: torch.Tensor) -> None:
    held = Held()
    seen.append(weakref.ref(held))
    (w * w).backward()


@pytest.mark.parametrize("values", ["none", "stats"])
@pytest.mark.parametrize("steps", [1, 40])
def test_what_a_function_held_is_garbage_when_it_has_returned(values: str, steps: int) -> None:
    w, seen = torch.tensor(2.0, requires_grad=True), list[weakref.ref[Held]]()
    with nb.trace(values=values) as trace:
        for _ in range(steps):
            step(seen, w)
        gc.collect()
        alive = [ref() for ref in seen if ref() is not None]
    assert not alive
    assert trace.passes


def test_a_round_is_counted_once_although_the_collector_comes_between_its_passes() -> None:
    w = torch.tensor(2.0, requires_grad=True)

    def passes() -> None:
        (w * w).backward()
        gc.collect()
        (w * 3.0).backward()
        gc.collect()

    with nb.trace(values="none") as trace:
        for _ in range(30):
            passes()
            gc.collect()
    assert len(trace.steps) == 30
    assert trace.ledgers[0].contributions[-1].step == 29


def test_of_a_frame_that_somebody_else_holds_the_locals_stay() -> None:
    w = torch.tensor(2.0, requires_grad=True)

    def fails() -> None:
        inside = w * w
        inside.backward()
        raise KeyError("inside")

    with nb.trace(values="none"):
        try:
            fails()
        except KeyError as error:
            raised = error
        gc.collect()
    assert raised.__traceback__ is not None
    assert raised.__traceback__.tb_next is not None
    assert "inside" in raised.__traceback__.tb_next.tb_frame.f_locals


def test_nobody_waits_for_the_collector_when_traces_are_over() -> None:
    gc.collect()
    before = len(gc.callbacks)
    for _ in range(3):
        with nb.trace(values="none"):
            torch.tensor(2.0, requires_grad=True) * 2
    gc.collect()
    gc.collect()
    assert len(gc.callbacks) <= before


def test_an_object_that_is_gone_does_not_keep_the_next_from_being_called() -> None:
    class Follower:
        def __init__(self) -> None:
            self.calls = 0
            before_collections(self.let_go)

        def let_go(self) -> None:
            self.calls += 1

    before = len(gc.callbacks)
    gone, stays = Follower(), Follower()
    del gone
    gc.collect()
    assert stays.calls == 1
    del stays
    assert len(gc.callbacks) == before
