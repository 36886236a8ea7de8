"""Division by the root of the mean square in one node, on a GPU, as in PyTorch; elsewhere it is a composition."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.ops.norm import SHAPED, leading
from nbautograd.ops.samples import Make, through


def _weighed(make: Make) -> Any:
    for shape, last in SHAPED:
        axes = tuple(range(len(shape) - last, len(shape)))
        yield make(*shape), make(*shape[len(shape) - last :]), {"axes": axes, "eps": 1e-5}


def _known(make: Make) -> Any:
    for (x, _, settings), (shape, last) in zip(_weighed(make), SHAPED, strict=True):
        rows = (*shape[: len(shape) - last], *(1,) * last)
        yield x, {"known": make.fixed(*rows), **settings}


class RmsNorm(Op):
    """Each row divided by the root of its mean square, then scaled.

    Math: out = x / √(mean(x²) + eps) · w
    Shape: x (…, D), w (D,) → (…, D)
    Source: Zhang, Sennrich: Root Mean Square Layer Normalization (2019), equation 4
    """

    node_name = "FusedRmsNormBackward0"
    promote = "none"
    aux = ("rstd",)
    samples = through("", _weighed)

    def forward(x, w, *, axes, eps):
        rstd = inverse_root(x, axes, eps)
        return (x * rstd if w is None else x * rstd * w), rstd

    def dx(g, x, w, rstd, axes, eps):
        rstd = xp.known_inverse_root(x, known=rstd, axes=axes, eps=eps)
        g = g if w is None else g * w
        return rstd * g - x * rstd * rstd * rstd * xp.mean(g * x, axis=axes, keepdims=True)

    def dw(g, x, w_shape, rstd, axes, eps):
        rstd = xp.known_inverse_root(x, known=rstd, axes=axes, eps=eps)
        return xp.sum(g * x * rstd, axis=leading(g, w_shape))


class KnownInverseRoot(Op):
    """1 over the root of the mean square of each row, computed already."""

    promote = "none"
    samples = through("", _known, numeric=False, second=False)

    def forward(x, *, known, axes, eps):
        return known

    def dx(g, x, axes, eps):
        n = 1
        for a in axes:
            n *= x.shape[a]
        root = inverse_root(x, axes, eps)
        return x * (-g * root * root * root / max(n, 1))


def inverse_root(x, axes, eps):
    """1 over the root of the mean square of each row."""
    return 1 / xp.sqrt(xp.mean(x * x, axis=axes, keepdims=True) + eps)
