"""Elementary functions, element by element: exponentials, roots, circular and hyperbolic functions, rounding."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import into, public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import binary, same_shapes, through, unary

LN2, LN10 = math.log(2), math.log(10)


# --- exponentials, logarithms, roots ------------------------------------------------------------------------------


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


class Sqrt(Op):
    """The square root of each element.

    Math: out = √x
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{2 \\sqrt{x}}"}
    samples = unary(0.2, 3)

    def forward(x):
        return xp.sqrt(x)

    def dx(g, out):
        return g / (out * 2)


class Rsqrt(Op):
    """One over the square root of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "-\\tfrac{1}{2} x^{-3/2}"}
    samples = unary(0.2, 3)

    def forward(x):
        return 1 / xp.sqrt(x)

    def dx(g, out):
        return g * (out * out * out * -0.5)


# --- circular functions -------------------------------------------------------------------------------------------


class Sin(Op):
    """The sine of each element.

    Math: out = sin x
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\cos x"}
    samples = unary()

    def forward(x):
        return xp.sin(x)

    def dx(g, x):
        return g * xp.cos(x)


class Cos(Op):
    """The cosine of each element.

    Math: out = cos x
    """

    elementwise = True
    promote = "float"
    tex = {"x": "-\\sin x"}
    samples = unary()

    def forward(x):
        return xp.cos(x)

    def dx(g, x):
        return -g * xp.sin(x)


class Tan(Op):
    """The tangent of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "1 + \\tan^2 x"}
    samples = unary(-1.2, 1.2)

    def forward(x):
        return xp.tan(x)

    def dx(g, out):
        return g * (out * out + 1)


class Asin(Op):
    """The inverse sine of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{\\sqrt{1 - x^2}}"}
    samples = unary(-0.9, 0.9)

    def forward(x):
        return xp.arcsin(x)

    def dx(g, x):
        return g / xp.sqrt(1 - x * x)


class Acos(Op):
    """The inverse cosine of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "-\\frac{1}{\\sqrt{1 - x^2}}"}
    samples = unary(-0.9, 0.9)

    def forward(x):
        return xp.arccos(x)

    def dx(g, x):
        return -g / xp.sqrt(1 - x * x)


class Atan(Op):
    """The inverse tangent of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 + x^2}"}
    samples = unary()

    def forward(x):
        return xp.arctan(x)

    def dx(g, x):
        return g / (x * x + 1)


class Sinc(Op):
    """sin(πx) / πx, which is 1 at zero."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{\\cos \\pi x - \\operatorname{sinc} x}{x}"}
    samples = unary(0.2, 2)

    def forward(x):
        return xp.sinc(x)

    def dx(g, x):
        angle = x * math.pi
        away = xp.where(x == 0, 1, x)
        return g * xp.where(x == 0, 0, (xp.cos(angle) - xp.sin(angle) / (away * math.pi)) / away)


# --- hyperbolic functions -----------------------------------------------------------------------------------------


class Sinh(Op):
    """The hyperbolic sine of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\cosh x"}
    samples = unary()

    def forward(x):
        return xp.sinh(x)

    def dx(g, x):
        return g * xp.cosh(x)


class Cosh(Op):
    """The hyperbolic cosine of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\sinh x"}
    samples = unary()

    def forward(x):
        return xp.cosh(x)

    def dx(g, x):
        return g * xp.sinh(x)


class Tanh(Op):
    """The hyperbolic tangent of each element, between −1 and 1.

    Math: out = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    """

    elementwise = True
    promote = "float"
    tex = {"x": "1 - \\tanh^2 x"}
    samples = unary()

    def forward(x):
        return xp.tanh(x)

    def dx(g, out):
        return g * (1 - out * out)


class Asinh(Op):
    """The inverse hyperbolic sine of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{\\sqrt{x^2 + 1}}"}
    samples = unary()

    def forward(x):
        return xp.arcsinh(x)

    def dx(g, x):
        return g / xp.sqrt(x * x + 1)


class Acosh(Op):
    """The inverse hyperbolic cosine of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{\\sqrt{x^2 - 1}}"}
    samples = unary(1.2, 4)

    def forward(x):
        return xp.arccosh(x)

    def dx(g, x):
        return g / xp.sqrt(x * x - 1)


class Atanh(Op):
    """The inverse hyperbolic tangent of each element."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 - x^2}"}
    samples = unary(-0.9, 0.9)

    def forward(x):
        return xp.arctanh(x)

    def dx(g, x):
        return g / (1 - x * x)


class Sigmoid(Op):
    """The logistic function, between 0 and 1.

    Math: out = 1 / (1 + e⁻ˣ)
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\sigma(x) (1 - \\sigma(x))"}
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


# --- size and sign ------------------------------------------------------------------------------------------------


def numbers_only(problem: str) -> Any:
    """A check that refuses truth values in torch's words."""

    def check(x: Any) -> Exception | None:
        return NotImplementedError(f"\"{problem}\" not implemented for 'Bool'") if x.dtype.kind == "b" else None

    return check


class Abs(Op):
    """The absolute value of each element; its slope at zero is taken to be zero.

    Math: out = |x|
    """

    elementwise = True
    tex = {"x": "\\operatorname{sign} x"}
    samples = unary()
    check = numbers_only("abs_cpu")

    def forward(x):
        return abs(x)

    def dx(g, x):
        return g * xp.sign(x)


