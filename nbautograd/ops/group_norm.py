"""Group normalisation: groups of channels brought to mean zero and variance one in each sample, in one node."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.norm import (
    as_given,
    as_parameters,
    channel_sums,
    input_gradient,
    others,
    row_means,
    row_sums,
    second_gradient,
)
from nbautograd.ops.samples import Make, through

_SHAPES = (
    ((2, 4, 3), 2), ((3, 4), 2), ((2, 3, 2, 2), 3), ((2, 3, 2, 2), 1), ((1, 6, 2), 3), ((2, 4, 1, 3, 2), 2),
    ((0, 4, 3), 2), ((2, 2, 70), 1), ((2, 2, 1, 2), 1),
)  # fmt: skip


def _grouped(make: Make) -> Any:
    for shape, groups in _SHAPES:
        c = shape[1]
        yield make(*shape), groups, make(c), make(c)
        yield make(*shape), groups, {"eps": 0.1}
        yield make(*shape), groups, make(c), {"eps": 1e-3}


def in_groups(x, groups):
    """`x` with a dimension of its own for the groups, and one for all places: (N, groups, channels of each, places)."""
    n, c = x.shape[:2]
    return x.reshape((n, groups, c // groups, math.prod(x.shape[2:])))


def per_group(v, groups):
    """One number per channel in a shape that broadcasts against `in_groups`."""
    return v.reshape((groups, v.shape[0] // groups, 1))


class GroupNorm(Op):
    """Each group of channels of each sample brought to mean zero and variance one, then scaled and shifted.

    Math: out = (x − mean) / √(var + eps) · w + b, mean and var of each group
    Shape: x (N, C, …), w (C,), b (C,) → (N, C, …)
    Source: Wu, He: Group Normalization (2018), equations 1 to 3
    """

    node_name = "NativeGroupNormBackward0"
    promote = "none"
    aux = ("normal", "rstd")
    samples = through("group_norm", _grouped)

    def forward(x, w, b, *, groups, eps=1e-5):
        split = in_groups(x, groups)
        rows = split.reshape((split.shape[0] * groups, split.shape[2] * split.shape[3]))
        normal = rows - row_means(rows)
        rstd = 1 / xp.sqrt(row_means(normal, normal) + x.dtype.type(eps))
        normal *= rstd
        normal = normal.reshape(split.shape)
        out = normal.copy() if w is None else normal * per_group(w, groups)
        if b is not None:
            out += per_group(b, groups)
        return out.reshape(x.shape), normal, rstd.reshape((*split.shape[:2], 1, 1))

    def dx(g, x, w, normal, rstd, groups, eps):
        return xp.group_norm_backward(g, x, w, normal=normal, rstd=rstd, groups=groups, eps=eps)

    def dw(g, x, normal, groups, eps):
        known = xp.known_normal(in_groups(x, groups), normal=normal, axes=(2, 3), eps=eps)
        return channel_sums(g, known.reshape(tuple(g.shape)))

    def db(g):
        return xp.sum(g, axis=others(g))


class GroupNormBackward(Op):
    """The gradient of group normalisation with respect to its input.

    Math: rstd · (gw − mean(gw) − x̂ · mean(gw · x̂)), where gw = g · w, the means those of groups
    """

    promote = "none"

    def forward(x_g, x, w, *, normal, rstd, groups, eps):
        g = in_groups(x_g, groups)
        w = xp.ones((1, 1, 1), g.dtype) if w is None else per_group(w, groups)
        scale = rstd * w
        share = rstd / g.dtype.type(max(1, g.shape[2] * g.shape[3]))
        found = normal * (in_each_group(g, w, normal) * -share)
        found += g * scale
        found -= in_each_group(g, w) * share
        return found.reshape(x.shape)

    def dx_g(g, x, w, groups, eps):
        back = input_gradient(in_groups(g, groups), in_groups(x, groups), (2, 3), eps)
        return (back if w is None else back * per_group(w, groups)).reshape(tuple(g.shape))

    def dw(g, x_g, x, groups, eps):
        back = input_gradient(in_groups(g, groups), in_groups(x, groups), (2, 3), eps)
        return channel_sums(x_g, back.reshape(tuple(g.shape)))

    def dx(g, x_g, x, w, groups, eps):
        gw = in_groups(x_g, groups)
        gw = gw if w is None else gw * per_group(w, groups)
        return second_gradient(in_groups(g, groups), gw, in_groups(x, groups), (2, 3), eps).reshape(tuple(g.shape))


def in_each_group(g, w, y=None):
    """The sum of each group of `g`, or of its products with `y`, each channel times its number of `w`."""
    rows = (g.shape[0] * g.shape[1] * g.shape[2], g.shape[3])
    sums = row_sums(g.reshape(rows), None if y is None else y.reshape(rows))
    return (sums.reshape((*g.shape[:3], 1)) * w).sum(2, keepdims=True)


@public(top=True, method=False, functional=True)
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Each sample brought to mean zero and variance one over groups of channels, then scaled and shifted.

    Raises: RuntimeError when the channels cannot be divided into the groups.
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    n, channels, *rest = input.shape
    if channels % num_groups != 0:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    if math.prod((n * channels // num_groups, *rest)) == 1:
        sizes = [n * channels // num_groups, num_groups, *rest]
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {sizes}")
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None and tuple(given.shape) != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(given.shape)} and input of shape {list(input.shape)}"
            )
    if input._data.dtype.kind in "biu":
        raise NotImplementedError(f"\"GroupNormKernelImpl\" not implemented for '{input.dtype.tensor_type}'")
    x = as_parameters(input, weight, bias)
    return as_given(input, GroupNorm.call(x, weight, bias, groups=num_groups, eps=eps)[0])
