"""Quotients, and what they leave over."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.elementwise import rests
from nbautograd.ops.refusals import any_zero, no_derivative
from nbautograd.ops.samples import binary, by_number, forward_only, through, unary


class Div(Op):
    """The quotient of two tensors, element by element; integers give floats.

    Math: out = x / y
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{y}", "y": "-\\frac{x}{y^2}"}
    samples = binary(low=0.5)

    def forward(x, y):
        return x / y

    into = np.divide

    def dx(g, y):
        return g / y

    def dy(g, x, y):
        return g * (-x / y / y)


class DivRounded(Op):
    """The quotient rounded down (`floor`) or towards zero (`trunc`); its gradient is zero."""

    node_name = "DivBackward2"
    elementwise = True
    tex = {"x": "0", "y": "0"}
    samples = through("div", binary(low=0.5, rounding_mode="floor"), binary(low=0.5, rounding_mode="trunc"))

    def forward(x, y, *, rounding_mode):
        if rounding_mode == "floor":
            return floor_quotient(x, y)
        if np.result_type(x, y).kind in "iu":
            q = floor_quotient(x, y)
            return q + ((q < 0) & (q * y != x))
        return xp.trunc(x / y)

    def dx(g):
        return xp.zeros_like(g)

    def dy(g):
        return xp.zeros_like(g)

    def refuse(x, y, rounding_mode):
        return "ZeroDivisionError" if any_zero(y) else None


class FloorDivide(Op):
    """The quotient rounded down; torch has no gradient for it."""

    node_name = "NotImplemented"
    elementwise = True
    samples = forward_only(binary(low=0.5))

    def forward(x, y):
        return floor_quotient(x, y)

    def dx(g):
        raise no_derivative("floor_divide")

    def dy(g):
        raise no_derivative("floor_divide")

    def refuse(x, y):
        return "ZeroDivisionError" if any_zero(y) else None


def floor_quotient(x: Any, y: Any) -> Any:
    """`x // y`; integers must not be divided by zero, floats give infinity as in torch."""
    if x.dtype.kind in "iub":
        if any_zero(y):
            raise ZeroDivisionError
        return x // y
    whole = rests.floor_divided(x, y)
    return xp.where(y == 0, x / y, x // y) if whole is None else whole


class Remainder(Op):
    """What `x // y` leaves over; it has the sign of `y`.

    Math: out = x − y · ⌊x / y⌋
    """

    node_name = "RemainderBackward1"
    elementwise = True
    tex = {"x": "1", "y": "-\\lfloor x / y \\rfloor"}
    samples = binary(low=0.5)

    def forward(x, y):
        if x.dtype.kind in "iu" and any_zero(y):
            raise ZeroDivisionError
        return rests.remainder(x, y)

    def dx(g):
        return g

    def dy(g, x, y):
        return -g * xp.div_rounded(x, y, rounding_mode="floor")

    def refuse(x, y):
        return "ZeroDivisionError" if any_zero(y) else None


class RemainderByNumber(Op):
    """What dividing by a number leaves over."""

    node_name = "RemainderBackward0"
    elementwise = True
    tex = {"x": "1"}
    samples = through("remainder", by_number(2, 0.7, -1.5))
    forward, dx, refuse = Remainder.forward, Remainder.dx, Remainder.refuse


class Fmod(Op):
    """What division rounded towards zero leaves over; it has the sign of `x`."""

    node_name = "FmodBackward1"
    elementwise = True
    tex = {"x": "1", "y": "-\\operatorname{trunc}(x / y)"}
    samples = binary(low=0.5)

    def forward(x, y):
        if x.dtype.kind in "iu" and any_zero(y):
            raise ZeroDivisionError
        return rests.fmod(x, y)

    def dx(g):
        return g

    def dy(g, x, y):
        return -g * xp.trunc(x / y)

    def refuse(x, y):
        return "ZeroDivisionError" if any_zero(y) else None


class FmodByNumber(Op):
    """What dividing by a number, rounded towards zero, leaves over."""

    node_name = "FmodBackward0"
    elementwise = True
    tex = {"x": "1"}
    samples = through("fmod", by_number(2, 0.7, -1.5))
    forward, dx, refuse = Fmod.forward, Fmod.dx, Fmod.refuse


class Reciprocal(Op):
    """One over each element.

    Math: out = 1 / x
    """

    elementwise = True
    promote = "float"
    tex = {"x": "-\\frac{1}{x^2}"}
    samples = unary(0.5, 2)

    def forward(x):
        return 1 / x

    def dx(g, out):
        return -g * (out * out)


@public("div", "divide")
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Tensor:
    """`input / other`, element by element; `rounding_mode` "floor" or "trunc" rounds the result."""
    if rounding_mode is None:
        return into_out(out, Div.call(input, other), "div")
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return into_out(out, DivRounded.call(input, other, rounding_mode=rounding_mode), "div")


@public()
def true_divide(input: Any, other: Any, *, out: Any = None) -> Tensor:
    """`input / other`, element by element."""
    return into_out(out, Div.call(input, other), "true_divide")


@public()
def remainder(input: Any, other: Any, *, out: Any = None) -> Tensor:
    """What `input // other` leaves over; it has the sign of `other`."""
    return into_out(
        out, (Remainder if isinstance(other, Tensor) else RemainderByNumber).call(input, other), "remainder"
    )


@public()
def fmod(input: Any, other: Any, *, out: Any = None) -> Tensor:
    """What division rounded towards zero leaves over; it has the sign of `input`."""
    return into_out(out, (Fmod if isinstance(other, Tensor) else FmodByNumber).call(input, other), "fmod")


for _op in (Reciprocal, FloorDivide):
    publish_op(_op)
    publish_in_place(_op)


@public("div_", "divide_", "true_divide_", top=False)
def div_(self: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Divide the tensor itself by `other`."""
    if rounding_mode is None:
        return inplace.apply(Div, self, other)
    return inplace.apply(DivRounded, self, other, rounding_mode=rounding_mode)


@public("remainder_", top=False)
def remainder_(self: Tensor, other: Any) -> Tensor:
    """Like `remainder`, in place."""
    return inplace.apply(Remainder if isinstance(other, Tensor) else RemainderByNumber, self, other)


@public("fmod_", top=False)
def fmod_(self: Tensor, other: Any) -> Tensor:
    """Like `fmod`, in place."""
    return inplace.apply(Fmod if isinstance(other, Tensor) else FmodByNumber, self, other)
