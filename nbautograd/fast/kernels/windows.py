"""Kernels of pooling over windows of 2 × 2 side by side; others NumPy does as fast."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import kernel, suits

CUBE, CHOICE = "F[:, :, ::1]", "uint8[:, :, ::1]"
WIDE = 16
"""So many windows in a row fill a vector; below, what is left over costs more than NumPy's passes."""


@kernel(CUBE, CUBE, CHOICE)
def largest_of_four(x: Any, best: Any, choice: Any) -> None:
    """The largest, or NaN, and which it is; among equal ones the first."""
    for n in range(x.shape[0]):
        for r in range(best.shape[1]):
            above, below, tops, numbers = x[n, 2 * r], x[n, 2 * r + 1], best[n, r], choice[n, r]
            for i in range(best.shape[2]):
                a, b, c, d = above[2 * i], above[2 * i + 1], below[2 * i], below[2 * i + 1]
                number, top = np.uint8(1) if b > a else np.uint8(0), b if b > a or b != b else a
                number, top = np.uint8(2) if c > top else number, c if c > top or c != c else top
                number, top = np.uint8(3) if d > top else number, d if d > top or d != d else top
                tops[i], numbers[i] = top, number


@kernel(CUBE, CHOICE, CUBE)
def put_back_one_of_four(g: Any, choice: Any, out: Any) -> None:
    zero = g.dtype.type(0)
    for n in range(g.shape[0]):
        for r in range(g.shape[1]):
            for k in range(2):
                row, first, second = out[n, 2 * r + k], 2 * k, 2 * k + 1
                for c in range(g.shape[2]):
                    number, v = choice[n, r, c], g[n, r, c]
                    row[2 * c] = v if number == first else zero
                    row[2 * c + 1] = v if number == second else zero


@kernel(CUBE, "float64", CUBE)
def mean_of_four(x: Any, by: Any, out: Any) -> None:
    share = x.dtype.type(1 / by)
    for n in range(x.shape[0]):
        for r in range(out.shape[1]):
            above, below, means = x[n, 2 * r], x[n, 2 * r + 1], out[n, r]
            for i in range(out.shape[2]):
                means[i] = ((above[2 * i] + below[2 * i]) + (above[2 * i + 1] + below[2 * i + 1])) * share


@kernel(CUBE, "float64", CUBE)
def put_back_to_four(g: Any, by: Any, out: Any) -> None:
    share = g.dtype.type(1 / by)
    for n in range(g.shape[0]):
        for r in range(g.shape[1]):
            for k in range(2):
                row = out[n, 2 * r + k]
                for i in range(g.shape[2]):
                    v = g[n, r, i] * share
                    row[2 * i] = v
                    row[2 * i + 1] = v


def _as_cube(x: Any) -> Any:
    return x.reshape((-1, *x.shape[-2:]))


def _side_by_side(size: Any, windows: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> bool:
    """Whether windows of 2 × 2 cover all elements."""
    if not tuple(kernel) == tuple(stride) == (2, 2) or any(padding) or tuple(dilation) != (1, 1):
        return False
    return tuple(size) == (2 * windows[0], 2 * windows[1])


def max_pool2d(x: Any, *, windows: Any, **how: Any) -> Any:
    if windows[-1] < WIDE or not suits(x) or not _side_by_side(x.shape[-2:], windows, **how):
        return None
    shape = (*x.shape[:-2], *windows)
    best, choice = np.empty(shape, x.dtype), np.empty(shape, np.uint8)
    largest_of_four(_as_cube(x), _as_cube(best), _as_cube(choice))
    return best, choice


def max_pool2d_backward(x: Any, *, choice: Any, size: Any, windows: Any, **how: Any) -> Any:
    if choice.dtype != np.uint8 or not choice.flags.c_contiguous or not suits(x):
        return None
    if not _side_by_side(size, windows, **how):
        return None
    out = np.empty((*x.shape[:-2], *size), x.dtype)
    put_back_one_of_four(_as_cube(x), _as_cube(choice), _as_cube(out))
    return out


def avg_pool2d(x: Any, *, windows: Any, include: Any, divisor: Any, **how: Any) -> Any:
    if windows[-1] < WIDE or not suits(x) or not _side_by_side(x.shape[-2:], windows, dilation=(1, 1), **how):
        return None
    out = np.empty((*x.shape[:-2], *windows), x.dtype)
    mean_of_four(_as_cube(x), divisor or 4, _as_cube(out))
    return out


def avg_pool2d_backward(x: Any, *, size: Any, windows: Any, include: Any, divisor: Any, **how: Any) -> Any:
    if not suits(x) or not _side_by_side(size, windows, dilation=(1, 1), **how):
        return None
    out = np.empty((*x.shape[:-2], *size), x.dtype)
    put_back_to_four(_as_cube(x), divisor or 4, _as_cube(out))
    return out
