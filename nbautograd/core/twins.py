"""Twins of an op's table entry: the same op as it is recorded for complex numbers, and as it runs on bfloat16.

NOTE [Complex gradients]
The gradient of a complex input is, as in torch, g times the conjugate of the derivative (the conjugate Wirtinger
derivative): that is the direction in which a real loss grows. Rules are written as for real numbers, g · f'(x), and
are linear in g, so conj(rule(conj(g))) is what complex numbers want. Recording an op on complex numbers puts its
`wirtinger()` twin, whose pulls do that, into the node. Rules of functions that are no plain products with a
derivative (abs, angle, real …) are written for complex numbers too and say so by `conjugates = True`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtype as dtypes

Pull = Callable[[Any, Any], Any]


def twin_of(op: Any, bracket: Callable[[Pull], Pull]) -> Any:
    """An entry like `op` whose pulls stand in brackets."""
    return _with_pulls(op, tuple([pull and bracket(pull) for pull in op.pulls]))


def _with_pulls(op: Any, pulls: tuple[Pull | None, ...]) -> Any:
    from . import steps

    twin: Any = type(op.__name__, (op,), {}, abstract=True)  # type: ignore[call-overload]
    twin.pulls = pulls
    steps.set_step(twin, steps.step_many if op.outputs == 1 else None)
    return twin


# --- complex numbers ----------------------------------------------------------------------------------------------


def conjugated(pull: Pull) -> Pull:
    """`pull` for complex numbers."""
    return lambda g, saved: _conjugate(pull(_conjugate(g), saved))


def _conjugate(g: Any) -> Any:
    """The complex conjugate of an array, a tensor, or each of several."""
    if isinstance(g, tuple | list):
        return tuple([_conjugate(part) for part in g])  # pyright: ignore[reportUnknownVariableType]
    return g if g is None else g.conj()


# --- bfloat16 -----------------------------------------------------------------------------------------------------


def rounding_twin(op: Any) -> Any:
    """`op` for bfloat16: computed in float32 and rounded once at the end; see NOTE [bfloat16]."""
    if op.library is not np:
        return _rounding_kernels(op)
    twin = twin_of(op, _rounding)
    twin.forward = staticmethod(_bracketed(op.forward))
    return twin


def _rounding_kernels(op: Any) -> Any:
    """The same on a GPU, where the kernels themselves round."""
    from .rules import pulls_of

    forward, *rules = [f and f.rounding(_bracketed(f.plain)) for f in (op.forward, *op.rules)]
    twin = _with_pulls(op, pulls_of(op, tuple(rules)))
    twin.forward = forward
    return twin


def _bracketed(function: Any) -> Any:
    """`function` between widening and rounding."""

    def forward(*xs: Any, **settings: Any) -> Any:
        result = function(*map(_widened, xs), **settings)
        return result if settings.get("dtype") is not None else _rounded(result)

    forward.__kwdefaults__ = function.__kwdefaults__  # where a rule finds a setting that was not given
    return forward


def _rounding(pull: Pull) -> Pull:
    return lambda g, saved: _rounded(pull(_widened(g), _widened(saved)))


def _widened(value: Any) -> Any:
    """What is bfloat16 as float32."""
    if isinstance(value, tuple):
        return tuple(map(_widened, value))
    return value.astype(np.float32) if getattr(value, "dtype", None) is dtypes.brain else value


def _rounded(value: Any) -> Any:
    """What is float32 as bfloat16."""
    if isinstance(value, tuple | list):
        return tuple(map(_rounded, value))
    return value.astype(dtypes.brain) if getattr(value, "dtype", None) == np.float32 else value
