"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.ops.samples import same_shapes, through, unary


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
    code = {"x": "g * (1 - out * out)"}
    samples = unary()

    def forward(x):
        return xp.tanh(x)

    def dx(g, out):
        return xp.tanh_backward(g, out)


class TanhBackward(Op):
    """The gradient that `tanh` passes on."""

    elementwise = True
    samples = through("", same_shapes)

    def forward(g, out):
        return g * (1 - out * out)

    def dg(h, out):
        return xp.tanh_backward(h, out)

    def dout(h, g, out):
        return h * g * out * -2


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


for _op, *_names in (
    (Sinh,),
    (Cosh,),
    (Asinh, "asinh", "arcsinh"),
    (Acosh, "acosh", "arccosh"),
    (Atanh, "atanh", "arctanh"),
):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)


publish_op(Tanh, functional=True)
publish_in_place(Tanh)
