"""Copies of captured steps capture anew; who listens to Python is not disturbed."""

from __future__ import annotations

import copy
import functools
import pickle
import sys
from typing import Any

import nbautograd as torch
from nbautograd import nn
from tests.replay.test_capture import assert_replayed


class Trained(nn.Module):
    """A model that captures its own step."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.step = torch.capture(self.descend)

    def descend(self, x: torch.Tensor) -> torch.Tensor:
        self.zero_grad()
        (loss := self.layer(x).square().sum()).backward()
        with torch.no_grad():
            for p in self.parameters():
                p -= 0.1 * p.grad
        return loss


def test_a_copy_of_a_model_that_captures_its_step_captures_anew() -> None:
    net, x = Trained(), torch.ones(3, 2)
    for _ in range(3):
        net.step(x)
    before = net.layer.weight.clone()
    other = copy.deepcopy(net)
    losses = [other.step(x).item() for _ in range(4)]
    assert_replayed(other.step, 2)
    assert_replayed(net.step, 1)
    assert torch.equal(net.layer.weight, before)
    assert [net.step(x).item() for _ in range(4)] == losses


@torch.capture
def doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_a_captured_function_of_a_module_is_copied_and_pickled_as_functions_are() -> None:
    assert copy.deepcopy(doubled) is doubled
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    assert copy.deepcopy(torch.capture(functools.partial(doubled._step)))(torch.ones(1)).item() == 2.0


def test_nothing_is_written_down_while_something_else_listens() -> None:
    step, events = torch.capture(lambda x: x * 2), list[str]()
    sys.setprofile(lambda frame, event, function: events.append(event))
    try:
        step(torch.ones(2))
    finally:
        sys.setprofile(None)
    assert events
    assert "something else listens" in step.explain()
    for _ in range(3):
        step(torch.ones(2))
    assert sys.getprofile() is None
    assert step.explain().startswith("1 call replayed, 3 run")


def test_what_cannot_be_looked_at_is_run_as_it_is() -> None:
    class Secretive(dict[str, Any]):
        def items(self) -> Any:
            raise OSError("not now")

    odd = Secretive(scale=2.0)
    step = torch.capture(lambda x: x * odd["scale"])
    for _ in range(4):
        assert step(torch.ones(1)).item() == 2.0
    assert "what it uses cannot be compared: OSError('not now')" in step.explain()
