"""LSTM: a whole sequence, or one step, in one node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.fast import serve
from nbautograd.ops.fused import by_steps
from nbautograd.ops.recurrent import (
    beside,
    block,
    column_sums,
    driven_by,
    dtype_error,
    given_in_steps,
    in_steps,
    like_rows,
    linear,
    look,
    runs,
    sequence_by_steps,
    sequences,
    shares,
    single_steps,
    start_of,
)
from nbautograd.ops.samples import Make, through


def _projected(make: Make) -> Iterator[Any]:
    for sizes, width, hidden, out in (((2, 2), 2, 3, 2), ((2, 1, 1), 1, 2, 1), ((1,), 1, 2, 1)):
        rows = (len(sizes), sizes[0]) if sizes[0] == sizes[-1] else (sum(sizes),)
        for bias in (True, False):
            yield (
                make(*rows, width), make(sizes[0], out), make(sizes[0], hidden), make(4 * hidden, width),
                make(4 * hidden, out), *(make(4 * hidden) for _ in range(2 * bias)), make(out, hidden),
                {"sizes": sizes, "bias": bias, "project": True},
            )  # fmt: skip


class Lstm(Op):
    """A layer of long short-term memory over whole sequences; see NOTE [Whole sequences].

    Math: i, f, o = σ(W x + U h + b), g = tanh(…), c' = f ∘ c + i ∘ g, h' = o ∘ tanh c'; with a projection h' = V (…)
    Shape: x (T, N, I) or rows of a packed sequence, h (N, H), c (N, H) → (T, N, H), h (N, H), c (N, H)
    Source: Hochreiter and Schmidhuber 1997, *Long short-term memory*; the gates as in Gers et al. 2000.
    """

    node_name = "MkldnnRnnLayerBackward0"
    title = "lstm"
    variadic = True
    outputs = 3
    promote = "same"
    aux = ("seen", "gates", "memory", "shown")
    tex = {"xs": "\\text{back through time}"}
    samples = through("", sequences(4, 2), _projected)

    def forward(*xs, sizes, reverse=False, bias=True, project=False, needs=None):
        x, h, c, w_ih, w_hh, *biases = xs
        w_hr = biases.pop() if project else None
        h, c = xp.array(h), xp.array(c)
        half = halves(x.dtype)
        weight = beside(w_hh, w_ih, biases[0] + biases[1] if bias else None).reshape((4, c.shape[1], -1)) * half
        weight = xp.ascontiguousarray(weight.swapaxes(1, 2))
        half = xp.array(xp.broadcast_to(half, (4, *c.shape)))
        rest, room = 1 - half, xp.empty(c.shape, x.dtype)
        seen = look(x, h.shape[1], bias)
        gates = xp.empty(len(seen) * len(w_ih), x.dtype)
        memory, shown = xp.empty((len(seen), c.shape[1]), x.dtype), xp.empty((len(seen), c.shape[1]), x.dtype)
        out = xp.empty((len(seen), h.shape[1]), x.dtype)
        for run in runs(sizes, reverse):
            first = slice(run.size)
            rows = gates_of(gates, run, c, reverse), *(in_steps(a, run, reverse) for a in (seen, memory, shown, out))
            scale = half[:, first], rest[:, first]
            advance(h[first], c[first], *rows, weight=weight, scale=scale, free=room[first], w_hr=w_hr)
        return like_rows(out, x), h, c, seen, gates, memory, shown

    def dxs(g, xs, seen, gates, memory, shown, sizes, reverse, bias, project, needs):
        return xp.lstm_backward(
            g,
            *xs,
            seen=seen,
            gates=gates,
            memory=memory,
            shown=shown,
            sizes=sizes,
            reverse=reverse,
            bias=bias,
            project=project,
            needs=needs,
        )

    def refuse(*xs, **settings):
        return dtype_error(xs)


def advance(h, c, gates, seen, memory, shown, out, *, weight, scale, free, w_hr):
    """The steps of a run, in the order in which they lie: into `h` and `c` come the last states."""
    for gate, view, kept, t, now in zip(gates, seen, memory, shown, out):
        view[:, : h.shape[1]] = h
        kept[...] = c
        xp.matmul(view, weight, out=gate)
        xp.tanh(gate, gate)
        gate *= scale[0]
        gate += scale[1]
        i, f, g, o = gate
        c *= f
        c += xp.multiply(i, g, free)
        xp.tanh(c, t)
        if w_hr is None:
            xp.multiply(o, t, h)
        else:
            xp.dot(o * t, w_hr.T, h)
        now[...] = h


advance = serve("lstm_advance", advance, at=2)


def halves(dtype):
    """What the gates i, f, g, o are multiplied by before their tanh and after: ½ for sigmoids, 1 for the candidate."""
    return xp.asarray((0.5, 0.5, 1, 0.5), dtype).reshape((4, 1, 1))


def gates_of(gates, run, like, backwards):
    """The gates of a run step by step, (steps, 4, size, hidden): a view of all `gates`, which lie in a row."""
    width = 4 * like.shape[1]
    part = gates[run.rows.start * width : run.rows.stop * width]
    found = part.reshape((run.steps, 4, run.size, like.shape[1]))
    return found[::-1] if backwards else found


class LstmBackward(Op):
    """Back through time: the gradients of an LSTM layer.

    Math: ∂c += ∂h ∘ o ∘ (1 − tanh² c), ∂i = ∂c ∘ g ∘ i (1 − i), ∂f = ∂c ∘ c₋ ∘ f (1 − f), ∂g = ∂c ∘ i ∘ (1 − g²),
        ∂o = ∂h ∘ tanh c ∘ o (1 − o); ∂c₋ = ∂c ∘ f, ∂h₋ = [∂i ∂f ∂g ∂o] U
    """

    variadic = True
    outputs = None
    promote = "none"

    def forward(g, *xs, seen, gates, memory, shown, sizes, reverse, bias, project, needs):
        h, c, w_hh, w_hr = xs[1], xs[2], xs[4], xs[-1] if project else None
        dh, dc, hidden, back = start_of(g[1], h), start_of(g[2], c), c.shape[1], not reverse
        d = xp.empty((len(seen), 4 * hidden), c.dtype)
        sent: Any = xp.empty((len(d), h.shape[1]), d.dtype) if project else None
        full: Any = xp.empty((len(d), hidden), d.dtype) if project else None
        for run in runs(sizes, back, block(sizes, 4 * hidden)):
            gate, t = gates_of(gates, run, c, back), in_steps(shown, run, back)
            sent_rows = iter(in_steps(sent, run, back) if project else ())
            if project:
                in_steps(full, run, back)[...] = gate[:, 3] * t
            rows = in_steps(memory, run, back), t, in_steps(d, run, back), given_in_steps(g[0], run, back)
            retreat(dh[: run.size], dc[: run.size], gate, *rows, sent_rows, w_hh=w_hh, w_hr=w_hr)
        dx, *weights = shares(xs[0], xs[3], d, seen, h.shape[1], needs, bias)
        projection = [sent.T @ full] if project else []
        return (dx, dh, dc, *weights, *projection)


def retreat(dh, dc, gates, memory, shown, d, given, sent, *, w_hh, w_hr):
    """Back through the steps of a run: into `d` come the gradients of the gates' inputs."""
    slope, through = slopes(gates, memory, shown)
    by_gate = d.reshape((*d.shape[:2], 4, dc.shape[1])).swapaxes(1, 2)
    for slope_now, c_slope, forget, d_now, d_gates, out in zip(slope, through, gates[:, 1], d, by_gate, given):
        if out is not None:
            dh += out
        d_m = dh
        if w_hr is not None:
            next(sent)[...] = dh
            d_m = dh @ w_hr
        c_slope *= d_m
        dc += c_slope
        xp.multiply(slope_now[:3], dc, d_gates[:3])
        xp.multiply(slope_now[3], d_m, d_gates[3])
        dc *= forget
        xp.dot(d_now, w_hh, dh)


