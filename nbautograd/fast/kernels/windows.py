"""Kernels of pooling over windows of two dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compiled import kernel, suits

CUBE, PAIRS = "F[:, :, ::1]", "int64, int64, int64, int64, int64, int64, int64, int64"


@kernel(CUBE, PAIRS, CUBE, "uint8[:, :, ::1]")
def largest_under(
    x: Any, kh: Any, kw: Any, sh: Any, sw: Any, ph: Any, pw: Any, dh: Any, dw: Any, best: Any, choice: Any
) -> None:
    for n in range(x.shape[0]):
        for r in range(best.shape[1]):
            for c in range(best.shape[2]):
                top, number, i, j = -np.inf, 0, r * sh - ph, c * sw - pw
                top = x.dtype.type(top)
                for a in range(kh):
                    for b in range(kw):
                        y, z = i + a * dh, j + b * dw
                        if y >= 0 and y < x.shape[1] and z >= 0 and z < x.shape[2]:
                            v = x[n, y, z]
                            larger = v > top
                            number = a * kw + b if larger else number
                            top = v if larger or v != v else top
                best[n, r, c] = top
                choice[n, r, c] = number


@kernel(CUBE, CUBE, "uint8[:, :, ::1]")
def largest_of_four(x: Any, best: Any, choice: Any) -> None:
    """Windows of 2 × 2 side by side, without a branch."""
    for n in range(x.shape[0]):
        for r in range(best.shape[1]):
            for c in range(best.shape[2]):
                top = x[n, 2 * r, 2 * c]
                number = np.uint8(0)
                for k in range(1, 4):
                    v = x[n, 2 * r + k // 2, 2 * c + k % 2]
                    larger = v > top
                    number = np.uint8(k) if larger else number
                    top = v if larger or v != v else top
                best[n, r, c] = top
                choice[n, r, c] = number


@kernel(CUBE, "uint8[:, :, ::1]", PAIRS, CUBE)
def put_back(
    g: Any, choice: Any, kh: Any, kw: Any, sh: Any, sw: Any, ph: Any, pw: Any, dh: Any, dw: Any, out: Any
) -> None:
    for n in range(g.shape[0]):
        out[n] = 0
        for r in range(g.shape[1]):
            for c in range(g.shape[2]):
                number = np.int64(choice[n, r, c])
                row = number // kw
                out[n, r * sh - ph + row * dh, c * sw - pw + (number - row * kw) * dw] += g[n, r, c]


def _as_cube(x: Any) -> Any:
    return x.reshape((-1, *x.shape[-2:]))


def max_pool2d(x: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any, windows: Any) -> Any:
    if len(kernel) != 2 or math.prod(kernel) > 256 or not suits(x) or 0 in windows:
        return None
    shape = (*x.shape[:-2], *windows)
    best, choice = np.empty(shape, x.dtype), np.empty(shape, np.uint8)
    fits = all(2 * w <= n for w, n in zip(windows, x.shape[-2:], strict=True))
    if tuple(kernel) == tuple(stride) == (2, 2) and tuple(padding) == (0, 0) and tuple(dilation) == (1, 1) and fits:
        largest_of_four(_as_cube(x), _as_cube(best), _as_cube(choice))
    else:
        largest_under(_as_cube(x), *kernel, *stride, *padding, *dilation, _as_cube(best), _as_cube(choice))
    return best, choice


def max_pool2d_backward(
    x: Any, *, choice: Any, size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, windows: Any
) -> Any:
    if len(kernel) != 2 or choice.dtype != np.uint8 or not choice.flags.c_contiguous or not suits(x) or any(padding):
        return None  # in a border of minus infinities the first element may have been chosen
    out = np.empty((*x.shape[:-2], *size), x.dtype)
    put_back(_as_cube(x), _as_cube(choice), *kernel, *stride, *padding, *dilation, _as_cube(out))
    return out
