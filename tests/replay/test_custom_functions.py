"""Captured steps with custom Functions: what those do forward and backward is noted op by op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.autograd import Function
from tests.replay.test_capture import assert_replayed

scale = 2.0


class Square(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 2 * ctx.saved_tensors[0]


class Scaled(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, k: float) -> Any:
        ctx.k = k
        return x * k * scale

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.k * scale, None


class Linear(Function):
    """In the form with `setup_context`."""

    @staticmethod
    def forward(x: Any, weight: Any, bias: Any) -> Any:
        return weight.mv(x) + bias

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, weight, _ = ctx.saved_tensors
        return g @ weight, torch.outer(g, x) if ctx.needs_input_grad[1] else None, g


class Straight(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.round()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


class Reversed(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return -g


class Two(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.exp(), x.sin()

    @staticmethod
    def backward(ctx: Any, a: Any, b: Any) -> Any:
        (x,) = ctx.saved_tensors
        return a * x.exp() + b * x.cos()


class Relu(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        found = g.clone()
        found[ctx.saved_tensors[0] < 0] = 0
        return found


class Dropped(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.kept = (torch.rand(3) > 0.5).float()
        return x * ctx.kept

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.kept


class OfNumPy(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return torch.tensor(np.sin(x.numpy()))

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


class InPlace(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x.add_(1))
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


class Inner(Square):
    """Runs a backward pass of its own."""

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        with torch.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_()
            (x * x).sum().backward()
        return g * x.grad


Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
REPLAYED: dict[str, Loss] = {
    "one": lambda w, b, x: Square.apply(w[0] * x).sum(),
    "one after the other": lambda w, b, x: (Square.apply(Square.apply(b) * x) * b).sum(),
    "with a number": lambda w, b, x: Scaled.apply(b * x, 3).mean(),
    "with setup_context": lambda w, b, x: Linear.apply(x, w, b).square().sum(),
    "where something else goes by": lambda w, b, x: (Square.apply(y := b * x) + y).sum(),
    "straight through": lambda w, b, x: (Straight.apply(b * x) * x).sum(),
    "of a view": lambda w, b, x: (Reversed.apply(b * x) * b).sum(),
    "with two results": lambda w, b, x: (Two.apply(b * x)[0] * x + Two.apply(b)[1]).sum(),
    "with a result that is not used": lambda w, b, x: Two.apply(b * x)[1].sum(),
    "with a mask": lambda w, b, x: Relu.apply(b * x).sum(),
    "with random numbers": lambda w, b, x: Dropped.apply(b * x).sum(),
    "of one number": lambda w, b, x: Square.apply(b.sum() * x[0]),
    "differentiated twice": lambda w, b, x: torch.autograd.grad(Square.apply(b * x).sum(), b, create_graph=True)[0][0],
}
REFUSED: dict[str, tuple[str, Loss]] = {
    "by NumPy": ("numpy()", lambda w, b, x: OfNumPy.apply(b * x).sum()),
    "in place": ("changed by other means", lambda w, b, x: InPlace.apply(b * x).sum()),
    "a pass of its own": ("a backward pass inside another one", lambda w, b, x: Inner.apply(b * x).sum()),
}


def compared(loss_of: Loss, before: Callable[[int], None] = bool) -> Any:
    """The captured step, when it has given what the step gives."""
    torch.manual_seed(0)
    w, b = torch.randn(3, 3, requires_grad=True), torch.tensor([1.0, -2.0, 0.6], requires_grad=True)

    def step(x: torch.Tensor) -> Any:
        w.grad = b.grad = None
        loss = loss_of(w, b, x)
        loss.backward()
        return loss

    def seen(step: Any, call: int) -> Any:
        torch.manual_seed(call)
        loss = step(torch.tensor([0.3, 0.8, -0.4]) * (call + 1)).item()
        return [loss, *(None if p.grad is None else p.grad.tolist() for p in (w, b))]

    captured = torch.capture(step)
    for call in range(6):
        before(call)
        assert seen(captured, call) == seen(step, call)
    return captured


@pytest.mark.parametrize("name", REPLAYED)
def test_what_a_custom_function_does_is_replayed(name: str) -> None:
    assert_replayed(compared(REPLAYED[name]), 4)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_noted_of_a_custom_function_is_said(name: str) -> None:
    words, loss_of = REFUSED[name]
    assert words in compared(loss_of).explain()


def test_what_a_custom_function_reads_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(call: int) -> None:
        if call == 4:
            monkeypatch.setattr(f"{__name__}.scale", 5.0)

    assert compared(REPLAYED["with a number"], change).explain().startswith("2 calls replayed, 4 run")


def test_the_program_shows_the_lines_of_a_custom_function() -> None:
    source = compared(REPLAYED["with a mask"]).source()
    assert "# Relu.forward, line" in source
    assert "# Relu.backward, line" in source
