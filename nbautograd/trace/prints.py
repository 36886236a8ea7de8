"""Three numbers that tell almost any change of an array; see NOTE [Judging by value]."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray

vdot = np.vdot
Print = tuple[float, float, float]
SAMPLE = 64
"""Of larger arrays so many numbers are looked at, and all of them where those are zero."""
NOTHING: Print = (0.0, 0.0, 0.0)
NAN: Print = (math.inf, 0.0, 0.0)


def look(data: Any) -> tuple[float, Print]:
    """The sum of the squares of an array's numbers, and its fingerprint."""
    if data.__class__ is ndarray and 0 < data.size <= SAMPLE:
        square = float(vdot(data, data).real)
        if square > 0.0:
            return square, (square, data.item(0).real, data.item(-1).real)
    elif isinstance(data, np.floating):
        x = float(data)
        square = x * x
        return square, (square or float(x != 0), x, x) if x == x else NAN
    square = squares(data)
    return square, fingerprint(data, square)


def fingerprint(data: Any, square: float | None = None) -> Print:
    """Three numbers that tell almost any change of an array; the first is 0 where all its numbers are.

    `square` is the sum of the squares of its numbers, if somebody knows it.
    """
    if isinstance(data, np.floating):
        return look(data)[1]
    size = data.size
    if not size:
        return NOTHING
    if square is None or size > SAMPLE:
        square = squares(data if size <= SAMPLE else data.ravel(order="K")[:: size // SAMPLE])
    square = square or squares(data) or float(data.any())
    if square != square:
        return NAN
    first, last = (data.item(0), data.item(-1)) if data.__class__ is ndarray else data.ravel()[[0, -1]]
    return square, float(first.real), float(last.real)


def squares(data: Any) -> float:
    """The sum of the squares of an array's numbers. NumPy's `vdot` is fast, and does not warn of overflow."""
    if isinstance(data, np.floating):
        return float(data) * float(data)
    if not isinstance(data, ndarray):
        return float((abs(data) ** 2).sum())
    return float(vdot(data, data).real)
