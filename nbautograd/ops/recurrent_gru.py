"""GRU: a whole sequence, or one step, in one node."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.fast import serve
from nbautograd.ops.fused import by_steps
from nbautograd.ops.recurrent import (
    as_rows,
    beside,
    block,
    column_sums,
    dtype_error,
    given_in_steps,
    in_steps,
    like_rows,
    linear,
    runs,
    sequence_by_steps,
    sequences,
    single_steps,
    start_of,
)
from nbautograd.ops.samples import through


class Gru(Op):
    """A layer of gated recurrent units over whole sequences; see NOTE [Whole sequences].

    The candidate sees the state through the gate r, so what the state brings it, q, is kept beside the gates, and the
    inputs have a product of their own.

    Math: r, z = σ(W x + U h + b), q = U_n h + b_n, n = tanh(W_n x + r ∘ q), h' = n + z ∘ (h − n)
    Shape: x (T, N, I) or rows of a packed sequence, h (N, H) → (T, N, H), h (N, H)
    Source: Cho et al. 2014, *Learning phrase representations using RNN encoder–decoder*.
    """

    node_name = "StackBackward0"
    title = "gru"
    variadic = True
    outputs = 2
    promote = "same"
    aux = ("seen", "gates")
    tex = {"xs": "\\text{back through time}"}
    samples = through("", sequences(3, 1))

    def forward(*xs, sizes, reverse=False, bias=True, needs=None):
        x, h, w_ih, w_hh, *biases = xs
        h, hidden = xp.array(h), h.shape[1]
        half = halves(len(w_ih), x.dtype)
        weight = xp.ascontiguousarray((beside(w_hh, biases[1] if bias else None) * half[:, None]).T)
        seen = xp.empty((sum(sizes), hidden + bias), x.dtype)
        seen[:, hidden:] = 1
        gates = xp.empty((len(seen), 4 * hidden), x.dtype)
        gates[:, : 3 * hidden] = as_rows(x) @ (w_ih * half[:, None]).T
        if bias:
            gates[:, : 3 * hidden] += biases[0] * half
        out = xp.empty((len(seen), hidden), x.dtype)
        product, room = xp.empty((len(h), 3 * hidden), x.dtype), xp.empty(h.shape, x.dtype)
        for run in runs(sizes, reverse):
            rows, first = [in_steps(a, run, reverse) for a in (gates, seen, out)], slice(run.size)
            gru_advance(h[first], *rows, weight=weight, product=product[first], free=room[first])
        return like_rows(out, x), h, seen, gates

    def dxs(g, xs, seen, gates, sizes, reverse, bias, needs):
        return xp.gru_backward(g, *xs, seen=seen, gates=gates, sizes=sizes, reverse=reverse, bias=bias, needs=needs)

    def refuse(*xs, **settings):
        return dtype_error(xs)


def gru_advance(h, gates, seen, out, *, weight, product, free):
    """The steps of a run, in the order in which they lie: into `h` comes the last state."""
    hidden = h.shape[1]
    for gate, view, now in zip(gates, seen, out):
        view[:, :hidden] = h
        xp.dot(view, weight, product)
        both = gate[:, : 2 * hidden]
        both += product[:, : 2 * hidden]
        xp.tanh(both, both)
        both *= 0.5
        both += 0.5
        r, z, n, q = quarters(gate)
        q[...] = product[:, 2 * hidden :]
        n += xp.multiply(r, q, free)
        xp.tanh(n, n)
        h -= n
        h *= z
        h += n
        now[...] = h


gru_advance = serve("gru_advance", gru_advance, at=1)


def halves(width, dtype):
    """What goes into the weights of r, z and n: ½ for sigmoids."""
    found = xp.full(width, 0.5, dtype)
    found[width // 3 * 2 :] = 1
    return found


def quarters(gates):
    n = gates.shape[-1] // 4
    return gates[..., :n], gates[..., n : 2 * n], gates[..., 2 * n : 3 * n], gates[..., 3 * n :]


class GruBackward(Op):
    """Back through time: the gradients of a GRU layer.

    Math: ∂n = ∂h ∘ (1 − z) ∘ (1 − n²), ∂r = ∂n ∘ q ∘ r (1 − r), ∂z = ∂h ∘ (h₋ − n) ∘ z (1 − z), ∂q = ∂n ∘ r;
        ∂h₋ = ∂h ∘ z + [∂r ∂z ∂q] U
    """

    variadic = True
    outputs = None
    promote = "none"

    def forward(g, *xs, seen, gates, sizes, reverse, bias, needs):
        x, h, w_ih, w_hh = xs[:4]
        dh, hidden, back = start_of(g[1], h), h.shape[1], not reverse
        d = xp.empty(gates.shape, gates.dtype)
        for run in runs(sizes, back, block(sizes, gates.shape[1])):
            d_rows, gate_rows, seen_rows = (in_steps(a, run, back) for a in (d, gates, seen))
            gru_retreat(dh[: run.size], d_rows, gate_rows, seen_rows, given_in_steps(g[0], run, back), w_hh=w_hh)
        to_inputs = xp.concatenate([d[:, hidden : 3 * hidden], d[:, :hidden]], axis=1)
        dx, d_ih, *biases = shares(x, w_ih, to_inputs, needs, bias)
        if needs and not needs[1]:
            return (dx, dh, *[None] * (len(xs) - 2))
        d_hh = d[:, hidden:].T @ seen
        return (dx, dh, d_ih, d_hh[:, :hidden], *biases, *([d_hh[:, -1]] if bias else []))


def gru_retreat(dh, d, gates, seen, given, *, w_hh):
    """Back through the steps of a run: into `d` come the gradients of the gates' inputs."""
    hidden = dh.shape[1]
    slopes(d, gates, seen[..., :hidden])
    for d_now, gate, out in zip(d, gates, given):
        if out is not None:
            dh += out
        r, z, _, _ = quarters(gate)
        send(d_now, dh, r)
        dh *= z
        dh += xp.dot(d_now[:, hidden:], w_hh)


