"""Backwards that can be run once only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.tensor import Tensor

from .custom import Function


class _Once(Function):
    """Lets gradients through that were computed without a graph, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, *grads: Any) -> Any:
        return tuple(g.clone() for g in grads)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `backward` whose result cannot be differentiated again, because it leaves the graph inside.

    Raises: RuntimeError when a second derivative is taken through it.
    """

    @functools.wraps(function)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            result = function(ctx, *grads)
        if not is_grad_enabled() or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return result
        parts = result if isinstance(result, tuple) else (result,)
        passed = iter(_Once.apply(*[p.detach().requires_grad_() for p in parts if p is not None]))
        parts = tuple(None if p is None else next(passed) for p in parts)
        return parts if isinstance(result, tuple) else parts[0]

    return once
