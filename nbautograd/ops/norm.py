"""Normalisation: layers that bring activations to mean zero and variance one, each in one node."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.dtype import bfloat16, float16
from nbautograd.core.modes import local
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import Make, cases, through

SHAPED = (
    ((2, 3), 1), ((4,), 1), ((2, 3, 4), 1), ((2, 3, 4), 2), ((1, 5), 1), ((3, 2, 2, 2), 3), ((5, 2), 1), ((0, 3), 1),
    ((1, 1), 1), ((2, 1, 2, 3), 2),
)  # fmt: skip


def _normalised(make: Make) -> Any:
    for shape, last in SHAPED:
        form = shape[len(shape) - last :]
        yield make(*shape), form, make(*form), make(*form)
        yield make(*shape), form


def _known(make: Make) -> Any:
    for shape, last in SHAPED:
        yield make(*shape), {"normal": make.fixed(*shape), "axes": tuple(range(-last, 0)), "eps": 1e-5}


class LayerNorm(Op):
    """Each row brought to mean zero and variance one, then scaled and shifted.

    Math: out = (x − mean) / √(var + eps) · w + b
    Shape: x (…, D), w (D,), b (D,) → (…, D)
    Source: Ba, Kiros, Hinton: Layer Normalization (2016), equation 4
    """

    node_name = "NativeLayerNormBackward0"
    promote = "none"
    aux = ("normal", "rstd")
    samples = cases(_normalised)

    def forward(x, w, b, *, axes, eps=1e-5):
        normal = in_rows(x, axes)
        normal = normal - row_means(normal)
        rstd = 1 / xp.sqrt(row_means(normal, normal) + x.dtype.type(eps))
        normal *= rstd
        out = normal.copy() if w is None else normal * w.reshape(-1)
        if b is not None:
            out += b.reshape(-1)
        return out.reshape(x.shape), normal.reshape(x.shape), rstd

    def dx(g, x, w, normal, rstd, axes, eps):
        return xp.layer_norm_backward(g, x, w, normal=normal, rstd=rstd, axes=axes, eps=eps)

    def dw(g, x, w_shape, normal, axes, eps):
        return products_over(leading(g, w_shape), g, xp.known_normal(x, normal=normal, axes=axes, eps=eps))

    def db(g, b_shape):
        return xp.sum(g, axis=leading(g, b_shape))


def products_over(axes, x, y):
    """The sum over the first dimensions `axes` of the products of `x` and `y`."""
    if x.__class__ is not np.ndarray or not axes or not x.size:
        return xp.sum(x * y, axis=axes)
    rows = (math.prod(x.shape[: len(axes)]), -1)
    return np.einsum("ij,ij->j", x.reshape(rows), y.reshape(rows)).reshape(x.shape[len(axes) :])


def leading(g, shape):
    """The dimensions that come before `shape`."""
    return tuple(range(g.ndim - len(shape)))


def in_rows(x, axes):
    """`x` as a matrix whose rows are what is brought to mean zero."""
    count = 1
    for a in axes:
        count *= x.shape[a]
    return x.reshape((x.size // max(1, count), count))


def row_means(x, y=None):
    """The mean of each row, or of each row's products, as a column."""
    return row_sums(x, y) / x.dtype.type(max(1, x.shape[1]))


def row_sums(x, y=None):
    """The sum of each row, or of each row's products, as a column."""
    few = x.size <= SMALL
    if x.__class__ is np.ndarray and x.dtype.char in "fd" and (few or (y is not None and x.shape[1] >= LONG)):
        return np.vecdot(x, np.ones(x.shape[1], x.dtype) if y is None else y)[:, None]
    return xp.sum(x if y is None else x * y, axis=1, keepdims=True)


SMALL = 4096
"""From more elements on it pays to choose among ways."""
LONG = 64
"""From so many elements on a product of two rows is faster than all their elements' products first."""


