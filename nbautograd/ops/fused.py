"""Gradients of gradients for ops whose backward is one hand-written kernel.

NOTE [Second order of kernels]
Attention and the recurrent layers compute all their gradients in one kernel that works in place, so its text cannot run
on tensors. When a gradient is to be differentiated again, `xp` means tensors, and what `xp.lstm_backward` names there
is made by `by_steps`: it computes the op's result once more from single ops of the table and asks the engine for the
gradient of those, with a graph. So the kernel is written for speed alone, and every order is right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.backward import grad
from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.op import tensors


def by_steps(name: str, steps: Callable[..., Any]) -> None:
    """Let `xp.<name>(g, *xs, …)`, where arrays are tensors, be the gradient of `steps(*xs, …)`."""

    def backward(g: Any, *xs: Any, **settings: Any) -> tuple[Any, ...]:
        # An input may be given twice, or have a history: each gets a node of its own to stop at. It is recorded even
        # where the gradient itself will not be, because it is only to be pushed forward.
        recording = is_grad_enabled()
        with enable_grad():
            own = [x if x._node is None else tensors.view(x, shape=tuple(x.shape)) for x in xs]
            outputs = steps(*own, **settings)
        reached = [(g, outputs)] if not isinstance(outputs, tuple) else list(zip(g, outputs, strict=True))
        starts = [(share, out) for share, out in reached if share is not None and out._node is not None]
        wanted = [x for x in own if x._node is not None]
        found = iter(
            grad([out for _, out in starts], wanted, [s for s, _ in starts], create_graph=recording, allow_unused=True)
        )
        return tuple([None if x._node is None else next(found) for x in own])

    tensors.numpy_names[name] = backward
