"""Kernels of recurrent layers: all steps of a run in one call, products included."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import kernel, suits
from .numbers import tanh

CUBE, MATRIX = "F[:, :, ::1]", "F[:, ::1]"


@kernel("boolean", MATRIX, MATRIX, "F[:, :, :, ::1]", CUBE, CUBE, CUBE, CUBE, MATRIX)
def lstm_steps(
    backwards: Any, h: Any, c: Any, gates: Any, seen: Any, memory: Any, shown: Any, out: Any, weight: Any
) -> None:
    """`weight` brings half of what the sigmoids see: σ(2a) = ½ tanh a + ½."""
    kind = h.dtype.type
    half, width, steps = kind(0.5), h.shape[1], len(seen)
    summed = np.empty((h.shape[0], 4 * width), h.dtype)
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        seen[t, :, :width] = h
        np.dot(seen[t], weight, summed)
        for n in range(h.shape[0]):
            for k in range(4):
                for j in range(width):
                    gates[t, k, n, j] = tanh(summed[n, k * width + j])
            for j in range(width):
                i = gates[t, 0, n, j] * half + half
                f = gates[t, 1, n, j] * half + half
                o = gates[t, 3, n, j] * half + half
                gates[t, 0, n, j], gates[t, 1, n, j], gates[t, 3, n, j] = i, f, o
                before = c[n, j]
                memory[t, n, j] = before
                now = before * f + i * gates[t, 2, n, j]
                c[n, j] = now
                z = tanh(now)
                shown[t, n, j] = z
                h[n, j] = o * z
                out[t, n, j] = o * z


@kernel("boolean", "boolean", MATRIX, MATRIX, "F[:, :, :, ::1]", CUBE, CUBE, CUBE, CUBE, MATRIX)
def lstm_steps_back(
    backwards: Any, used: Any, dh: Any, dc: Any, gates: Any, memory: Any, shown: Any, d: Any, given: Any, w_hh: Any
) -> None:
    """`used` says whether `given` holds gradients of the outputs."""
    one, width, steps = dh.dtype.type(1), dc.shape[1], len(d)
    for s in range(steps):
        t = steps - 1 - s if backwards else s
        for n in range(len(dh)):
            for j in range(width):
                up = dh[n, j] + given[t, n, j] if used else dh[n, j]
                i, f, g, o = gates[t, 0, n, j], gates[t, 1, n, j], gates[t, 2, n, j], gates[t, 3, n, j]
                z = shown[t, n, j]
                back = dc[n, j] + up * (one - z * z) * o
                d[t, n, j] = (i - i * i) * g * back
                d[t, n, width + j] = (f - f * f) * memory[t, n, j] * back
                d[t, n, 2 * width + j] = (one - g * g) * i * back
                d[t, n, 3 * width + j] = (o - o * o) * z * up
                dc[n, j] = back * f
        np.dot(d[t], w_hh, dh)


def _in_memory_order(*arrays: Any) -> tuple[bool, list[Any]]:
    """Whether the steps lie backwards, and the arrays as they lie."""
    backwards = arrays[0].strides[0] < 0
    return backwards, [a[::-1] for a in arrays] if backwards else list(arrays)


def lstm_advance(
    h: Any, c: Any, gates: Any, seen: Any, memory: Any, shown: Any, out: Any, *, weight: Any, w_hr: Any, **more: Any
) -> Any:
    if w_hr is not None or not h.size:
        return None
    backwards, rows = _in_memory_order(gates, seen, memory, shown, out)
    if not suits(h, c, *rows):
        return None
    beside = np.ascontiguousarray(weight.swapaxes(0, 1)).reshape(weight.shape[1], -1)
    lstm_steps(backwards, h, c, *rows, beside)
    return True


def lstm_retreat(
    dh: Any, dc: Any, gates: Any, memory: Any, shown: Any, d: Any, given: Any, sent: Any, *, w_hh: Any, w_hr: Any
) -> Any:
    if w_hr is not None or not dh.size:
        return None
    used = given.__class__ is np.ndarray
    backwards, rows = _in_memory_order(gates, memory, shown, d, *([given] if used else []))
    rows = [*rows[:4], np.ascontiguousarray(rows[4]) if used else rows[1]]
    if not suits(dh, dc, w_hh, *rows):
        return None
    lstm_steps_back(backwards, used, dh, dc, *rows, w_hh)
    return True
