"""Recurrent cells of a program that share their weights, run in buffers that hold all of their steps.

NOTE [Cells in one buffer]
A step of an unrolled LSTM or GRU is many calls on tiny arrays, whose fixed costs add up. What all steps need (the
weights side by side, turned, with the ½ of the sigmoids in them, see NOTE [Whole sequences]) is made once. Each step
has its place in buffers for all of them, so that backward computes all slopes at once, a step back is six calls, and
one product in the end gives the gradients of the weights over the whole sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.recurrent import beside
from nbautograd.ops.recurrent_gru import slopes as gru_slopes


class Cells:
    """Steps of cells with the same weights; `begin` comes first in every run."""

    STATES: int

    def __init__(self, steps: int, x: Any, h: Any, dtype: Any) -> None:
        (size, inputs), hidden = x, h[1]
        self.size, self.hidden = size, hidden
        self.seen = np.empty((steps, size, hidden + inputs + 1), dtype)
        self.seen[..., -1] = 1
        self.gates = np.empty((steps, size, 4 * hidden), dtype)
        self.d = np.empty((steps, size, 4 * hidden), dtype)
        self.slope = np.empty((steps, size, 4 * hidden), dtype)
        self.dh = np.empty((steps, size, hidden), dtype)
        self.free = np.empty((size, hidden), dtype)
        self.turned = False

    def begin(self, w_ih: Any, w_hh: Any, *biases: Any) -> None:
        """The weights of this run."""
        self.w_ih, self.w_hh, self.biased, self.turned = w_ih, w_hh, bool(biases), False
        self._prepare(w_ih, w_hh, biases)

    def _prepare(self, w_ih: Any, w_hh: Any, biases: Any) -> None:
        raise NotImplementedError

    def _columns(self, *parts: Any) -> Any:
        """What `seen` is multiplied by, from its transpose; zeros where there are no biases."""
        found = beside(*parts)
        if found.shape[1] < self.seen.shape[2]:
            found = beside(found, np.zeros(len(found), found.dtype))
        return found

    def _sums(self) -> Any:
        """Σ over all steps of the gates' gradients times what they looked at."""
        return self.d.reshape(-1, self.d.shape[2]).T @ self.seen.reshape(-1, self.seen.shape[2])

    def _by_gate(self, a: Any) -> Any:
        return a.reshape((*a.shape[:2], 4, self.hidden))


