"""Forward mode by hand: tensors that carry the direction in which they move.

Example:
    >>> import nbautograd as torch
    >>> import nbautograd.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.tensor(3.0), torch.tensor(1.0))
    ...     fwAD.unpack_dual(x * x).tangent
    tensor(6.)
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from nbautograd.core.doors import THREADS, Door
from nbautograd.core.levels import Level, active, alias, close, fit_direction, new_level, switch
from nbautograd.core.modes import local
from nbautograd.core.tensor import Tensor


class _Dual(threading.local):
    level: Level | None = None


_dual = _Dual()
THREADS.append(_dual)
_ONLY = 0
"""The number of the one level that can be open by hand."""


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns: the values, and the direction in which they move, or None."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Open a level for dual tensors, and return its number.

    Raises: RuntimeError when one is open already; `torch.func.jvp` can be nested instead.
    """
    return dual_level().__enter__()


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the level: all tangents are gone.

    Raises: RuntimeError when there is none, or when it is not `level`.
    """
    if _dual.level is None:
        raise RuntimeError("Dual level must be a positive number.")
    if level not in (None, _ONLY):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    close(_dual.level)
    _dual.level = None


class dual_level(Door):
    """A `with` block in which dual tensors exist; a decorator too."""

    given = _ONLY

    def read(self) -> tuple[Level | None, tuple[Level, ...]]:
        return _dual.level, local.levels

    def put(self, value: tuple[Level | None, tuple[Level, ...]]) -> None:
        _dual.level = value[0]
        switch(value[1])

    def inside(self, before: tuple[Level | None, tuple[Level, ...]]) -> tuple[Level, tuple[Level, ...]]:
        if before[0] is not None:
            raise RuntimeError(
                "Nested forward mode AD is not supported at the moment\n"
                "  hint: torch.func.jvp may be used inside itself"
            )
        level = new_level()
        return level, (*before[1], level)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with dual_level():
                return function(*args, **kwargs)

        return wrapped


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor with the values of `tensor`, which it shares, that moves in the direction `tangent`.

    Raises: RuntimeError when no level is open, when `tensor` has a tangent already, and when the shapes differ;
        ValueError for integers.
    """
    held = _dual.level
    if held is None or (level is not None and level < 0):
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    fit_direction(tensor, tangent)
    if held.get(tensor) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level "
            f"{_ONLY} is not supported."
        )
    dual = alias(tensor)
    held.set(dual, tangent)
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The values of `tensor`, without a tangent, and its tangent."""
    held = _dual.level
    tangent = None if held is None or (level is not None and level < 0) else held.get(tensor)
    if held is None or tangent is None:
        return UnpackedDualTensor(tensor, None)
    with active(held.others()):
        return UnpackedDualTensor(alias(tensor), tangent)


__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]
