"""Circular functions and their inverses."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.ops.samples import binary, unary


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


for _op, *_names in (
    (Sin,),
    (Cos,),
    (Tan,),
    (Asin, "asin", "arcsin"),
    (Acos, "acos", "arccos"),
    (Atan, "atan", "arctan"),
    (Sinc,),
    (Deg2rad,),
    (Rad2deg,),
    (Atan2, "atan2", "arctan2"),
    (Hypot,),
):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)
