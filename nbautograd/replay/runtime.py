"""What the text of a program calls besides the functions of ops."""

from __future__ import annotations

import math
from typing import Any

from numpy import float32

from nbautograd.core import inplace
from nbautograd.core.array import compact
from nbautograd.core.call import new, wrap
from nbautograd.core.leaves import add_to, own
from nbautograd.core.modes import state
from nbautograd.core.tensor import Tensor


class MisfitError(Exception):
    """The replay does not fit this call."""


def accumulate(t: Tensor, g: Any) -> None:
    """Add `g` to `.grad` of the leaf `t`."""
    if t._grad is None:
        t._grad = wrap(own(g))
    else:
        add_to(t._grad, g)


def give(t: Tensor, g: Any) -> None:
    """`accumulate` where nobody else holds `g`."""
    if t._grad is None:
        t._grad = wrap(compact(g))
    else:
        add_to(t._grad, g)


def put(t: Tensor, g: Any) -> None:
    """`give` where `.grad` was None, or has been set to None."""
    if state.special or g.__class__ is not float32:
        t._grad = wrap(compact(g))
    else:  # thousands of scalars, perhaps
        t._grad = grad = new(Tensor)
        grad._data, grad._node = g, None


def tensor_of(data: Any) -> Tensor:
    """A tensor with numbers of its own."""
    return wrap(compact(data.copy("K")))


def in_range(limit: float, *numbers: float) -> bool:
    """Whether all numbers are finite and no larger than `limit`; some that come close to it are not told apart."""
    return math.hypot(*numbers) <= limit


def not_tiny(least: float, *numbers: float) -> bool:
    """Whether all numbers are zero, or at least as large as `least`."""
    return all(x >= least or x <= -least or x == 0 for x in numbers)


def within(low: float, high: float, x: Any, besides: float | None = None) -> None:
    """Refuse numbers outside [low, high], except for `besides`, as the step does before it computes.

    Raises: IndexError.
    """
    if x.size and (x.min() < low or x.max() > high):
        outside = (x < low) | (x > high)
        if besides is None or (outside & (x != besides)).any():
            raise IndexError(f"a number outside [{low}, {high}]")


def give_up(why: str) -> None:
    """End a replay that does not fit this call."""
    raise MisfitError(why)


write = inplace.write
HELPERS = (accumulate, give, put, write, tensor_of, in_range, not_tiny, within, give_up)
