"""The convolution, its transpose and its gradient by the weights: each one's derivatives are the other two."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.ops.conv.kernels import convolve, correlate, geometry, in_single, spread
from nbautograd.ops.samples import Make, through

# x, w, and what is not 1, 0, 1 and 1
CONVOLVED: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((1, 1, 3, 3), (1, 1, 2, 2), {}),
    ((2, 3, 5, 4), (4, 3, 3, 2), {}),
    ((2, 3, 5, 4), (4, 3, 3, 2), {"stride": 2}),
    ((2, 3, 5, 4), (4, 3, 3, 2), {"stride": (1, 2), "padding": (0, 1)}),
    ((2, 2, 5, 5), (3, 2, 3, 3), {"padding": 1}),
    ((2, 2, 5, 5), (3, 2, 3, 3), {"padding": 2, "stride": 2}),
    ((1, 2, 7, 6), (3, 2, 3, 2), {"dilation": 2}),
    ((1, 2, 7, 6), (3, 2, 3, 2), {"dilation": (1, 3), "padding": (1, 2), "stride": (3, 1)}),
    ((2, 4, 4, 4), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    ((2, 4, 4, 4), (4, 1, 2, 2), {"groups": 4}),
    ((2, 4, 5, 4), (8, 1, 3, 3), {"groups": 4, "stride": 2, "padding": 1}),
    ((2, 3, 4, 4), (5, 3, 1, 1), {}),
    ((2, 3, 4, 4), (5, 3, 1, 1), {"stride": 2}),
    ((0, 2, 4, 4), (3, 2, 3, 3), {}),
    ((2, 5, 6), (3, 2, 3, 2), {"padding": 1}),
)


def _convolved(make: Make) -> Any:
    for x, w, settings in CONVOLVED:
        yield make(*x), make(*w), make(w[0]), settings
        yield make(*x), make(*w), None, settings


def _grown(make: Make) -> Any:
    more = {"stride": 3, "output_padding": (1, 2)}
    for x, w, settings in (*CONVOLVED, ((2, 3, 4, 2), (3, 2, 2, 3), more)):
        weights = (x[-3], w[0] // settings.get("groups", 1), *w[2:])
        yield make(*x), make(*weights), make(w[0]), {**settings, "padding": int("padding" in settings)}


class Convolution(Op):
    """A small window of weights slides over the input; each output is the sum of products under it.

    Math: out[n, o, i] = b[o] + Σ_{c, k} w[o, c, k] · x[n, c, s·i + d·k − p]
    Shape: x (N, C, *size), w (O, C / groups, *kernel), b (O,) → (N, O, *windows)
    Raises: RuntimeError when the channels differ, or the kernel is larger than the input with its border.
    Source: LeCun et al. 1989, *Backpropagation applied to handwritten zip code recognition*
    """

    title = "convolution"
    promote = "same"
    tex = {"x": "w \\star^\\top", "w": "x \\star", "b": "1"}
    samples = through("conv2d", _convolved)

    def forward(x, w, b, *, stride, padding, dilation, groups):
        geo = geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)
        return convolve(*in_single(x, w, b), geo=geo, groups=groups).astype(x.dtype, copy=False)

    def dx(g, w, x_shape, stride, padding, dilation, groups):
        where = {"size": tuple(x_shape[2:]), "stride": stride, "padding": padding, "dilation": dilation}
        return xp.conv_transpose(g, w, None, groups=groups, **where)

    def dw(g, x, w_shape, stride, padding, dilation, groups):
        where = {"kernel": tuple(w_shape[2:]), "stride": stride, "padding": padding, "dilation": dilation}
        return xp.conv_taps(x, g, groups=groups, **where)

    def db(g):
        return xp.sum(g, axis=(0, *range(2, g.ndim)))


class ConvTranspose(Op):
    """Each input adds a small window of weights, scaled, to the output: the gradient of a convolution by its input.

    Math: out[n, o, s·i + d·k − p] += x[n, c, i] · w[c, o, k]
    Shape: x (N, C, *size), w (C, O / groups, *kernel), b (O,) → (N, O, *size′)
    Source: Zeiler et al. 2010, *Deconvolutional networks*
    """

    node_name = "ConvolutionBackward0"
    title = "conv transpose"
    promote = "same"
    tex = {"x": "w \\star", "w": "\\star\\, x", "b": "1"}
    samples = through("conv_transpose2d", _grown)

    def forward(x, w, b, *, size, stride, padding, dilation, groups):
        geo = geometry(size, w.shape[2:], stride, padding, dilation)
        return spread(*in_single(x, w, b), geo=geo, groups=groups).astype(x.dtype, copy=False)

    def dx(g, w, stride, padding, dilation, groups):
        return xp.convolution(g, w, None, stride=stride, padding=padding, dilation=dilation, groups=groups)

    def dw(g, x, w_shape, stride, padding, dilation, groups):
        where = {"kernel": tuple(w_shape[2:]), "stride": stride, "padding": padding, "dilation": dilation}
        return xp.conv_taps(g, x, groups=groups, **where)

    def db(g):
        return xp.sum(g, axis=(0, *range(2, g.ndim)))


def _tapped(make: Make) -> Any:
    for x, w, given in CONVOLVED:
        if len(x) == len(w) and x[0]:
            pairs = {name: given.get(name, plain) for name, plain in (("stride", 1), ("padding", 0), ("dilation", 1))}
            settings = {name: v if isinstance(v, tuple) else (v, v) for name, v in pairs.items()}
            y = (x[0], w[0], *geometry(x[2:], w[2:], **settings).out)
            yield make(*x), make(*y), {"kernel": w[2:], "groups": given.get("groups", 1), **settings}


class ConvTaps(Op):
    """What each weight of a convolution's kernel has met: the gradient of a convolution by its weights.

    Math: out[o, c, k] = Σ_{n, i} y[n, o, i] · x[n, c, s·i + d·k − p]
    """

    node_name = "ConvolutionBackwardBackward0"
    title = "conv taps"
    promote = "same"
    tex = {"x": "\\star^\\top y", "y": "\\star\\, x"}
    samples = through("", _tapped)

    def forward(x, y, *, kernel, stride, padding, dilation, groups):
        geo = geometry(x.shape[2:], kernel, stride, padding, dilation)
        return correlate(*in_single(x, y), geo=geo, groups=groups).astype(x.dtype, copy=False)

    def dx(g, y, x_shape, stride, padding, dilation, groups):
        where = {"size": tuple(x_shape[2:]), "stride": stride, "padding": padding, "dilation": dilation}
        return xp.conv_transpose(y, g, None, groups=groups, **where)

    def dy(g, x, stride, padding, dilation, groups):
        return xp.convolution(x, g, None, stride=stride, padding=padding, dilation=dilation, groups=groups)