class LstmCells(Cells):
    """Steps of an LSTM cell."""

    STATES = 2

    def __init__(self, steps: int, x: Any, h: Any, dtype: Any) -> None:
        super().__init__(steps, x, h, dtype)
        width, n = self.hidden, self.hidden + x[1]
        self.scale = np.full(4 * width, 0.5, dtype)
        self.scale[2 * width : 3 * width] = 1
        self.rest = np.broadcast_to(1 - self.scale, (self.size, 4 * width)).copy()
        self.scales = np.broadcast_to(self.scale, self.rest.shape).copy()
        self.memory = np.empty((steps + 1, self.size, width), dtype)
        self.before = np.empty((steps, self.size, width), dtype)
        self.shown, self.out, self.dc = (np.empty((steps, self.size, width), dtype) for _ in range(3))
        gate, slope, d = (self._by_gate(a) for a in (self.gates, self.slope, self.d))
        self.forth = [
            (self.seen[t, :, :width], self.seen[t, :, width:n], self.seen[t], self.gates[t], gate[t, :, 0],
             gate[t, :, 1], gate[t, :, 2], gate[t, :, 3], self.before[t], self.memory[t], self.shown[t], self.out[t])
            for t in range(steps)
        ]  # fmt: skip
        self.through = np.empty((steps, self.size, width), dtype)
        self.back_rows = [
            (self.through[t], slope[t, :, :3], slope[t, :, 3], gate[t, :, 1], d[t, :, :3], d[t, :, 3], self.d[t],
             self.dh[t], self.dc[t])
            for t in range(steps)
        ]  # fmt: skip
        self.spread = self.free[:, None]

    def _prepare(self, w_ih: Any, w_hh: Any, biases: Any) -> None:
        bias = biases[0] + biases[1] if biases else None
        self.weight = np.ascontiguousarray((self._columns(w_hh, w_ih, bias) * self.scale[:, None]).T)

    def step(self, t: int, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
        """The states after step `t`."""
        now, given, seen, gates, i, f, g, o, before, memory, shown, out = self.forth[t]
        now[...] = h
        given[...] = x
        before[...] = c
        np.dot(seen, self.weight, gates)
        np.tanh(gates, gates)
        np.multiply(gates, self.scales, gates)
        np.add(gates, self.rest, gates)
        np.multiply(f, c, memory)
        np.multiply(i, g, self.free)
        np.add(memory, self.free, memory)
        np.tanh(memory, shown)
        np.multiply(o, shown, out)
        return out, memory

    def _turn(self) -> None:
        """What does not depend on the gradient, for all steps at once."""
        self.turned = True
        gates, slope = self._by_gate(self.gates), self._by_gate(self.slope)
        i, g, o = gates[:, :, 0], gates[:, :, 2], gates[:, :, 3]
        np.multiply(gates, gates, slope)
        np.subtract(gates[:, :, :2], slope[:, :, :2], slope[:, :, :2])
        np.subtract(1, slope[:, :, 2], slope[:, :, 2])
        np.subtract(o, slope[:, :, 3], slope[:, :, 3])
        slope[:, :, 0] *= g
        slope[:, :, 1] *= self.before
        slope[:, :, 2] *= i
        slope[:, :, 3] *= self.shown
        np.multiply(self.shown, self.shown, self.through)
        np.subtract(1, self.through, self.through)
        self.through *= o

    def back(self, t: int, dh: Any, dc: Any) -> tuple[Any, Any]:
        """From the gradients of the states after step `t` to those of the states before."""
        if not self.turned:
            self._turn()
        through, slope, slope_o, f, d, d_o, all_d, dh_before, dc_before = self.back_rows[t]
        free = self.free
        if dh is None:
            free[...] = dc
            d_o[...] = 0
        else:
            np.multiply(through, dh, free)
            if dc is not None:
                np.add(free, dc, free)
            np.multiply(slope_o, dh, d_o)
        np.multiply(slope, self.spread, d)
        np.multiply(free, f, dc_before)
        np.dot(all_d, self.w_hh, dh_before)
        return dh_before, dc_before

    def to_input(self, t: int) -> Any:
        """The gradient of the input of step `t`."""
        return self.d[t] @ self.w_ih

    def weights(self) -> tuple[Any, ...]:
        """The gradients of w_ih, w_hh and their biases, over all steps."""
        n, found = self.hidden, self._sums()
        bias = [found[:, -1].copy(), found[:, -1].copy()] if self.biased else []
        return found[:, n:-1].copy(), found[:, :n].copy(), *bias


class GruCells(Cells):
    """Steps of a GRU cell. The gates are r, z, n and q; the gradients in `d` those of n, r, z and q."""

    STATES = 1

    def __init__(self, steps: int, x: Any, h: Any, dtype: Any) -> None:
        super().__init__(steps, x, h, dtype)
        width, n = self.hidden, self.hidden + x[1]
        self.out = np.empty((steps, self.size, width), dtype)
        gate, slope, d = (self._by_gate(a) for a in (self.gates, self.slope, self.d))
        self.forth = [
            (self.seen[t, :, :width], self.seen[t, :, width:n], self.seen[t], self.gates[t],
             self.gates[t, :, : 2 * width], gate[t, :, 0], gate[t, :, 1], gate[t, :, 2], gate[t, :, 3], self.out[t])
            for t in range(steps)
        ]  # fmt: skip
        self.back_rows = [
            (slope[t, :, 0::2], slope[t, :, 1], gate[t, :, 0], gate[t, :, 1], d[t, :, 0::2], d[t, :, 0], d[t, :, 1],
             d[t, :, 3], self.d[t, :, width:], self.dh[t])
            for t in range(steps)
        ]  # fmt: skip

    def _prepare(self, w_ih: Any, w_hh: Any, biases: Any) -> None:
        n = 2 * self.hidden
        b_ih: Any
        b_hh: Any
        b_ih, b_hh = biases or (None, None)
        both = self._columns(w_hh[:n], w_ih[:n], b_ih[:n] + b_hh[:n] if biases else None) * w_hh.dtype.type(0.5)
        inputs = self._columns(np.zeros_like(w_hh[n:]), w_ih[n:], b_ih[n:] if biases else None)
        state = self._columns(w_hh[n:], np.zeros_like(w_ih[n:]), b_hh[n:] if biases else None)
        self.weight = np.ascontiguousarray(np.concatenate([both, inputs, state]).T)

    def step(self, t: int, x: Any, h: Any) -> Any:
        """The state after step `t`."""
        now, given, seen, gates, both, r, z, n, q, out = self.forth[t]
        now[...] = h
        given[...] = x
        np.dot(seen, self.weight, gates)
        np.tanh(both, both)
        np.multiply(both, 0.5, both)
        np.add(both, 0.5, both)
        np.multiply(r, q, self.free)
        np.add(n, self.free, n)
        np.tanh(n, n)
        np.subtract(h, n, out)
        np.multiply(out, z, out)
        np.add(out, n, out)
        return out

    def _turn(self) -> None:
        """What does not depend on the gradient, for all steps at once."""
        self.turned = True
        rows = -1, 4 * self.hidden
        states = self.seen.reshape(-1, self.seen.shape[2])[:, : self.hidden]
        gru_slopes(self.slope.reshape(rows), self.gates.reshape(rows), states)

    def back(self, t: int, dh: Any) -> Any:
        """From the gradient of the state after step `t` to that of the state before."""
        if not self.turned:
            self._turn()
        slope, slope_r, r, z, d, dn, dr, dq, to_state, dh_before = self.back_rows[t]
        np.multiply(slope, dh[:, None], d)
        np.multiply(slope_r, dn, dr)
        np.multiply(dn, r, dq)
        np.dot(to_state, self.w_hh, dh_before)
        np.multiply(dh, z, self.free)
        np.add(dh_before, self.free, dh_before)
        return dh_before

    def _to_inputs(self, a: Any) -> Any:
        """Of what stands for n, r, z and q, that for r, z and n."""
        n = self.hidden
        return np.concatenate([a[..., n : 3 * n], a[..., :n]], axis=-1)

    def to_input(self, t: int) -> Any:
        """The gradient of the input of step `t`."""
        return self._to_inputs(self.d[t]) @ self.w_ih

    def weights(self) -> tuple[Any, ...]:
        """The gradients of w_ih, w_hh and their biases, over all steps."""
        n, found = self.hidden, self._sums()
        inputs, state = self._to_inputs(found.T).T, found[n:]
        biases = [inputs[:, -1].copy(), state[:, -1].copy()] if self.biased else []
        return inputs[:, n:-1].copy(), state[:, :n].copy(), *biases
