"""A step of an optimizer on a GPU as one kernel per parameter, made from the rule that updates blocks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.fast.cuda import Fused

KEPT = 64
"""So many steps are remembered: parameters of one group differ in their dtypes, not in their figures."""
_steps: dict[Any, Fused] = {}


def in_one_kernel(update: Any, gradient: Any, library: Any, arrays: list[Any]) -> bool:
    """Update the parameter, which comes first, and its slots by one kernel; False where the rule cannot be one."""
    try:
        key = (_identity(update), _identity(gradient))
        found = _steps.get(key)
    except TypeError:  # it was made of what has no hash
        return False
    if found is None:
        if len(_steps) >= KEPT:
            _steps.clear()
        name = f"step_{_bare(update).__name__}"
        found = _steps[key] = Fused(name, lambda: _whole(update, gradient), _refused, library, narrow=True)
    return found(*arrays) is None


def _whole(update: Any, gradient: Any) -> Callable[..., None]:
    """The rule as a function of symbols."""

    def step(p: Any, g: Any, *slots: Any) -> None:
        s, t, u = (np.empty_like(p) for _ in range(3))
        if gradient is not None:
            gradient(np, p, g, s)
            g = s
        _bare(update)(np, p, g, *slots, t, u, **getattr(update, "keywords", {}))

    return step


def _refused(*arrays: Any) -> bool:
    return False


def _bare(update: Any) -> Any:
    """The function of a rule: without its figures, and not served by what is for NumPy."""
    return inspect.unwrap(update.func if isinstance(update, functools.partial) else update)


def _identity(update: Any) -> Any:
    """What two rules that do the same have in common: their text, and the numbers that it was made with."""
    if update is None:
        return None
    function = _bare(update)
    made_with = [cell.cell_contents for cell in function.__closure__ or ()]
    return (function.__code__, *made_with, *getattr(update, "keywords", {}).values())
