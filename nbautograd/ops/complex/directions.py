"""The directions of complex numbers."""

from __future__ import annotations

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.ops.complex.points import complex_ones, is_complex
from nbautograd.ops.elementwise.bounds import chosen
from nbautograd.ops.elementwise.signs import direction
from nbautograd.ops.samples import cases


class Sgn(Op):
    """The direction of each element: x / |x|, and 0 for 0.

    Math: ∂ℒ/∂x = (g − Re(g conj(out)) out) / |x|
    """

    elementwise = True
    conjugates = True
    samples = cases(complex_ones)

    def forward(x):
        if x.dtype.kind == "b":
            return x.copy()
        return direction(x) if x.dtype.kind == "f" else xp.sign(x)

    def dx(g, x, out):
        if not is_complex(x):
            return xp.zeros_like(g)
        size = xp.abs(x)
        nowhere = size == 0
        across = (g - xp.real(g * xp.conj(out)) * out) / xp.where(nowhere, xp.ones_like(size), size)
        return xp.where(nowhere, xp.zeros_like(across), across)


class Angle(Op):
    """The angle of each complex number with the positive real numbers; 0 or π for real ones.

    Math: out = atan2(Im x, Re x); ∂ℒ/∂x = g · i x / |x|²
    """

    elementwise = True
    conjugates = True
    promote = "float"
    samples = cases(complex_ones)

    def forward(x):
        if is_complex(x):
            return xp.angle(x)
        number = x.dtype.type if x.dtype.kind == "f" else float
        return chosen(x == x, (x < 0) * number(np.pi), x)

    def dx(g, x):
        if not is_complex(x):
            return xp.zeros_like(g)
        square = xp.real(x * xp.conj(x))
        nowhere = square == 0
        slope = xp.complex(-xp.imag(x), xp.real(x)) / xp.where(nowhere, xp.ones_like(square), square)
        return g * xp.where(nowhere, xp.zeros_like(slope), slope)


for _op in (Sgn, Angle):
    publish_op(_op)
publish_in_place(Sgn)
