"""Logarithms with care: products that stay 0 at zero, entropy, log-odds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import SHAPES, binary, cases, through, unary
from nbautograd.ops.special.library import special


class Entr(Op):
    """The entropy −x ln x, 0 at zero."""

    node_name = "SpecialEntrBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "-\\ln x - 1"}
    samples = unary(0.2, 3)

    def forward(x):
        return special("entr", x)

    def dx(g, x):
        return g * (-xp.log(x) - 1)


class Xlogy(Op):
    """x ln y, 0 where x is zero."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\ln y", "y": "\\frac{x}{y}"}
    samples = binary(low=0.3)

    def forward(x, y):
        return xp.where(xp.isnan(y), y, xp.where(x == 0, 0, x * xp.log(y)))

    def dx(g, x, y):
        return g * xp.where((x == 0) & (y <= 0), 0, xp.log(y))

    def dy(g, x, y):
        return g * (x / y)


class XlogyOfNumber(Xlogy):
    """A number times ln y."""

    node_name = "XlogyBackward1"
    samples = through("xlogy", lambda make: ((2.5, make(*s, low=0.3)) for s in SHAPES))


class XlogyByNumber(Xlogy):
    """x times the logarithm of a number."""

    node_name = "XlogyBackward2"
    samples = through("xlogy", lambda make: ((make(*s), 2.5) for s in SHAPES))

    def dx(g, x, y):
        log = float(np.log(y))
        return g * log if y > 0 else g * xp.where(x == 0, xp.zeros_like(x), log)


class Xlog1py(Op):
    """x ln(1 + y), 0 where x is zero."""

    node_name = "SpecialXlog1PyBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\ln(1 + y)", "y": "\\frac{x}{1 + y}"}
    samples = binary(low=0.3)

    def forward(x, y):
        return xp.where(xp.isnan(y), y, xp.where(x == 0, 0, x * xp.log1p(y)))

    def dx(g, x, y):
        return g * xp.where((x == 0) & (y <= -1), 0, xp.log1p(y))

    def dy(g, x, y):
        return g * (x / (y + 1))


class Logit(Op):
    """ln(x / (1 − x)), the inverse of the logistic function; `eps` keeps x away from 0 and 1."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{x (1 - x)}"}
    samples = cases(unary(0.1, 0.9), unary(0.1, 0.9, eps=0.2))

    def forward(x, *, eps=None):
        if eps is not None:
            x = xp.minimum(xp.maximum(x, eps), 1 - eps)
        return xp.log(x / (1 - x))

    def dx(g, x, eps):
        slope = 1 / (x * (1 - x))
        if eps is None:
            return g * xp.where((x < 0) | (x > 1), math.nan, slope)
        return g * (((x >= eps) & (x <= 1 - eps)) * slope)


@public()
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln(x / (1 − x)), the inverse of the sigmoid."""
    return Logit.call(input, eps=eps)


@public("logit_")
def logit_(self: Tensor, eps: float | None = None) -> Tensor:
    """Like `logit`, in place."""
    return inplace.apply(Logit, self, eps=eps)


@public("xlogy_", top=False)
def xlogy_(self: Tensor, other: Any) -> Tensor:
    """Like `xlogy`, in place."""
    return inplace.apply(Xlogy if isinstance(other, Tensor) else XlogyByNumber, self, other)


@public()
def xlogy(input: Any, other: Any) -> Tensor:
    """input · ln(other), 0 where `input` is zero."""
    if not isinstance(input, Tensor):
        return XlogyOfNumber.call(input, other)
    return (Xlogy if isinstance(other, Tensor) else XlogyByNumber).call(input, other)
