"""Forward mode through a custom function: the tangents are what its own `jvp` says."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from nbautograd.core.dtype import INEXACT
from nbautograd.core.forward import move
from nbautograd.core.levels import Level, below, fit_direction, tangents_of, zeros_like
from nbautograd.core.modes import local, unwatched
from nbautograd.core.tensor import Tensor

from .context import FunctionCtx

if TYPE_CHECKING:
    from .custom import Function


def push(function: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
    """Give the `outputs` of `function` their tangents at all active levels, and `ctx` those of the ones it saved."""
    moving = [level for level in local.levels if any(level.get(x) is not None for x in args)]
    for level in moving:
        own = ctx if level is moving[-1] else copy.copy(ctx)  # `jvp` may let go of what it has used
        with below(level.depth):
            unwatched(_push, function, own, level, args, outputs)
    ctx.remember_tangents([tangents_of(out) for out in outputs])


def _push(
    function: type[Function], ctx: FunctionCtx, level: Level, args: tuple[Any, ...], outputs: tuple[Any, ...]
) -> None:
    with ctx.in_forward_mode():
        result = function.jvp(ctx, *[_tangent(level, x, ctx.materializes) for x in args])
    tangents = result if isinstance(result, tuple) else (result,)
    if len(tangents) != len(outputs):
        raise RuntimeError(
            "Function's jvp returned an invalid number of forward gradients "
            f"(expected {len(outputs)} but got {len(tangents)})"
        )
    for i, (out, tangent) in enumerate(zip(outputs, tangents, strict=True)):
        if tangent is None:
            continue
        if not isinstance(tangent, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(tangent).__name__}) for grad output {i}.")
        fit_direction(out, tangent)
        if any(out is x for x in args):
            move(level, out, tangent)
        else:
            level.set(out, tangent)


def _tangent(level: Level, x: Any, materializes: bool) -> Tensor | None:
    if not isinstance(x, Tensor):
        return None
    found = level.get(x)
    return zeros_like(x) if found is None and materializes and x._data.dtype.kind in INEXACT else found
