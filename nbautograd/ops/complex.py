"""Complex numbers: their parts, conjugates, lengths and angles."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import unary


class Conj(Op):
    """The complex conjugate of each element: the imaginary part with the other sign.

    Math: out = Re x − i Im x
    """

    elementwise = True
    conjugates = True
    samples = unary()

    def forward(x):
        return xp.conj(x)

    def dx(g):
        return xp.conj(g)


class Real(Op):
    """The real part of each element."""

    elementwise = True
    conjugates = True

    def forward(x):
        return xp.real(x)

    def dx(g, x_dtype):
        return xp.astype(g, x_dtype)


publish_op(Conj)
Tensor.real = property(lambda self: Real.call(self) if self.is_complex() else self)  # type: ignore[attr-defined]
