"""Kernels of recurrent layers: all steps that are equally large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from .compiled import kernel, suits
from .numbers import STRICT, tanh
from .products import PAD, ROWS, add_product, rounded, rows_of

GATES, CUBE, MATRIX = "F[:, :, :, ::1]", "F[:, :, ::1]", "F[:, ::1]"


# NOTE [Few arrays]
# Before a loop runs on vectors, LLVM has it checked that what is stored lies apart from what is loaded, and gives up
# where that takes many checks. So a step is several loops over few arrays, which lie in the cache.


@register_jitable(**STRICT)
def put_tanh(x: Any, out: Any, scale: Any, shift: Any) -> None:
    """tanh x · scale + shift"""
    for j in range(x.size):
        out[j] = tanh(x[j]) * scale + shift


@register_jitable(**STRICT)
def remember(c: Any, f: Any, i: Any, g: Any) -> None:
    for j in range(c.size):
        c[j] = c[j] * f[j] + i[j] * g[j]


@register_jitable(**STRICT)
def put_product(x: Any, y: Any, out: Any) -> None:
    for j in range(x.size):
        out[j] = x[j] * y[j]


@register_jitable(**STRICT)
def add_through(dh: Any, z: Any, o: Any, dc: Any) -> None:
    """What reaches the memory through the output: dh · (1 − z²) · o."""
    for j in range(dc.size):
        dc[j] += dh[j] * (dc.dtype.type(1) - z[j] * z[j]) * o[j]


@register_jitable(**STRICT)
def put_sigmoid_back(s: Any, factor: Any, back: Any, out: Any) -> None:
    """s (1 − s) · factor · back"""
    for j in range(s.size):
        out[j] = (s[j] - s[j] * s[j]) * factor[j] * back[j]


@register_jitable(**STRICT)
def put_tanh_back(g: Any, factor: Any, back: Any, out: Any) -> None:
    """(1 − g²) · factor · back"""
    for j in range(g.size):
        out[j] = (g.dtype.type(1) - g[j] * g[j]) * factor[j] * back[j]


@register_jitable(**STRICT)
def lined(matrix: Any) -> Any:
    """A copy with rows as long as products take them."""
    found = np.zeros((len(matrix), rounded(matrix.shape[1], PAD)), matrix.dtype)
    found[:, : matrix.shape[1]] = matrix
    return found


@register_jitable(**STRICT)
def put_step_product(steps: Any, t: Any, first: Any, weight: Any, out: Any) -> None:
    """Step `t` of `steps` (T, N, width), from column `first` on, times `weight`."""
    out[:] = 0
    count, width = steps.shape[1:]
    rows = rows_of(count, width, True) + (t * count * width + first)
    at, to = np.arange(len(weight)) * weight.shape[1], rows_of(len(out), out.shape[1], False)
    add_product(steps.reshape(-1), rows, weight.reshape(-1), at, weight.shape[1], out.reshape(-1), to)


@register_jitable(**STRICT)
def put_sum(x: Any, out: Any) -> None:
    for j in range(out.size):
        out[j] += x[j]


@register_jitable(**STRICT)
def add_gated(r: Any, q: Any, n: Any) -> None:
    """tanh(n + r · q) into `n`"""
    for j in range(n.size):
        n[j] = tanh(n[j] + r[j] * q[j])


@register_jitable(**STRICT)
def blend(n: Any, z: Any, h: Any) -> None:
    for j in range(h.size):
        h[j] = n[j] + z[j] * (h[j] - n[j])


@register_jitable(**STRICT)
def put_new_back(n: Any, z: Any, back: Any, out: Any) -> None:
    """(1 − n²) · (1 − z) · back"""
    one = n.dtype.type(1)
    for j in range(n.size):
        out[j] = (one - n[j] * n[j]) * (one - z[j]) * back[j]


@register_jitable(**STRICT)
def put_kept_back(z: Any, h: Any, n: Any, back: Any, out: Any) -> None:
    """z (1 − z) · (h − n) · back"""
    for j in range(z.size):
        out[j] = (z[j] - z[j] * z[j]) * (h[j] - n[j]) * back[j]


@kernel("boolean", MATRIX, MATRIX, MATRIX, GATES, CUBE, CUBE, CUBE, CUBE)
def lstm_steps(
    backwards: Any, weight: Any, h: Any, c: Any, gates: Any, seen: Any, memory: Any, shown: Any, out: Any
) -> None:
    """The sigmoids see half of what they would: σ(2a) = ½ tanh a + ½."""
    kind, width, count = h.dtype.type, h.shape[1], len(seen)
    flat_h, flat_c, weights = h.reshape(-1), c.reshape(-1), lined(weight)
    summed = np.empty((rounded(len(h), ROWS), weights.shape[1]), h.dtype)
    for step in range(count):
        t = count - 1 - step if backwards else step
        seen[t, :, :width] = h
        put_step_product(seen, t, 0, weights, summed)
        for k in range(4):
            scale, shift = (kind(1), kind(0)) if k == 2 else (kind(0.5), kind(0.5))
            for n in range(len(h)):
                put_tanh(summed[n, k * width : (k + 1) * width], gates[t, k, n], scale, shift)
        gate, z = gates[t].reshape((4, h.size)), shown[t].reshape(-1)
        memory[t] = c
        remember(flat_c, gate[1], gate[0], gate[2])
        put_tanh(flat_c, z, kind(1), kind(0))
        put_product(gate[3], z, flat_h)
        out[t] = h


@kernel("boolean", "boolean", MATRIX, MATRIX, MATRIX, GATES, CUBE, CUBE, CUBE, CUBE)
def lstm_steps_back(
    backwards: Any, used: Any, w_hh: Any, dh: Any, dc: Any, gates: Any, memory: Any, shown: Any, d: Any, given: Any
) -> None:
    """`used` says whether `given` holds gradients of the outputs."""
    width, count = dc.shape[1], len(d)
    flat_h, flat_c, weights = dh.reshape(-1), dc.reshape(-1), lined(w_hh)
    sent = np.empty((rounded(len(dh), ROWS), weights.shape[1]), dh.dtype)
    for step in range(count):
        t = count - 1 - step if backwards else step
        gate = gates[t].reshape((4, dh.size))
        if used:
            dh += given[t]
        add_through(flat_h, shown[t].reshape(-1), gate[3], flat_c)
        for n in range(len(dh)):
            i, f, g, o = gates[t, 0, n], gates[t, 1, n], gates[t, 2, n], gates[t, 3, n]
            row = d[t, n]
            put_sigmoid_back(i, g, dc[n], row[:width])
            put_sigmoid_back(f, memory[t, n], dc[n], row[width : 2 * width])
            put_tanh_back(g, i, dc[n], row[2 * width : 3 * width])
            put_sigmoid_back(o, shown[t, n], dh[n], row[3 * width :])
        put_product(gate[1], flat_c, flat_c)
        put_step_product(d, t, 0, weights, sent)
        dh[:] = sent[: len(dh), :width]


@kernel("boolean", MATRIX, MATRIX, CUBE, CUBE, CUBE)
def gru_steps(backwards: Any, weight: Any, h: Any, gates: Any, seen: Any, out: Any) -> None:
    """`gates` holds what the inputs bring to r, z and n; behind them comes q."""
    half, width, count, weights = h.dtype.type(0.5), h.shape[1], len(seen), lined(weight)
    summed = np.empty((rounded(len(h), ROWS), weights.shape[1]), h.dtype)
    for step in range(count):
        t = count - 1 - step if backwards else step
        seen[t, :, :width] = h
        put_step_product(seen, t, 0, weights, summed)
        for n in range(len(h)):
            gate, both = gates[t, n], summed[n, : 2 * width]
            put_sum(gate[: 2 * width], both)
            put_tanh(both, gate[: 2 * width], half, half)
            gate[3 * width :] = summed[n, 2 * width : 3 * width]
            add_gated(gate[:width], gate[3 * width :], gate[2 * width : 3 * width])
            blend(gate[2 * width : 3 * width], gate[width : 2 * width], h[n])
        out[t] = h


@kernel("boolean", "boolean", MATRIX, MATRIX, CUBE, CUBE, CUBE, CUBE)
def gru_steps_back(backwards: Any, used: Any, w_hh: Any, dh: Any, d: Any, gates: Any, seen: Any, given: Any) -> None:
    """`used` says whether `given` holds gradients of the outputs."""
    width, count, weights = dh.shape[1], len(d), lined(w_hh)
    sent = np.empty((rounded(len(dh), ROWS), weights.shape[1]), dh.dtype)
    for step in range(count):
        t = count - 1 - step if backwards else step
        if used:
            dh += given[t]
        for k in range(len(dh)):
            gate, row = gates[t, k], d[t, k]
            r, z = gate[:width], gate[width : 2 * width]
            n, q = gate[2 * width : 3 * width], gate[3 * width :]
            put_new_back(n, z, dh[k], row[:width])
            put_sigmoid_back(r, q, row[:width], row[width : 2 * width])
            put_kept_back(z, seen[t, k, :width], n, dh[k], row[2 * width : 3 * width])
            put_product(row[:width], r, row[3 * width :])
            put_product(dh[k], z, dh[k])
        put_step_product(d, t, width, weights, sent)
        dh += sent[: len(dh), :width]


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
    lstm_steps(backwards, beside, h, c, *rows)
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
    lstm_steps_back(backwards, used, w_hh, dh, dc, *rows)
    return True


def gru_advance(h: Any, gates: Any, seen: Any, out: Any, *, weight: Any, **more: Any) -> Any:
    backwards, rows = _in_memory_order(gates, seen, out)
    if not h.size or not suits(h, weight, *rows):
        return None
    gru_steps(backwards, weight, h, *rows)
    return True


def gru_retreat(dh: Any, d: Any, gates: Any, seen: Any, given: Any, *, w_hh: Any) -> Any:
    used = given.__class__ is np.ndarray
    backwards, rows = _in_memory_order(d, gates, seen, *([given] if used else []))
    rows = [*rows[:3], np.ascontiguousarray(rows[3]) if used else rows[0]]
    if not dh.size or not suits(dh, w_hh, *rows):
        return None
    gru_steps_back(backwards, used, w_hh, dh, *rows)
    return True
