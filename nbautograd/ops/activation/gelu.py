"""The Gaussian error linear unit, exact and approximated."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.array import ndarray
from nbautograd.core.modes import local
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.activation.rectifiers import refuse_whole_numbers
from nbautograd.ops.samples import SHAPES, through, unary
from nbautograd.ops.special.library import NORMAL_COEFFICIENTS, fast_erf

ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)


ONE_OVER_ROOT_TWO_PI = 1 / math.sqrt(2 * math.pi)


CUBIC = 0.044715


# NOTE [Known slopes]
# The slope of gelu shares its costly part with its value, so forward computes both and saves the slope. The rule reads
# it through an op whose forward merely hands it on: in a first backward that costs nothing, and in a backward that
# records itself the op has a rule of its own, which knows the slope's slope.


class Gelu(Op):
    """Each element times the share of the normal distribution below it.

    Math: out = x · Φ(x)
    """

    elementwise = True
    tex = {"x": "\\Phi(x) + x \\varphi(x)"}
    aux = ("slope",)
    samples = unary()

    def forward(x, *, needs_slope=True):
        return in_blocks(exact, x, needs_slope)

    def dx(g, x, slope):
        return g * xp.gelu_slope(x, slope)


def exact(x, needs_slope):
    """gelu and its slope."""
    share = normal_share(x)
    out = x * share
    if not needs_slope:
        return out, None
    slope = x * x
    slope *= -0.5
    slope = xp.exp(slope)
    slope *= ONE_OVER_ROOT_TWO_PI
    slope *= x
    slope += share
    return out, slope


BLOCK = 1 << 15
"""Elements computed at a time: the many steps of gelu then find them in the cache, and it is three times faster."""


def in_blocks(function, x, needs_slope):
    """`function(x, needs_slope)`, a block of a large array at a time."""
    if x.__class__ is not ndarray or x.size <= BLOCK or not x.flags.c_contiguous:
        return function(x, needs_slope)
    out, slope = xp.empty_like(x), xp.empty_like(x) if needs_slope else None
    flat, flat_out = x.reshape(-1), out.reshape(-1)
    for start in range(0, x.size, BLOCK):
        part = slice(start, start + BLOCK)
        flat_out[part], bend = function(flat[part], needs_slope)
        if slope is not None:
            slope.reshape(-1)[part] = bend
    return out, slope


class GeluSlope(Op):
    """The slope of `gelu`, computed already; see NOTE [Known slopes]."""

    elementwise = True
    samples = through(
        "",
        lambda make: ((make(*s), make.fixed(*s)) for s in SHAPES),
        numeric=False,
        second=False,
    )

    def forward(x, slope):
        return slope

    def dx(g, x):
        return g * density(x) * (2 - x * x)


class GeluTanh(Op):
    """`gelu`, approximated with tanh."""

    node_name = "GeluBackward0"
    elementwise = True
    aux = ("slope",)
    samples = through("gelu", unary(approximate="tanh"))

    def forward(x, *, needs_slope=True):
        return in_blocks(approximate, x, needs_slope)

    def dx(g, x, slope):
        return g * xp.gelu_tanh_slope(x, slope)


def approximate(x, needs_slope):
    """gelu by tanh and its slope."""
    square = x * x
    t = xp.tanh(x * (square * CUBIC + 1) * ROOT_TWO_OVER_PI)
    half = (t + 1) * 0.5
    if not needs_slope:
        return x * half, None
    slope = half + x * (1 - t * t) * (square * (3 * CUBIC) + 1) * (0.5 * ROOT_TWO_OVER_PI)
    return x * half, slope


class GeluTanhSlope(Op):
    """The slope of `gelu` with tanh, computed already; see NOTE [Known slopes]."""

    elementwise = True
    samples = GeluSlope.samples

    def forward(x, slope):
        return slope

    def dx(g, x):
        square = x * x
        t = xp.tanh(x * (square * CUBIC + 1) * ROOT_TWO_OVER_PI)
        inner = (square * (3 * CUBIC) + 1) * ROOT_TWO_OVER_PI
        bend = inner - x * t * inner * inner + x * x * (3 * CUBIC * ROOT_TWO_OVER_PI)
        return g * (1 - t * t) * bend


def normal_share(x: Any) -> Any:
    """Φ(x), the share of the normal distribution below x."""
    share = fast_erf(x, NORMAL_COEFFICIENTS)
    share *= 0.5
    share += 0.5
    return share


def density(x: Any) -> Any:
    """φ(x), the density of the normal distribution."""
    return xp.exp(x * x * -0.5) * ONE_OVER_ROOT_TWO_PI


@public(top=False, method=False, functional=True)
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Each element times the share of the normal distribution below it; `approximate="tanh"` is the older form."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    op = Gelu if approximate == "none" else GeluTanh
    refuse_whole_numbers(op, input)
    return op.call(input, needs_slope=needs_slope(input))[0]


def needs_slope(input: Tensor) -> bool:
    """Whether somebody may ask for the slope."""
    return (input._node is not None and local.grad_enabled) or bool(local.levels)
