"""Size and sign of numbers, and their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.refusals import no_derivative, numbers_only
from nbautograd.ops.samples import binary, forward_only, unary


class Abs(Op):
    """The absolute value of each element; its slope at zero is taken to be zero.

    Math: out = |x|
    """

    elementwise = True
    conjugates = True
    tex = {"x": "\\operatorname{sign} x"}
    samples = unary()
    check = numbers_only("abs_cpu")

    def forward(x):
        return abs(x)

    def dx(g, x):
        return g * xp.sgn(x)


class Sign(Op):
    """−1, 0 or 1 for negative, zero and positive elements."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()

    def forward(x):
        if x.dtype.kind == "b":
            return x.copy()
        return direction(x) if x.dtype.kind == "f" else xp.sign(x)

    def dx(g):
        return xp.zeros_like(g)


def direction(x: Any) -> Any:
    """−1, 0 or 1; 0 for NaN too."""
    if x.__class__ is np.ndarray:
        return ((x > 0).view("i1") - (x < 0).view("i1")).astype(x.dtype)
    return xp.subtract(x > 0, x < 0, dtype=x.dtype)


class Copysign(Op):
    """The size of `x` with the sign of `y`."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\pm 1", "y": "0"}
    samples = binary()

    def forward(x, y):
        return xp.copysign(x, y)

    def dx(g, x, out):
        return xp.where(x == 0, 0, g * (out / x))

    def dy(g):
        return xp.zeros_like(g)


class Heaviside(Op):
    """0 for negative elements, 1 for positive ones, and `y` at zero. torch gives it no gradient."""

    node_name = "NotImplemented"
    elementwise = True
    samples = forward_only(binary())

    def check(x, y):
        if getattr(x, "dtype", None) != getattr(y, "dtype", None):
            return RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
        return None

    def forward(x, y):
        return xp.where(x > 0, xp.ones_like(x), xp.where(x == 0, y, xp.zeros_like(x)))

    def dx(g):
        raise no_derivative("heaviside")

    def dy(g):
        raise no_derivative("heaviside")


class Nextafter(Op):
    """The next number after `x` on the way to `y`. torch gives it no gradient."""

    elementwise = True
    samples = forward_only(binary())

    def forward(x, y):
        return xp.nextafter(x, y)

    def dx(g):
        raise no_derivative("nextafter")

    def dy(g):
        raise no_derivative("nextafter")


publish_op(Abs, "abs", "absolute")
for _op in (Sign, Copysign, Heaviside, Nextafter):
    publish_op(_op)
    publish_in_place(_op)


Tensor.__abs__ = Abs.call


@public("abs_", "absolute_")
def abs_(self: Tensor) -> Tensor:
    """Like `abs`, in place: the tensor itself is changed and returned.

    Raises: RuntimeError for complex numbers, whose sizes are real.
    """
    if self.dtype.is_complex:
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    return inplace.apply(Abs, self)