retreat = serve("lstm_retreat", retreat, at=2)


def slopes(gates, memory, shown):
    """The derivative of what each gate feeds by the gate's input, and that of the output by the memory.

    `gates` is (steps, 4, size, hidden).
    """
    i, _, g, o = (gates[:, k] for k in range(4))
    found = gates * gates
    di, df, dg, do = (found[:, k] for k in range(4))
    xp.subtract(gates[:, :2], found[:, :2], found[:, :2])
    xp.subtract(o, do, do)
    xp.subtract(1, dg, dg)
    di *= g
    df *= memory
    dg *= i
    do *= shown
    through = shown * shown
    xp.subtract(1, through, through)
    through *= o
    return found, through


def step(driven: Any, h: Any, c: Any, back: Any) -> Any:
    """One step by single ops, from what the input brings to the gates; `back` is Uᵀ."""
    i, f, g, o = (driven + h @ back).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def lstm_by_steps(
    x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, *more: Any, sizes: Any, reverse: bool, project: bool, **kept: Any
) -> Any:
    """The same by single ops; see NOTE [Second order of kernels]."""
    biases, back = more[: len(more) - project], w_hh.transpose(0, 1)

    def projected(driven: Any, h: Any, c: Any) -> Any:
        h, c = step(driven, h, c, back)
        return (linear(h, more[-1]) if project else h), c

    return sequence_by_steps(projected, x, driven_by(x, w_ih, biases), (h, c), sizes, reverse)


