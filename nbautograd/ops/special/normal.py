"""The error function and its kin: the normal distribution."""

from __future__ import annotations

import math

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.ops.samples import unary
from nbautograd.ops.special.library import fast_erf, special

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


class Erf(Op):
    """The error function: the share of a normal distribution within ±x√2 deviations.

    Math: out = 2/√π ∫₀ˣ e^(−t²) dt
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{2}{\\sqrt\\pi} e^{-x^2}"}
    samples = unary()

    def forward(x):
        return fast_erf(x)

    def dx(g, x):
        return g * (xp.exp(-(x * x)) * TWO_OVER_ROOT_PI)


class Erfc(Op):
    """1 − erf(x), exact for large x."""

    elementwise = True
    promote = "float"
    tex = {"x": "-\\frac{2}{\\sqrt\\pi} e^{-x^2}"}
    samples = unary()

    def forward(x):
        return special("erfc", x)

    def dx(g, x):
        return g * (xp.exp(-(x * x)) * -TWO_OVER_ROOT_PI)


class Erfinv(Op):
    """The number whose error function is x."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{\\sqrt\\pi}{2} e^{\\operatorname{erfinv}(x)^2}"}
    samples = unary(-0.9, 0.9)

    def forward(x):
        return special("erfinv", x)

    def dx(g, x):
        root = xp.erfinv(x)
        return g * (xp.exp(root * root) / TWO_OVER_ROOT_PI)


class Erfcx(Op):
    """e^(x²) · erfc(x), which does not underflow."""

    node_name = "SpecialErfcxBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "2 x \\, out - \\frac{2}{\\sqrt\\pi}"}
    samples = unary()

    def forward(x):
        return special("erfcx", x)

    def dx(g, x, out):
        return g * (2 * x * out - TWO_OVER_ROOT_PI)


class LogNdtr(Op):
    """The logarithm of the normal distribution's share below x."""

    node_name = "SpecialLogNdtrBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{\\sqrt{2/\\pi}}{\\operatorname{erfcx}(-x/\\sqrt 2)}"}
    samples = unary()

    def forward(x):
        return special("log_ndtr", x)

    def dx(g, x):
        return g / xp.erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi)


class Ndtri(Op):
    """The number below which the normal distribution has the share x."""

    node_name = "SpecialNdtriBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\sqrt{2\\pi} e^{out^2/2}"}
    samples = unary(0.1, 0.9)

    def forward(x):
        return special("ndtri", x)

    def dx(g, out):
        return g * (xp.exp(out * out * 0.5) * math.sqrt(2 * math.pi))


for _op in (Erf, Erfc, Erfinv):
    publish_op(_op)
    publish_in_place(_op)
