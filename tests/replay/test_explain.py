"""A captured step that is written down anew says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import nbautograd as torch
from nbautograd import nn

WHYS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "another shape": (lambda t: t.given(torch.ones(2, 3)), "there is no program for float32[2, 3], 1.0 yet"),
    "another dtype": (
        lambda t: t.given(torch.ones(4, 3).double(), t.net.double()),
        "no program for float64[4, 3], 1.0",
    ),
    "another number": (lambda t: t.given(t.x, scale=2.0), "there is no program for float32[4, 3], 2.0 yet"),
    "another layout": (lambda t: t.given(t.x.T.contiguous().T), "that lies so in memory"),
    "without gradients": (lambda t: t.unrecorded(), "no gradients are recorded now"),
    "another default dtype": (lambda t: t.in_double(), "the default dtype is torch.float64 now, and was torch.float32"),
    "evaluation": (lambda t: t.given(t.x, t.net.eval()), "net.training has changed"),
    "a layer's evaluation": (lambda t: t.given(t.x, t.net[1].eval()), "net.1.training has changed"),
    "a layer's setting": (lambda t: t.given(t.x, setattr(t.net[1], "p", 0.2)), "net.1.p has changed"),
    "a frozen parameter": (lambda t: t.given(t.x, t.net[0].weight.requires_grad_(False)), "requires_grad has changed"),
    "another parameter": (lambda t: t.given(t.x, setattr(t.net[0], "bias", None)), "net.0.bias has changed"),
    "a hook": (lambda t: t.given(t.x, t.net[0].register_forward_hook(lambda *_: None)), "net.0._hooks has changed"),
    "a setting": (lambda t: t.given(t.x, setattr(t.config, "gain", 2.0)), "config.gain has changed"),
    "a number in a dictionary": (lambda t: t.given(t.x, t.options.update(gain=2.0)), "options['gain'] has changed"),
    "an optimizer's option": (lambda t: t.given(t.x, t.group.update(momentum=0.9)), "an option of the optimizer has"),
    "another branch": (lambda t: t.given(-t.x), "another branch"),
}


@pytest.fixture(autouse=True)
def _in_single_precision() -> Iterator[None]:
    yield
    torch.set_default_dtype(torch.float32)


class Training(SimpleNamespace):
    """A captured step and what it depends on."""

    def __init__(self) -> None:
        net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        config, options = SimpleNamespace(gain=1.0), {"gain": 1.0}

        @torch.capture
        def step(x: Any, scale: float) -> Any:
            optimizer.zero_grad()
            loss = (net(x) * config.gain * options["gain"] * scale).square().mean()
            if x.sum() > 0:
                loss = loss * 2
            if loss.requires_grad:
                loss.backward()
                optimizer.step()
            return loss

        super().__init__(
            net=net, config=config, options=options, group=optimizer.param_groups[0], step=step, x=torch.ones(4, 3)
        )

    def given(self, x: Any, _: Any = None, scale: float = 1.0) -> None:
        self.step(x, scale)

    def unrecorded(self) -> None:
        with torch.no_grad():
            self.given(self.x)

    def in_double(self) -> None:
        torch.set_default_dtype(torch.float64)
        self.given(self.x)


@pytest.mark.parametrize("name", WHYS)
def test_it_says_what_has_changed(name: str) -> None:
    change, why = WHYS[name]
    training = Training()
    for _ in range(3):
        training.given(training.x)
    assert training.step.explain().startswith("1 call replayed")
    change(training)
    assert why in training.step.explain().splitlines()[-1]