def channel_sums(x, y):
    """For each channel the sum of the products of `x` and `y`."""
    if isinstance(x, Tensor) or x.size <= SMALL:
        return xp.sum(x * y, axis=others(x))
    n, c = x.shape[:2]
    if x.size == n * c:
        return xp.einsum("ij,ij->j", x.reshape((n, c)), y.reshape((n, c)))
    rows = (n * c, x.size // (n * c))
    return row_sums(x.reshape(rows), y.reshape(rows)).reshape((n, c)).sum(0)


def others(x):
    """All dimensions but the channels'."""
    return (0, *range(2, x.ndim))


class KnownNormal(Op):
    """`x` at mean zero and variance one, computed already."""

    promote = "none"
    samples = through("", _known, numeric=False, second=False)

    def forward(x, *, normal, axes, eps):
        return normal

    def dx(g, x, axes, eps):
        return input_gradient(g, x, axes, eps)


class LayerNormBackward(Op):
    """The gradient of layer normalisation with respect to its input.

    Math: rstd · (gw − mean(gw) − x̂ · mean(gw · x̂)), where gw = g · w
    """

    promote = "none"

    def forward(x_g, x, w, *, normal, rstd, axes, eps):
        found, rows = in_rows(x_g if w is None else x_g * w, axes), in_rows(normal, axes)
        along, first = row_means(found, rows), row_means(found)
        found = found - first if w is None else xp.subtract(found, first, out=found)
        found -= rows * along
        found *= rstd
        return found.reshape(x.shape)

    def dx_g(g, x, w, axes, eps):
        back = input_gradient(g, x, axes, eps)
        return back if w is None else back * w

    def dw(g, x_g, x, w_shape, axes, eps):
        return xp.sum(x_g * input_gradient(g, x, axes, eps), axis=tuple(range(g.ndim - len(w_shape))))

    def dx(g, x_g, x, w, axes, eps):
        return second_gradient(g, x_g if w is None else x_g * w, x, axes, eps)


def second_gradient(g, gw, x, axes, eps):
    """What `g` for the input's gradient of a normalisation, itself for `gw`, is for the input."""
    centred = x - xp.mean(x, axis=axes, keepdims=True)
    rstd = 1 / xp.sqrt(xp.mean(centred * centred, axis=axes, keepdims=True) + eps)
    normal = centred * rstd
    along = xp.mean(gw * normal, axis=axes, keepdims=True)
    first = xp.mean(gw, axis=axes, keepdims=True)
    inner = xp.sum(g * (gw - first - normal * along), axis=axes, keepdims=True)
    across = xp.mean(g * normal, axis=axes, keepdims=True)
    n = 1
    for a in axes:
        n *= x.shape[a]
    d_normal = -rstd * (g * along + gw * across)
    d_rstd = inner
    d_centred = d_normal * rstd
    total = xp.sum(d_normal * centred, axis=axes, keepdims=True) + d_rstd
    d_centred = d_centred - total * rstd * rstd * rstd * centred / n
    return d_centred - xp.mean(d_centred, axis=axes, keepdims=True)


def input_gradient(g, x, axes, eps):
    """The Jacobian of `standard`, which is symmetric, applied to `g`."""
    centred = x - xp.mean(x, axis=axes, keepdims=True)
    rstd = 1 / xp.sqrt(xp.mean(centred * centred, axis=axes, keepdims=True) + eps)
    normal = centred * rstd
    return rstd * (g - xp.mean(g, axis=axes, keepdims=True) - normal * xp.mean(g * normal, axis=axes, keepdims=True))


@public(top=True, method=False, functional=True)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Each row of `normalized_shape` brought to mean zero and variance one, then scaled and shifted.

    Raises: RuntimeError when the shapes do not end alike.
    """
    shape = tuple(normalized_shape) if not isinstance(normalized_shape, int) else (normalized_shape,)
    first = input._data.ndim - len(shape)
    if input._data.shape[first:] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], "
            f"but got input of size{list(input.shape)}"
        )
    if input._data.dtype.kind in "biu":
        raise NotImplementedError(f"\"LayerNormKernelImpl\" not implemented for '{input.dtype.tensor_type}'")
    axes = tuple(range(first, input._data.ndim))
    x = as_parameters(input, weight, bias)
    return as_given(input, LayerNorm.call(x, weight, bias, axes=axes, eps=eps)[0])


def as_parameters(input, *parameters):
    """`input` of half precision in the dtype of the parameters: those of a layer may be float32."""
    others = [p for p in parameters if p is not None and p._data.dtype is not input._data.dtype]
    return input.to(others[0].dtype) if others and input.dtype in (float16, bfloat16) else input


def as_given(input, out):
    """The result `out` of a normalisation, in half precision where `input` was; see `as_parameters`."""
    if out._data.dtype is input._data.dtype or input.dtype not in (float16, bfloat16):
        return out
    return out if local.cast is not None and input.is_cuda else out.to(input.dtype)
