"""Sums and products from the beginning."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.reduce.sums import cast_to, cumulative_product
from nbautograd.ops.samples import along


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


@public()
def cumsum(input, dim, *, dtype=None):
    """Sums from the beginning along `dim`."""
    return Cumsum.call(cast_to(input, dtype), dim=canonical_dim(dim, input.ndim))


@public()
def cumprod(input, dim, *, dtype=None):
    """Products from the beginning along `dim`."""
    return Cumprod.call(cast_to(input, dtype), dim=canonical_dim(dim, input.ndim))
