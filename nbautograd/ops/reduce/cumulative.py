"""Running sums, products, maxima and minima: each element with all before it along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, public_in_place
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.reduce.sums import cumulative_product, totalled
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
        return xp.cumsum(x, axis=dim) if x.ndim else x + 0

    def dx(g, dim):
        return xp.flip(xp.cumsum(xp.flip(g, dim), axis=dim), dim) if g.ndim else g


class Cumprod(Op):
    """Products from the beginning along a dimension.

    Math: outₖ = Πᵢ≤ₖ xᵢ
    """

    tex = {"x": "\\prod_{j \\leq k, j \\neq i} x_j"}
    samples = along()

    def forward(x, *, dim):
        return xp.cumprod(x, axis=dim) if x.ndim else x + 0

    def dx(g, x, dim):
        if not g.ndim:
            return g
        n = x.shape[dim]
        moved, up = xp.moveaxis(x, dim, -1), xp.moveaxis(g, dim, -1)
        rows = [xp.ones_like(moved[..., :1]), moved]
        padded = xp.concatenate(rows, axis=-1)
        shares = []
        for i in range(n):  # Σ over k ≥ i of gₖ · Π over j ≤ k, j ≠ i of xⱼ
            head = cumulative_product(padded[..., : i + 1])[..., -1:]
            tail = cumulative_product(xp.concatenate([head, moved[..., i + 1 :]], axis=-1))
            shares.append(xp.sum(tail * up[..., i:], axis=-1, keepdims=True))
        return xp.moveaxis(xp.concatenate(shares, axis=-1), -1, dim)


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
    step = 1
    while step < g.shape[-1]:
        g = xp.concatenate([g[..., :-step] + fade[..., :-step] * g[..., step:], g[..., -step:]], axis=-1)
        fade = xp.concatenate([fade[..., :-step] * fade[..., step:], fade[..., -step:]], axis=-1)
        step *= 2
    return xp.moveaxis(g, -1, dim)


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
    out = xp.moveaxis(x, dim, -1).copy()
    for i in range(1, out.shape[-1]):
        out[..., i] = combine(out[..., i], out[..., i - 1])
    return xp.moveaxis(out, -1, dim)


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
