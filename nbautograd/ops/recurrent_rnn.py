"""The simple recurrent network: a whole sequence, or one step, in one node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.fused import by_steps
from nbautograd.ops.recurrent import (
    beside,
    column_sums,
    driven_by,
    dtype_error,
    given_in_steps,
    in_steps,
    like_rows,
    look,
    runs,
    sequence_by_steps,
    sequences,
    shares,
    single_steps,
    start_of,
)
from nbautograd.ops.samples import Make, through


def _of_relu(make: Make) -> Iterator[Any]:
    for *inputs, settings in sequences(1, 1)(make):
        yield *inputs, {**settings, "relu": True}


class Rnn(Op):
    """A simple recurrent layer over whole sequences; see NOTE [Whole sequences].

    Math: h' = tanh(W x + U h + b), or relu instead of tanh
    Shape: x (T, N, I) or rows of a packed sequence, h (N, H) → (T, N, H), h (N, H)
    Source: Elman 1990, *Finding structure in time*.
    """

    node_name = "StackBackward0"
    title = "rnn"
    variadic = True
    outputs = 2
    promote = "same"
    aux = ("seen", "after")
    tex = {"xs": "\\text{back through time}"}
    samples = through("", sequences(1, 1), _of_relu)

    def forward(*xs, sizes, reverse=False, bias=True, relu=False, needs=None):
        x, h, w_ih, w_hh, *biases = xs
        h = xp.array(h)
        weight = xp.ascontiguousarray(beside(w_hh, w_ih, biases[0] + biases[1] if bias else None).T)
        seen, after = look(x, h.shape[1], bias), xp.empty((sum(sizes), h.shape[1]), x.dtype)
        for run in runs(sizes, reverse):
            h_now = h[: run.size]
            for view, now in zip(in_steps(seen, run, reverse), in_steps(after, run, reverse)):
                view[:, : h.shape[1]] = h_now
                xp.dot(view, weight, now)
                bend(now, relu)
                h_now[...] = now
        return like_rows(xp.array(after), x), h, seen, after

    def dxs(g, xs, seen, after, sizes, reverse, bias, relu, needs):
        return xp.rnn_backward(
            g, *xs, seen=seen, after=after, sizes=sizes, reverse=reverse, bias=bias, relu=relu, needs=needs
        )

    def refuse(*xs, **settings):
        return dtype_error(xs)


def bend(x, relu):
    """tanh or relu, in place."""
    if relu:
        xp.maximum(x, 0, out=x)
    else:
        xp.tanh(x, x)


def slope(after, relu):
    """The derivative of tanh or relu, from its result."""
    return xp.astype(after > 0, after.dtype) if relu else 1 - after * after


class RnnBackward(Op):
    """Back through time: the gradients of a simple recurrent layer.

    Math: ∂a = ∂h' ∘ (1 − h'²), ∂h = ∂a U
    """

    variadic = True
    outputs = None
    promote = "none"

    def forward(g, *xs, seen, after, sizes, reverse, bias, relu, needs):
        x, h, w_ih, w_hh = xs[:4]
        dh, d, back = start_of(g[1], h), slope(after, relu), not reverse
        for run in runs(sizes, back):
            h_now = dh[: run.size]
            for d_now, out in zip(in_steps(d, run, back), given_in_steps(g[0], run, back)):
                if out is not None:
                    h_now += out
                d_now *= h_now
                xp.dot(d_now, w_hh, h_now)
        dx, *weights = shares(x, w_ih, d, seen, h.shape[1], needs, bias)
        return (dx, dh, *weights)


def step(driven: Any, h: Any, back: Any, relu: bool) -> Any:
    """One step by single ops, from what the input brings; `back` is Uᵀ."""
    inner = driven + h @ back
    return inner.relu() if relu else inner.tanh()


def rnn_by_steps(
    x: Any, h: Any, w_ih: Any, w_hh: Any, *biases: Any, sizes: Any, reverse: bool, relu: bool, **kept: Any
) -> Any:
    """The same by single ops; see NOTE [Second order of kernels]."""
    back = w_hh.transpose(0, 1)

    def one(driven: Any, h: Any) -> Any:
        return (step(driven, h, back, relu),)

    return sequence_by_steps(one, x, driven_by(x, w_ih, biases), (h,), sizes, reverse)


by_steps("rnn_backward", rnn_by_steps)


def _relu_steps(make: Make) -> Iterator[Any]:
    for inputs in single_steps(1, 1)(make):
        yield *inputs, {"relu": True}


class RnnCell(Op):
    """One step of a simple recurrent network; see `rnn`.

    Shape: x (N, I), h (N, H) → h' (N, H)
    """

    node_name = "TanhBackward0"
    title = "rnn_cell"
    variadic = True
    promote = "same"
    aux = ("after",)
    tex = {"xs": "1 - h'^2"}
    samples = through("", single_steps(1, 1), _relu_steps)

    def forward(*xs, relu=False):
        x, h, w_ih, w_hh, *biases = xs
        out = x @ w_ih.T
        out += h @ w_hh.T
        for b in biases:
            out += b
        bend(out, relu)
        return out, out

    def dxs(g, xs, after, relu):
        return xp.rnn_cell_backward(g, *xs, after=after, relu=relu)

    def refuse(*xs, **settings):
        return dtype_error(xs)


class RnnReluCell(RnnCell):
    """One step of a simple recurrent network with relu."""

    node_name = "ReluBackward0"
    title = "rnn_cell"


class RnnCellBackward(Op):
    """The gradients of one step; see `rnn_backward`."""

    variadic = True
    outputs = None
    promote = "none"

    def forward(g, *xs, after, relu):
        x, h, w_ih, w_hh, *biases = xs
        d = slope(after, relu)
        d *= g
        return (d @ w_ih, d @ w_hh, d.T @ x, d.T @ h, *[column_sums(d)] * len(biases))


def _cell_by_steps(x: Any, h: Any, w_ih: Any, w_hh: Any, *biases: Any, relu: bool, **kept: Any) -> Any:
    return step(driven_by(x, w_ih, biases), h, w_hh.transpose(0, 1), relu)


by_steps("rnn_cell_backward", _cell_by_steps)


@public(method=False)
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a simple recurrent network: the new state from `input` and the state `hx`."""
    biases = () if b_ih is None or b_hh is None else (b_ih, b_hh)
    return RnnCell.call(input, hx, w_ih, w_hh, *biases)[0]


@public(method=False)
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a simple recurrent network with relu: the new state from `input` and the state `hx`."""
    biases = () if b_ih is None or b_hh is None else (b_ih, b_hh)
    return RnnReluCell.call(input, hx, w_ih, w_hh, *biases, relu=True)[0]
