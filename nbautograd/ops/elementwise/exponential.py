"""Exponentials, logarithms, and the logistic function."""

from __future__ import annotations

import math

from nbautograd.core.array import ndarray
from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.ops.elementwise.bounds import chosen
from nbautograd.ops.samples import binary, same_shapes, through, unary

LN2, LN10 = math.log(2), math.log(10)


class Exp(Op):
    """e to the power of each element.

    Math: out = eˣ
    """

    elementwise = True
    promote = "float"
    tex = {"x": "e^{x}"}
    samples = unary()

    def forward(x):
        return xp.exp(x)

    def dx(g, out):
        return g * out


class Exp2(Op):
    """2 to the power of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "2^{x} \\ln 2"}
    samples = unary()

    def forward(x):
        return xp.exp2(x)

    def dx(g, out):
        return g * (out * LN2)


class Expm1(Op):
    """eˣ − 1, exact for small x."""

    elementwise = True
    promote = "float"
    tex = {"x": "e^{x}"}
    samples = unary()

    def forward(x):
        return xp.expm1(x)

    def dx(g, out):
        return g * (out + 1)


class Log(Op):
    """The natural logarithm of each element.

    Math: out = ln x
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{x}"}
    samples = unary(0.2, 3)

    def forward(x):
        return xp.log(x)

    def dx(g, x):
        return g / x


class Log2(Op):
    """The logarithm to base 2."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{x \\ln 2}"}
    samples = unary(0.2, 3)

    def forward(x):
        return xp.log2(x)

    def dx(g, x):
        return g / (x * LN2)


class Log10(Op):
    """The logarithm to base 10."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{x \\ln 10}"}
    samples = unary(0.2, 3)

    def forward(x):
        return xp.log10(x)

    def dx(g, x):
        return g / (x * LN10)


class Log1p(Op):
    """ln(1 + x), exact for small x."""

    node_name = "Log1PBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 + x}"}
    samples = unary(-0.8, 3)

    def forward(x):
        return xp.log1p(x)

    def dx(g, x):
        return g / (x + 1)


class Logaddexp(Op):
    """ln(eˣ + eʸ), without overflow."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 + e^{y - x}}", "y": "\\frac{1}{1 + e^{x - y}}"}
    samples = binary()

    def forward(x, y):
        if x.dtype.kind != "c":
            return log_of_sum(x, y)
        larger = xp.where(x.real >= y.real, x, y)
        return larger + xp.log1p(xp.exp(x + y - 2 * larger))

    def dx(g, x, y):
        return g / (xp.exp(y - x) + 1)

    def dy(g, x, y):
        return g / (xp.exp(x - y) + 1)


def log_of_sum(x, y, base=math.e):
    """log(baseˣ + baseʸ) to that base. NumPy's own goes from element to element: of many in eight times the time."""
    if x.__class__ is not ndarray or x.size < MANY or x.dtype.char not in "fd":
        return xp.logaddexp(x, y) if base == math.e else xp.logaddexp2(x, y)
    less = -abs(x - y)
    less = chosen(less == less, less, 0)  # NaN of ∞ − ∞; where one of the two is NaN, so is the larger
    return xp.maximum(x, y) + xp.log1p(xp.exp(less * math.log(base))) * (1 / math.log(base))


MANY = 256
"""From so many elements on passes over all of them are faster."""


class Logaddexp2(Op):
    """log₂(2ˣ + 2ʸ), without overflow."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 + 2^{y - x}}", "y": "\\frac{1}{1 + 2^{x - y}}"}
    samples = binary()

    def forward(x, y):
        return log_of_sum(x, y, 2)

    def dx(g, x, y):
        return g / (xp.exp2(y - x) + 1)

    def dy(g, x, y):
        return g / (xp.exp2(x - y) + 1)


class Ldexp(Op):
    """x · 2ʸ."""

    elementwise = True
    promote = "float"
    tex = {"x": "2^y", "y": "out \\ln 2"}
    samples = binary()

    def forward(x, y):
        return x * xp.exp2(y)

    def dx(g, y):
        return g * xp.exp2(y)

    def dy(g, x, y):
        return g * (x * xp.exp2(y) * LN2)


class Sigmoid(Op):
    """The logistic function, between 0 and 1.

    Math: out = 1 / (1 + e⁻ˣ)
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\sigma(x) (1 - \\sigma(x))"}
    code = {"out": "1 / (1 + xp.exp(-x))", "x": "g * out * (1 - out)"}
    samples = unary()

    def forward(x):
        out = xp.exp(-x)
        out += 1
        return 1 / out

    def dx(g, out):
        return xp.sigmoid_backward(g, out)


class SigmoidBackward(Op):
    """The gradient that `sigmoid` passes on, computed in one buffer."""

    elementwise = True
    samples = through("", same_shapes)

    def forward(g, out):
        found = 1 - out
        found *= out
        found *= g
        return found

    def dg(h, out):
        return xp.sigmoid_backward(h, out)

    def dout(h, g, out):
        return h * g * (1 - out * 2)


for _op in (Exp, Exp2, Expm1, Log, Log2, Log10, Log1p, Ldexp):
    publish_op(_op)
    publish_in_place(_op)


for _op in (Logaddexp, Logaddexp2):
    publish_op(_op)


publish_op(Sigmoid, functional=True)
publish_in_place(Sigmoid)
