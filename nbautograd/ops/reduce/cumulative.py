"""Running sums, products, maxima and minima: each element with all before it along a dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, public_in_place
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.elementwise.bounds import kept
from nbautograd.ops.reduce.sums import none_is_zero, totalled
from nbautograd.ops.results import result
from nbautograd.ops.samples import along

ReturnCummax, ReturnCummin = (result(name, "values", "indices") for name in ("cummax", "cummin"))


class Cumsum(Op):
    """Sums from the beginning along a dimension.

    Math: outₖ = Σᵢ≤ₖ xᵢ
    """

    tex = {"x": "[i \\leq k]"}
    samples = along()

    def forward(x, *, dim):
        return sums(x, dim) if x.ndim else x + 0

    def dx(g, dim):
        return sums_from_end(g, dim) if g.ndim else g


class Cumprod(Op):
    """Products from the beginning along a dimension.

    Math: outₖ = Πᵢ≤ₖ xᵢ
    """

    tex = {"x": "\\prod_{j \\leq k, j \\neq i} x_j"}
    samples = along()

    def forward(x, *, dim):
        if not x.ndim:
            return x + 0
        return in_turn(x, xp.multiply, dim) if has_long_rows(x, dim) else xp.cumprod(x, axis=dim)

    def dx(g, x, out, dim):
        if not g.ndim or g.shape[dim] == 1:
            return g
        return sums_from_end(g * out, dim) / x if none_is_zero(x) else shares(g, x, out, dim)


def sums_from_end(g, dim):
    found = sums_of_parts(g, dim, from_end=True)
    return xp.flip(sums(xp.flip(g, dim), dim), dim) if found is None else found


def sums(x, dim):
    if has_long_rows(x, dim):
        return in_turn(x, xp.add, dim)
    found = sums_of_parts(x, dim)
    return xp.cumsum(x, axis=dim) if found is None else found


def sums_of_parts(x, dim, from_end=False):
    """Running sums along a last dimension of whole parts: a triangle's product with each, and what the others add.

    None where there are no such parts, and where not all is finite: 0 · ∞ would get to where it does not belong.
    """
    if x.__class__ is not np.ndarray or x.dtype.char not in "fd" or dim % x.ndim != x.ndim - 1 or x.size <= MANY:
        return None
    part = next((n for n in PARTS if x.shape[-1] % n == 0), None)
    if part is None:
        return None
    triangle = np.tri(part, dtype=x.dtype)
    found = (x.reshape((-1, part)) @ (triangle if from_end else triangle.T)).reshape((*x.shape[:-1], -1, part))
    whole = found[..., 0] if from_end else found[..., -1]
    if not np.isfinite(whole).all():
        return None
    if from_end:
        found[..., :-1, :] += whole[..., :0:-1].cumsum(-1)[..., ::-1, None]
    else:
        found[..., 1:, :] += whole[..., :-1].cumsum(-1)[..., None]
    return found.reshape(x.shape)


MANY = 4096
PARTS = (32, 25, 40, 20)
"""How many elements are added up by one product."""


def has_long_rows(x, dim):
    """Whether rows added at once are faster than what NumPy does: one element after the other along `dim`."""
    return x.__class__ is np.ndarray and x.dtype.kind in "fc" and math.prod(x.shape[dim + 1 :]) >= ROW


ROW = 128
"""Elements that take as long one by one as calls for all of them."""


def shares(g, x, out, dim):
    """What each factor had in its running products, zero or not: Σ over k ≥ i of gₖ · Π over j ≤ k, j ≠ i of xⱼ."""
    x, out = xp.moveaxis(x, dim, -1), xp.moveaxis(out, dim, -1)
    ones = xp.ones_like(x[..., :1])
    before = xp.concatenate([ones, out[..., :-1]], axis=-1)
    after = faded(xp.moveaxis(g, dim, -1), xp.concatenate([x[..., 1:], ones], axis=-1))
    found = before * after
    if not isinstance(g, Tensor):  # what comes after a zero gets none, not even of products without end
        found = kept(found, before != 0)
    return xp.moveaxis(found, -1, dim)


class Logcumsumexp(Op):
    """The logarithm of running sums of exponentials, without overflow.

    Math: outₖ = log Σᵢ≤ₖ eˣⁱ
    """

    promote = "float"
    tex = {"x": "[i \\leq k] \\, e^{x_i - out_k}"}
    samples = along()

    def forward(x, *, dim):
        return running(x, xp.logaddexp, dim) if x.dtype.kind != "c" else in_turn(x, logaddexp_of_complex, dim)

    def dx(g, x, out, dim):
        if not g.ndim:
            return g
        level = xp.where(out == -np.inf, 0, out)
        return xp.exp(x - level) * faded_sums(g, level, dim)


def faded_sums(g, level, dim):
    """Σ over k ≥ i of gₖ · e^(levelᵢ − levelₖ) where `level` never falls: sums from the end that fade on their way.

    By doubling, so that no exponential is large and every step can be differentiated.
    """
    g, level = xp.moveaxis(g, dim, -1), xp.moveaxis(level, dim, -1)
    fade = xp.concatenate([xp.exp(level[..., :-1] - level[..., 1:]), xp.zeros_like(g[..., :1])], axis=-1)
    return xp.moveaxis(faded(g, fade), -1, dim)


def faded(g, fade):
    """Sums from the end of the last dimension, which `fade` multiplies on their way, by doubling."""
    step = 1
    while step < g.shape[-1]:
        g = xp.concatenate([g[..., :-step] + fade[..., :-step] * g[..., step:], g[..., -step:]], axis=-1)
        fade = xp.concatenate([fade[..., :-step] * fade[..., step:], fade[..., -step:]], axis=-1)
        step *= 2
    return g


def running(x, combine, dim):
    """Each element combined with all before it along `dim`, by doubling: as many passes as the length has digits."""
    if not x.ndim:
        return x + 0
    out, step = xp.moveaxis(x, dim, -1), 1
    while step < out.shape[-1]:
        out = xp.concatenate([out[..., :step], combine(out[..., step:], out[..., :-step])], axis=-1)
        step *= 2
    return xp.moveaxis(out, -1, dim) if x.shape[dim] > 1 else x.copy()


def in_turn(x, combine, dim):
    """Each element combined with all before it along `dim`, one after the other."""
    if not x.ndim:
        return x + 0
    out = x.copy()
    rows = xp.moveaxis(out, dim, 0)
    for i in range(1, len(rows)):
        rows[i] = combine(rows[i], rows[i - 1])
    return out


def logaddexp_of_complex(x, y):
    """log(eˣ + eʸ), as many turns round zero as the one with the larger real part has made."""
    first = x.real < y.real
    low, high = xp.where(first, x, y), xp.where(first, y, x)
    same = (high.real == low.real) & xp.isinf(high.real)  # ∞ − ∞
    return xp.where(same, high, high + xp.log1p(xp.exp(xp.where(same, 0, low - high))))


class Cummax(Op):
    """The largest element so far along a dimension, and where it is: the last one of equals."""

    aux = ("indices",)
    tex = {"x": "[i = \\text{indices}_k]"}
    samples = along(distinct=True)

    def forward(x, *, dim):
        return records(x, xp.maximum, dim)

    def dx(g, x_shape, indices, dim):
        return xp.scatter_along(g, indices, shape=x_shape, dim=dim) if len(x_shape) else g


class Cummin(Cummax):
    """The smallest element so far along a dimension, and where it is: the last one of equals."""

    samples = along(distinct=True)

    def forward(x, *, dim):
        return records(x, xp.minimum, dim)


def records(x, better, dim):
    """The best element so far and its position; once there is a NaN, nothing is better."""
    values = running(x, better, dim)
    if not x.ndim:
        return values, xp.zeros((), dtype="int64")
    places = xp.arange(x.shape[dim]).reshape((-1,) + (1,) * (x.ndim - dim - 1))
    return values, running(xp.where((x == values) | (x != x), places, 0), xp.maximum, dim)


@public()
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Sums from the beginning along `dim`."""
    return totalled(Cumsum, input, dtype, dim=canonical_dim(dim, input.ndim))


@public()
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Products from the beginning along `dim`."""
    return totalled(Cumprod, input, dtype, dim=canonical_dim(dim, input.ndim))


@public()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of running sums of exponentials along `dim`, without overflow."""
    return Logcumsumexp.call(input, dim=canonical_dim(dim, input.ndim))


@public()
def cummax(input: Tensor, dim: int) -> Any:
    """The largest element so far along `dim`, and where it is."""
    return ReturnCummax(*Cummax.call(input, dim=canonical_dim(dim, input.ndim)))


@public()
def cummin(input: Tensor, dim: int) -> Any:
    """The smallest element so far along `dim`, and where it is."""
    return ReturnCummin(*Cummin.call(input, dim=canonical_dim(dim, input.ndim)))


public_in_place()(cumsum)
public_in_place()(cumprod)
