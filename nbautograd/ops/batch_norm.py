"""Batch normalisation: each channel brought to mean zero and variance one over the batch, in one node."""

from __future__ import annotations

from typing import Any

from nbautograd.core import inplace
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.elementwise.fused import LerpNumber
from nbautograd.ops.norm import as_given, as_parameters, channel_sums, input_gradient, others, second_gradient
from nbautograd.ops.samples import Make, through

_SHAPES = ((4, 3), (2, 1), (3, 2, 4), (2, 3, 2, 2), (5, 1, 3), (2, 2, 1, 3, 2), (1, 3, 4), (6, 2), (3, 3, 1, 2))


def _batches(make: Make) -> Any:
    for shape in _SHAPES:
        c = shape[1]
        yield make(*shape), None, None, make(c), make(c), {"training": True}
        yield make(*shape), None, None, None, None, {"training": True, "eps": 0.1}
        yield make(*shape), make.fixed(c), make.fixed(c, low=0.5), make(c), None, {"training": True, "momentum": 0.3}


def _evaluated(make: Make) -> Any:
    for shape in _SHAPES:
        c = shape[1]
        yield make(*shape), make.fixed(c), make.fixed(c, low=0.5), make(c), make(c)
        yield make(*shape), make.fixed(c), make.fixed(c, low=0.5)
        yield make(*shape), make.fixed(c), make.fixed(c, low=0.5), make(c), None, {"eps": 0.1}


def spread(v, x):
    """One number per channel in a shape that broadcasts against `x`."""
    return v.reshape((1, x.shape[1]) + (1,) * (x.ndim - 2))


def channel_means(x, y=None):
    """The mean of each channel of `x`, or of its products with `y`."""
    sums = xp.sum(x, axis=others(x)) if y is None else channel_sums(x, y)
    return sums / x.dtype.type(max(1, x.size // max(1, x.shape[1])))


class BatchNorm(Op):
    """Each channel brought to mean zero and variance one over the batch, then scaled and shifted.

    Math: out = (x − mean) / √(var + eps) · w + b, mean and var of each channel
    Shape: x (N, C, …), w (C,), b (C,) → (N, C, …)
    Source: Ioffe, Szegedy: Batch Normalization (2015), algorithm 1
    """

    node_name = "NativeBatchNormBackward0"
    promote = "none"
    aux = ("normal", "rstd", "mean", "var")
    samples = through("batch_norm", _batches)

    def forward(x, w, b, *, eps=1e-5):
        mean = channel_means(x)
        normal = x - spread(mean, x)
        var = channel_means(normal, normal)
        rstd = spread(1 / xp.sqrt(var + x.dtype.type(eps)), x)
        normal *= rstd
        out = normal.copy() if w is None else normal * spread(w, x)
        if b is not None:
            out += spread(b, x)
        return out, normal, rstd, mean, var

    def dx(g, x, w, normal, rstd, eps):
        return xp.batch_norm_backward(g, x, w, normal=normal, rstd=rstd, eps=eps)

    def dw(g, x, normal, eps):
        return channel_sums(g, xp.known_normal(x, normal=normal, axes=others(x), eps=eps))

    def db(g):
        return xp.sum(g, axis=others(g))


class BatchNormBackward(Op):
    """The gradient of batch normalisation with respect to its input.

    Math: rstd · (gw − mean(gw) − x̂ · mean(gw · x̂)), where gw = g · w
    """

    promote = "none"

    def forward(x_g, x, w, *, normal, rstd, eps):
        found = normal * spread(-channel_means(x_g, normal), x)
        found += x_g
        found -= spread(channel_means(x_g), x)
        found *= rstd if w is None else rstd * spread(w, x)
        return found

    def dx_g(g, x, w, eps):
        back = input_gradient(g, x, others(x), eps)
        return back if w is None else back * spread(w, x)

    def dw(g, x_g, x, eps):
        return xp.sum(x_g * input_gradient(g, x, others(x), eps), axis=others(x))

    def dx(g, x_g, x, w, eps):
        return second_gradient(g, x_g if w is None else x_g * spread(w, x), x, others(x), eps)


class BatchNormApplied(Op):
    """Each channel shifted and scaled by figures that were kept in training.

    Math: out = (x − mean) / √(var + eps) · w + b
    """

    node_name = "NativeBatchNormBackward0"
    promote = "none"
    samples = through("batch_norm", _evaluated)

    def forward(x, mean, var, w, b, *, eps=1e-5):
        scale = 1 / xp.sqrt(var + x.dtype.type(eps))
        scale = scale if w is None else scale * w
        out = x * spread(scale, x)
        out += spread(-mean * scale if b is None else b - mean * scale, x)
        return out

    def dx(g, var, w, eps):
        scale = (var + eps) ** -0.5
        return g * spread(scale if w is None else scale * w, g)

    def dw(g, x, mean, var, eps):
        return channel_sums(g, x - spread(mean, x)) * (var + eps) ** -0.5

    def db(g):
        return xp.sum(g, axis=others(g))


@public(top=False, method=False, functional=True)
def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Each channel brought to mean zero and variance one: over the batch in training, by running figures else.

    Raises: ValueError when a channel has one value only to train on.
    """
    if not training:
        for name, figure in (("mean", running_mean), ("var", running_var)):
            if figure is None:
                raise RuntimeError(f"running_{name} must be defined in evaluation mode")
        x = as_parameters(input, weight, bias, running_mean, running_var)
        return as_given(input, BatchNormApplied.call(x, running_mean, running_var, weight, bias, eps=eps))
    x = as_parameters(input, weight, bias)
    count = input.numel() // max(1, input.shape[1])
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    out, _, _, mean, var = BatchNorm.call(x, weight, bias, eps=eps)
    with no_grad():
        if running_mean is not None:
            inplace.apply(LerpNumber, running_mean, mean, weight=momentum)
        if running_var is not None:
            inplace.apply(LerpNumber, running_var, var * (count / max(1, count - 1)), weight=momentum)
    return as_given(input, out)