by_steps("lstm_backward", lstm_by_steps)


class LstmCell(Op):
    """One step of long short-term memory.

    Math: i, f, o = σ(W x + U h + b), g = tanh(…), c' = f ∘ c + i ∘ g, h' = o ∘ tanh c'
    Shape: x (N, I), h (N, H), c (N, H) → h' (N, H), c' (N, H)
    """

    node_name = "ThnnFusedLstmCellBackward0"
    title = "lstm_cell"
    variadic = True
    outputs = 2
    promote = "same"
    aux = ("gates", "shown")
    tex = {"xs": "\\text{through the gates}"}
    samples = through("", single_steps(4, 2))

    def forward(*xs):
        x, h, c, w_ih, w_hh, *biases = xs
        summed = x @ w_ih.T
        summed += h @ w_hh.T
        for b in biases:
            summed += b
        half = halves(x.dtype)
        gates = summed.reshape((len(x), 4, c.shape[1])).swapaxes(0, 1) * half
        xp.tanh(gates, gates)
        gates *= half
        gates += 1 - half
        i, f, g, o = gates
        c = f * c
        c += i * g
        shown = xp.tanh(c)
        return o * shown, c, gates, shown

    def dxs(g, xs, gates, shown):
        return xp.lstm_cell_backward(g, *xs, gates=gates, shown=shown)

    def refuse(*xs, **settings):
        return dtype_error(xs)


class LstmCellBackward(Op):
    """The gradients of one step; see `lstm_backward`."""

    variadic = True
    outputs = None
    promote = "none"

    def forward(g, *xs, gates, shown):
        x, h, c, w_ih, w_hh, *biases = xs
        (slope,), (dc,) = slopes(gates[None], c[None], shown[None])
        dh = xp.zeros(c.shape, c.dtype) if g[0] is None else g[0]
        dc *= dh
        if g[1] is not None:
            dc += g[1]
        d = xp.empty((len(c), 4 * c.shape[1]), c.dtype)
        back = d.reshape((len(c), 4, c.shape[1])).swapaxes(0, 1)
        xp.multiply(slope[:3], dc, back[:3])
        xp.multiply(slope[3], dh, back[3])
        dc *= gates[1]
        return (d @ w_ih, d @ w_hh, dc, d.T @ x, d.T @ h, *[column_sums(d)] * len(biases))


def _cell_by_steps(x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, *biases: Any, **kept: Any) -> Any:
    return step(driven_by(x, w_ih, biases), h, c, w_hh.transpose(0, 1))


by_steps("lstm_cell_backward", _cell_by_steps)


@public(method=False)
def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of long short-term memory: the new h and c from `input` and `hx`, which is (h, c)."""
    biases = () if b_ih is None or b_hh is None else (b_ih, b_hh)
    return LstmCell.call(input, *hx, w_ih, w_hh, *biases)[:2]