class Sign(Op):
    """−1, 0 or 1 for negative, zero and positive elements."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()

    def forward(x):
        if x.dtype.kind == "b":
            return x.copy()
        return xp.where(xp.isnan(x), 0, xp.sign(x)) if x.dtype.kind == "f" else xp.sign(x)

    def dx(g):
        return xp.zeros_like(g)


class Floor(Op):
    """Each element rounded down. It is constant between its steps: its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("floor_vml_cpu")

    def forward(x):
        return xp.floor(x)

    def dx(g):
        return xp.zeros_like(g)


class Ceil(Op):
    """Each element rounded up; its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("ceil_vml_cpu")

    def forward(x):
        return xp.ceil(x)

    def dx(g):
        return xp.zeros_like(g)


class Trunc(Op):
    """Each element rounded towards zero; its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("trunc_vml_cpu")

    def forward(x):
        return xp.trunc(x)

    def dx(g):
        return xp.zeros_like(g)


class Frac(Op):
    """What rounding towards zero takes away."""

    elementwise = True
    tex = {"x": "1"}
    samples = unary()

    def forward(x):
        return x - xp.trunc(x)

    def dx(g):
        return g


class Round(Op):
    """Each element rounded to the nearest integer, halves to the even one; its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("round_vml_cpu")

    def forward(x):
        return xp.rint(x) if x.dtype.kind in "fc" else x.copy()

    def dx(g):
        return xp.zeros_like(g)


class RoundDecimals(Op):
    """Each element rounded to some decimal places; its gradient is zero."""

    node_name = "RoundBackward1"
    elementwise = True
    tex = {"x": "0"}
    samples = through("round", unary(decimals=1), unary(-200, 200, decimals=-1))

    def forward(x, *, decimals):
        return xp.round(x, decimals)

    def dx(g):
        return xp.zeros_like(g)


class Deg2rad(Op):
    """Degrees to radians."""

    node_name = "Deg2RadBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{\\pi}{180}"}
    samples = unary(-200, 200)

    def forward(x):
        return x * (math.pi / 180)

    def dx(g):
        return g * (math.pi / 180)


class Rad2deg(Op):
    """Radians to degrees."""

    node_name = "Rad2DegBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{180}{\\pi}"}
    samples = unary()

    def forward(x):
        return x * (180 / math.pi)

    def dx(g):
        return g * (180 / math.pi)


# --- of two tensors -----------------------------------------------------------------------------------------------


class Atan2(Op):
    """The angle of the point (y, x), from −π to π."""

    elementwise = True
    promote = "float"
    tex = {"y": "\\frac{x}{x^2 + y^2}", "x": "-\\frac{y}{x^2 + y^2}"}
    samples = binary()

    def forward(y, x):
        return xp.arctan2(y, x)

    def dy(g, y, x):
        return g * (x / squared_length(x, y))

    def dx(g, y, x):
        return g * (-y / squared_length(x, y))


def squared_length(x: Any, y: Any) -> Any:
    """x² + y², and 1 at the origin, where torch takes the slope of an angle to be zero."""
    found = x * x + y * y
    return xp.where(found == 0, 1, found)


class Hypot(Op):
    """The length of the vector (x, y).

    Math: out = √(x² + y²)
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{x}{out}", "y": "\\frac{y}{out}"}
    samples = binary()

    def forward(x, y):
        return xp.hypot(x, y)

    def dx(g, x, out):
        return g * (x / out)

    def dy(g, y, out):
        return g * (y / out)


class Logaddexp(Op):
    """ln(eˣ + eʸ), without overflow."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 + e^{y - x}}", "y": "\\frac{1}{1 + e^{x - y}}"}
    samples = binary()

    def forward(x, y):
        return xp.logaddexp(x, y)

    def dx(g, x, y):
        return g / (xp.exp(y - x) + 1)

    def dy(g, x, y):
        return g / (xp.exp(x - y) + 1)


class Logaddexp2(Op):
    """log₂(2ˣ + 2ʸ), without overflow."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{1 + 2^{y - x}}", "y": "\\frac{1}{1 + 2^{x - y}}"}
    samples = binary()

    def forward(x, y):
        return xp.logaddexp2(x, y)

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


for _op, *_names in (
    (Exp,), (Exp2,), (Expm1,), (Log,), (Log2,), (Log10,), (Log1p,), (Sqrt,), (Rsqrt,),
    (Sin,), (Cos,), (Tan,), (Asin, "asin", "arcsin"), (Acos, "acos", "arccos"), (Atan, "atan", "arctan"), (Sinc,),
    (Sinh,), (Cosh,), (Tanh,), (Asinh, "asinh", "arcsinh"), (Acosh, "acosh", "arccosh"), (Atanh, "atanh", "arctanh"),
    (Abs, "abs", "absolute"), (Sign,), (Floor,), (Ceil,), (Trunc, "trunc", "fix"), (Frac,), (Deg2rad,), (Rad2deg,),
    (Atan2, "atan2", "arctan2"), (Hypot,), (Logaddexp,), (Logaddexp2,), (Ldexp,),
):  # fmt: skip
    publish_op(_op, *_names, functional=_op is Tanh)
    if _op not in (Logaddexp, Logaddexp2):
        publish_in_place(_op, *_names)
publish_op(Sigmoid, functional=True)
publish_in_place(Sigmoid)
publish_in_place(Round)


@public("round")
def round_(input: Tensor, *, decimals: int = 0, out: Any = None) -> Tensor:
    """Each element rounded to the nearest integer (halves to the even one), or to some `decimals`."""
    result = RoundDecimals.call(input, decimals=decimals) if decimals else Round.call(input)
    return result if out is None else into(out, result, "round")


Tensor.__abs__ = Abs.call
Tensor.__round__ = lambda self, decimals=0: round_(self, decimals=decimals)
