"""Powers and roots."""

from __future__ import annotations

import cmath
import math
from typing import Any

from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.refusals import is_truth
from nbautograd.ops.samples import binary, by_number, through, unary


def power(x: Any, n: Any) -> Any:
    """`x ** n`; the common exponents by multiplication, which is many times faster than NumPy's power."""
    if n == 2:
        return x * x
    if n == 3:
        return x * x * x
    if n == 4:
        square = x * x
        return square * square
    if n == 0.5:
        return xp.sqrt(x)
    if n == -1:
        return 1 / x
    if n == -2:
        return 1 / (x * x)
    if n == -0.5:
        return 1 / xp.sqrt(x)
    if n == 1:
        return x.copy()
    return x**n


def no_negative_power(x: Any, y: Any) -> str | None:
    if isinstance(y, int) and y < 0 and x.dtype.kind in "iu":
        return "Integers to negative integer powers are not allowed."
    return None


class PowNumber(Op):
    """Each element to the power of a number.

    Math: out = xʸ
    """

    node_name = "PowBackward0"
    elementwise = True
    tex = {"x": "y x^{y-1}"}
    code = {"out": "x ** y", "x": "g * y * x ** (y - 1)"}
    check = no_negative_power
    samples = through("pow", by_number(2, 3, 4, 1, 0, -2, 2.5, 0.5, -1, low=0.3))

    def forward(x, y):
        return x**y if y.__class__ is float and x.dtype.kind in "biu" else power(x, y)

    def dx(g, x, y):
        if y == 2:
            return g * (x * 2)
        return g * (power(x, y - 1) * y) if y != 0 else xp.zeros_like(g)


def no_truth_power(x: Any, y: Any) -> Exception | None:
    return NotImplementedError("\"pow\" not implemented for 'Bool'") if is_truth(x) and is_truth(y) else None


def is_whole(x):
    return isinstance(x, int) or (hasattr(x, "dtype") and x.dtype.kind in "iu")


def whole_power(x, y):
    """Whole numbers to whole powers; to one below zero 1 and −1 keep their size, and all others are 0, as in torch."""
    below = y < 0
    if not below.any():
        return x**y
    sign = xp.where((x == -1) & (y % 2 != 0), -1, xp.abs(x) == 1)
    return xp.where(below, sign, x ** xp.where(below, 0, y)).astype(xp.result_type(x, y), copy=False)


class Pow(Op):
    """Each element of `x` to the power of the element of `y`.

    Math: out = xʸ
    """

    node_name = "PowBackward1"
    elementwise = True
    tex = {"x": "y x^{y-1}", "y": "x^y \\ln x"}
    samples = binary(low=0.3)
    check = no_truth_power

    def forward(x, y):
        return whole_power(x, y) if is_whole(x) and is_whole(y) else x**y

    def dx(g, x, y):
        return xp.where(y == 0, 0, g * (y * x ** (y - 1)))

    def dy(g, x, y, out):
        return xp.where((x == 0) & (xp.real(y) >= 0), 0, g * (out * xp.log(x)))


class PowOfNumber(Op):
    """A number to the power of each element: what Python asks of `x` in `2 ** x`.

    Math: out = yˣ
    """

    node_name = "PowBackward2"
    elementwise = True
    tex = {"x": "y^x \\ln y"}
    code = {"x": "g * out * xp.log(y)"}
    samples = through("__rpow__", by_number(2, 0.5, 3.5, 1))
    check = no_truth_power

    def forward(x, y):
        return whole_power(x.dtype.type(y), x) if is_whole(x) and is_whole(y) else y**x

    def dx(g, x, y, out):
        return g * (out * log_of(y)) if y != 0 else xp.where(x >= 0, 0, g * out * -math.inf)


def log_of(number: Any) -> Any:
    """The logarithm of a Python number as a Python number, which leaves float32 what it is."""
    if isinstance(number, complex) and (number.imag or number.real < 0):
        return cmath.log(number)
    number = float(number.real)
    return math.log(number) if number > 0 else math.nan


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


def raised(x: Any, y: Any) -> Tensor:
    """`x ** y`: one op each for a number as exponent, a number as base, and two tensors."""
    if not isinstance(y, Tensor):
        return PowNumber.call(x, y)
    return Pow.call(x, y) if isinstance(x, Tensor) else PowOfNumber.call(y, x)


@public("pow")
def pow_(input: Any, exponent: Any, *, out: Any = None) -> Tensor:
    """`input ** exponent`, element by element; one of the two may be a number."""
    return into_out(out, raised(input, exponent), "pow")


@public()
def float_power(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent` in double precision."""
    pair = [x for x in (input, exponent) if isinstance(x, Tensor)]
    kind = dtypes.complex128 if any(x.dtype.is_complex for x in pair) else dtypes.float64
    return raised(*(x.to(kind) if isinstance(x, Tensor) else x for x in (input, exponent)))


@public()
def square(input: Tensor, *, out: Any = None) -> Tensor:
    """Each element times itself."""
    return into_out(out, PowNumber.call(input, 2), "square")


for _op in (Sqrt, Rsqrt):
    publish_op(_op)
    publish_in_place(_op)


@public("pow_", top=False)
def pow_in_place(self: Tensor, exponent: Any) -> Tensor:
    """Like `pow`, in place."""
    return inplace.apply(Pow if isinstance(exponent, Tensor) else PowNumber, self, exponent)


@public("square_", top=False)
def square_(self: Tensor) -> Tensor:
    """Like `square`, in place."""
    return inplace.apply(PowNumber, self, 2)
