"""Bessel functions."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.ops.samples import unary
from nbautograd.ops.special.library import special


class I0(Op):
    """The modified Bessel function of order 0."""

    name = "i0"
    node_name = "I0Backward0"
    elementwise = True
    promote = "float"
    tex = {"x": "I_1(x)"}
    samples = unary()

    def forward(x):
        return special("i0", x)

    def dx(g, x):
        return g * xp.i1(x)


class I0e(Op):
    """e^(−|x|) · I₀(x)."""

    name = "i0e"
    node_name = "SpecialI0EBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\operatorname{i1e}(x) - \\operatorname{sign}(x) \\, out"}
    samples = unary()

    def forward(x):
        return special("i0e", x)

    def dx(g, x, out):
        return g * (xp.i1e(x) - xp.sign(x) * out)


class I1(Op):
    """The modified Bessel function of order 1."""

    name = "i1"
    node_name = "SpecialI1Backward0"
    elementwise = True
    promote = "float"
    tex = {"x": "I_0(x) - \\frac{out}{x}"}
    samples = unary(0.3, 3)

    def forward(x):
        return special("i1", x)

    def dx(g, x, out):
        away = xp.where(x == 0, 1, x)
        return g * xp.where(x == 0, 0.5, xp.i0(x) - out / away)


class I1e(Op):
    """e^(−|x|) · I₁(x)."""

    name = "i1e"
    node_name = "SpecialI1EBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\operatorname{i0e}(x) - out \\, (\\operatorname{sign}(x) + \\frac{1}{x})"}
    samples = unary(0.3, 3)

    def forward(x):
        return special("i1e", x)

    def dx(g, x, out):
        away = xp.where(x == 0, 1, x)
        return g * xp.where(x == 0, 0.5, xp.i0e(x) - out * (xp.sign(x) + 1 / away))


publish_op(I0)
publish_in_place(I0)