gru_retreat = serve("gru_retreat", gru_retreat, at=1)


def slopes(d, gates, h):
    """Into `d` the derivatives by the gates' inputs, side by side those of n, r, z and q: the last three meet U."""
    r, z, n, q = quarters(gates)
    dn, dr, dz, _ = quarters(d)
    xp.multiply(n, n, dn)
    xp.subtract(1, dn, dn)
    xp.subtract(1, z, dz)
    dn *= dz
    dz *= z
    dz *= h - n
    xp.subtract(1, r, dr)
    dr *= r
    dr *= q


def send(d, dh, r):
    """Multiply the slopes in `d` by the gradient of the new state."""
    dn, dr, dz, dq = quarters(d)
    dn *= dh
    dz *= dh
    dr *= dn
    xp.multiply(dn, r, dq)


def shares(x, w_ih, d, needs, bias):
    """The gradients of the inputs, of their weights and of their bias, from those of the gates' inputs, `d`."""
    for_input, for_weights = needs or (True, True)
    dx = (d @ w_ih).reshape(x.shape) if for_input else None
    if not for_weights:
        return dx, None
    return (dx, d.T @ as_rows(x), *([column_sums(d)] if bias else []))


def step(driven: Any, h: Any, w_hh: Any, b_hh: Any) -> Any:
    """One step by single ops, from what the input brings to the gates."""
    hidden = h.shape[1]
    r_z, n = driven.split([2 * hidden, hidden], 1)
    from_h, q = linear(h, w_hh, b_hh).split([2 * hidden, hidden], 1)
    r, z = (r_z + from_h).sigmoid().chunk(2, 1)
    n = (n + r * q).tanh()
    return n + z * (h - n)


def gru_by_steps(x: Any, h: Any, w_ih: Any, w_hh: Any, *biases: Any, sizes: Any, reverse: bool, **kept: Any) -> Any:
    """The same by single ops; see NOTE [Second order of kernels]."""
    b_ih, b_hh = biases or (None, None)

    def one(driven: Any, h: Any) -> Any:
        return (step(driven, h, w_hh, b_hh),)

    return sequence_by_steps(one, x, linear(x, w_ih, b_ih), (h,), sizes, reverse)


by_steps("gru_backward", gru_by_steps)


class GruCell(Op):
    """One step of a gated recurrent unit; see `gru`.

    Shape: x (N, I), h (N, H) → h' (N, H)
    """

    node_name = "ThnnFusedGruCellBackward0"
    title = "gru_cell"
    variadic = True
    promote = "same"
    aux = ("gates",)
    tex = {"xs": "\\text{through the gates}"}
    samples = through("", single_steps(3, 1))

    def forward(*xs):
        x, h, w_ih, w_hh, *biases = xs
        hidden = h.shape[1]
        gates = xp.empty((len(x), 4 * hidden), x.dtype)
        gates[:, : 3 * hidden] = x @ w_ih.T
        product = h @ w_hh.T
        if biases:
            gates[:, : 3 * hidden] += biases[0]
            product += biases[1]
        both = gates[:, : 2 * hidden]
        both += product[:, : 2 * hidden]
        both *= 0.5
        xp.tanh(both, both)
        both *= 0.5
        both += 0.5
        r, z, n, q = quarters(gates)
        q[...] = product[:, 2 * hidden :]
        n += r * q
        xp.tanh(n, n)
        out = h - n
        out *= z
        out += n
        return out, gates

    def dxs(g, xs, gates):
        return xp.gru_cell_backward(g, *xs, gates=gates)

    def refuse(*xs, **settings):
        return dtype_error(xs)


class GruCellBackward(Op):
    """The gradients of one step; see `gru_backward`."""

    variadic = True
    outputs = None
    promote = "none"

    def forward(g, *xs, gates):
        x, h, w_ih, w_hh, *biases = xs
        d, hidden = xp.empty(gates.shape, gates.dtype), h.shape[1]
        slopes(d, gates, h)
        r, z, _, _ = quarters(gates)
        send(d, g, r)
        to_inputs = xp.concatenate([d[:, hidden : 3 * hidden], d[:, :hidden]], axis=1)
        to_state = d[:, hidden:]
        dh = to_state @ w_hh
        dh += g * z
        sums = [column_sums(to_inputs), column_sums(to_state)] if biases else []
        return (to_inputs @ w_ih, dh, to_inputs.T @ x, to_state.T @ h, *sums)


def _cell_by_steps(x: Any, h: Any, w_ih: Any, w_hh: Any, *biases: Any, **kept: Any) -> Any:
    b_ih, b_hh = biases or (None, None)
    return step(linear(x, w_ih, b_ih), h, w_hh, b_hh)


by_steps("gru_cell_backward", _cell_by_steps)


@public(method=False)
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a gated recurrent unit: the new state from `input` and the state `hx`."""
    biases = () if b_ih is None or b_hh is None else (b_ih, b_hh)
    return GruCell.call(input, hx, w_ih, w_hh, *biases)[0]
