"""Arithmetic, and the operators of Python that stand for it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.call import operator
from nbautograd.core.op import Op, xp
from nbautograd.core.public import into, public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import Make, binary, by_number, cases, forward_only, through, unary


def is_truth(x: Any) -> bool:
    return isinstance(x, bool) or getattr(x, "dtype", None) == np.bool


def no_truth_values(x: Any, y: Any) -> str | None:
    """torch's refusal to subtract truth values."""
    count = is_truth(x) + is_truth(y)
    if count == 2:
        return (
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    if count:
        return (
            "Subtraction, the `-` operator, with a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return None


class Add(Op):
    """The sum of two tensors, element by element.

    Math: out = x + y
    """

    elementwise = True
    tex = {"x": "1", "y": "1"}
    samples = binary()

    def forward(x, y):
        return x + y

    def dx(g):
        return g

    def dy(g):
        return g


class AddScaled(Op):
    """The sum of `x` and `alpha` times `y`."""

    node_name = "AddBackward0"
    elementwise = True
    tex = {"x": "1", "y": "\\alpha"}
    samples = through("add", binary(alpha=3))

    def forward(x, y, *, alpha):
        return x + alpha * y

    def dx(g):
        return g

    def dy(g, alpha):
        return g * alpha


class Sub(Op):
    """The difference of two tensors, element by element.

    Math: out = x − y
    """

    elementwise = True
    tex = {"x": "1", "y": "-1"}
    samples = binary()
    check = no_truth_values

    def forward(x, y):
        return x - y

    def dx(g):
        return g

    def dy(g):
        return -g


class SubScaled(Op):
    """`x` minus `alpha` times `y`."""

    node_name = "SubBackward0"
    elementwise = True
    tex = {"x": "1", "y": "-\\alpha"}
    samples = through("sub", binary(alpha=3))
    check = no_truth_values

    def forward(x, y, *, alpha):
        return x - alpha * y

    def dx(g):
        return g

    def dy(g, alpha):
        return g * -alpha


class Rsub(Op):
    """`y − x`: what Python asks of `x` in `1 - x`."""

    node_name = "RsubBackward1"
    elementwise = True
    tex = {"x": "-1", "y": "1"}
    samples = by_number(2, 0.5, -1)
    check = no_truth_values

    def forward(x, y):
        return y - x

    def dx(g):
        return -g


class Mul(Op):
    """The product of two tensors, element by element.

    Math: out = x · y
    """

    elementwise = True
    tex = {"x": "y", "y": "x"}
    samples = binary()

    def forward(x, y):
        return x * y

    def dx(g, y):
        return g * y

    def dy(g, x):
        return g * x


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


def any_zero(y: Any) -> bool:
    found = y == 0
    return bool(found.any()) if hasattr(found, "any") else found


def no_derivative(name: str) -> Exception:
    return RuntimeError(f"derivative for aten::{name} is not implemented")


def floor_quotient(x: Any, y: Any) -> Any:
    """`x // y`; integers must not be divided by zero, floats give infinity as in torch."""
    if x.dtype.kind in "iub":
        if any_zero(y):
            raise ZeroDivisionError
        return x // y
    return xp.where(y == 0, x / y, x // y)


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
        return x % y

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
        return xp.fmod(x, y)

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


class Neg(Op):
    """Minus each element.

    Math: out = −x
    """

    elementwise = True
    tex = {"x": "-1"}
    samples = unary()

    def forward(x):
        return -x

    def dx(g):
        return -g

    def refuse(x):
        return (
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )


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


# --- powers -------------------------------------------------------------------------------------------------------


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
    check = no_negative_power
    samples = through("pow", by_number(2, 3, 4, 1, 0, -2, 2.5, 0.5, -1, low=0.3))

    def forward(x, y):
        return power(x, y)

    def dx(g, x, y):
        if y == 2:
            return g * (x * 2)
        return g * (power(x, y - 1) * y) if y != 0 else xp.zeros_like(g)


def no_truth_power(x: Any, y: Any) -> Exception | None:
    return NotImplementedError("\"pow\" not implemented for 'Bool'") if is_truth(x) and is_truth(y) else None


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
        return x**y

    def dx(g, x, y):
        return xp.where(y == 0, 0, g * (y * x ** (y - 1)))

    def dy(g, x, y, out):
        return xp.where((x == 0) & (y >= 0), 0, g * (out * xp.log(x)))

    def refuse(x, y):
        return "Integers to negative integer powers are not allowed."


class PowOfNumber(Op):
    """A number to the power of each element: what Python asks of `x` in `2 ** x`.

    Math: out = yˣ
    """

    node_name = "PowBackward2"
    elementwise = True
    tex = {"x": "y^x \\ln y"}
    samples = through("__rpow__", by_number(2, 0.5, 3.5, 1))
    check = no_truth_power

    def forward(x, y):
        return y**x

    def dx(g, x, y, out):
        return g * (out * log_of(y)) if y != 0 else xp.where(x >= 0, 0, g * out * -math.inf)

    refuse = Pow.refuse


def log_of(number: Any) -> float:
    """The logarithm of a Python number as a Python number, which leaves float32 what it is."""
    number = float(number)
    return math.log(number) if number > 0 else math.nan


# --- fused --------------------------------------------------------------------------------------------------------


def _three(**settings: Any) -> Any:
    def three(make: Make) -> Any:
        for a, b, c in (
            ((), (), ()),
            ((3,), (3,), (3,)),
            ((2, 3), (3,), (2, 1)),
            ((1,), (2, 3), ()),
            ((0,), (1,), (0,)),
            ((3,), (2, 1), (2, 3)),
            ((2, 2, 2), (2,), (2, 1)),
            ((), (3,), (3,)),
            ((2, 3), (2, 3), (2, 3)),
        ):
            yield (make(*a), make(*b), make(*c, low=0.5), *([settings] if settings else []))
        yield (make(3, 2).T, make(6)[::2], make(3, low=0.5), *([settings] if settings else []))

    return three


class Addcmul(Op):
    """`x` plus a multiple of the product of two tensors."""

    elementwise = True
    tex = {"x": "1", "y": "value \\cdot z", "z": "value \\cdot y"}
    samples = cases(_three(), _three(value=-0.5))

    def forward(x, y, z, *, value=1):
        return x + value * y * z

    def dx(g):
        return g

    def dy(g, z, value):
        return g * (z * value)

    def dz(g, y, value):
        return g * (y * value)


class Addcdiv(Op):
    """`x` plus a multiple of the quotient of two tensors."""

    elementwise = True
    tex = {"x": "1", "y": "\\frac{value}{z}", "z": "-\\frac{value \\cdot y}{z^2}"}
    samples = cases(_three(), _three(value=-0.5))

    def forward(x, y, z, *, value=1):
        return x + value * (y / z)

    def dx(g):
        return g

    def dy(g, z, value):
        return g * (value / z)

    def dz(g, y, z, value):
        return -g * (value * y / (z * z))

    def check(x, y, z):
        if y.dtype.kind in "fc" or z.dtype.kind in "fc":
            return None
        return (
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as "
            "(input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as "
            "(input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter "
            "implementation: (input + value * tensor1 / tensor2), for all dtypes."
        )


class LerpNumber(Op):
    """From `x` towards `y` by the part `weight`."""

    node_name = "LerpBackward0"
    elementwise = True
    tex = {"x": "1 - weight", "y": "weight"}
    samples = through("lerp", binary(weight=0.3), binary(weight=1.5))

    def forward(x, y, *, weight):
        return x + weight * (y - x) if abs(weight) < 0.5 else y - (y - x) * (1 - weight)

    def dx(g, weight):
        return g * (1 - weight)

    def dy(g, weight):
        return g * weight


class Lerp(Op):
    """From `x` towards `y` by the part `weight`, element by element.

    Math: out = x + weight · (y − x)
    """

    node_name = "LerpBackward1"
    elementwise = True
    tex = {"x": "1 - weight", "y": "weight", "weight": "y - x"}
    samples = cases(_three())

    def forward(x, y, weight):
        return xp.where(abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))

    def dx(g, weight):
        return g * (1 - weight)

    def dy(g, weight):
        return g * weight

    def dweight(g, x, y):
        return g * (y - x)


# --- public -------------------------------------------------------------------------------------------------------


def _finish(out: Any, result: Tensor, name: str) -> Tensor:
    return result if out is None else into(out, result, name)


@public()
def add(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Tensor:
    """`input + alpha · other`, element by element."""
    return _finish(out, Add.call(input, other) if alpha == 1 else AddScaled.call(input, other, alpha=alpha), "add")


@public("sub", "subtract")
def sub(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Tensor:
    """`input − alpha · other`, element by element."""
    return _finish(out, Sub.call(input, other) if alpha == 1 else SubScaled.call(input, other, alpha=alpha), "sub")


@public(method=False)
def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """`other − alpha · input`, element by element."""
    return sub(other, input, alpha=alpha) if isinstance(other, Tensor) or alpha != 1 else Rsub.call(input, other)


@public("div", "divide")
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Tensor:
    """`input / other`, element by element; `rounding_mode` "floor" or "trunc" rounds the result."""
    if rounding_mode is None:
        return _finish(out, Div.call(input, other), "div")
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return _finish(out, DivRounded.call(input, other, rounding_mode=rounding_mode), "div")


@public()
def true_divide(input: Any, other: Any, *, out: Any = None) -> Tensor:
    """`input / other`, element by element."""
    return _finish(out, Div.call(input, other), "true_divide")


@public()
def remainder(input: Any, other: Any, *, out: Any = None) -> Tensor:
    """What `input // other` leaves over; it has the sign of `other`."""
    return _finish(out, (Remainder if isinstance(other, Tensor) else RemainderByNumber).call(input, other), "remainder")


@public()
def fmod(input: Any, other: Any, *, out: Any = None) -> Tensor:
    """What division rounded towards zero leaves over; it has the sign of `input`."""
    return _finish(out, (Fmod if isinstance(other, Tensor) else FmodByNumber).call(input, other), "fmod")


def _pow(x: Any, y: Any) -> Tensor:
    """`x ** y`: one op each for a number as exponent, a number as base, and two tensors."""
    if not isinstance(y, Tensor):
        return PowNumber.call(x, y)
    return Pow.call(x, y) if isinstance(x, Tensor) else PowOfNumber.call(y, x)


@public("pow")
def pow_(input: Any, exponent: Any, *, out: Any = None) -> Tensor:
    """`input ** exponent`, element by element; one of the two may be a number."""
    return _finish(out, _pow(input, exponent), "pow")


@public()
def float_power(input: Any, exponent: Any) -> Tensor:
    """`input ** exponent` in double precision."""
    return _pow(*(x.double() if isinstance(x, Tensor) else x for x in (input, exponent)))


@public()
def square(input: Tensor, *, out: Any = None) -> Tensor:
    """Each element times itself."""
    return _finish(out, PowNumber.call(input, 2), "square")


@public()
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1, out: Any = None) -> Tensor:
    """`input + value · tensor1 · tensor2`."""
    return _finish(out, Addcmul.call(input, tensor1, tensor2, value=value), "addcmul")


@public()
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1, out: Any = None) -> Tensor:
    """`input + value · tensor1 / tensor2`."""
    return _finish(out, Addcdiv.call(input, tensor1, tensor2, value=value), "addcdiv")


@public()
def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Any = None) -> Tensor:
    """From `input` towards `end` by the part `weight`."""
    if isinstance(weight, Tensor):
        return _finish(out, Lerp.call(input, end, weight), "lerp")
    return _finish(out, LerpNumber.call(input, end, weight=weight), "lerp")


@public()
def positive(input: Tensor) -> Tensor:
    """The tensor itself: what `+x` means."""
    if input._data.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


for _op, *_names in ((Mul, "mul", "multiply"), (Neg, "neg", "negative"), (Reciprocal,), (FloorDivide,)):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)


# --- in place -----------------------------------------------------------------------------------------------------


@public("add_", top=False)
def add_(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Add `alpha · other` to the tensor itself."""
    return inplace.apply(Add, self, other) if alpha == 1 else inplace.apply(AddScaled, self, other, alpha=alpha)


@public("sub_", "subtract_", top=False)
def sub_(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Subtract `alpha · other` from the tensor itself."""
    return inplace.apply(Sub, self, other) if alpha == 1 else inplace.apply(SubScaled, self, other, alpha=alpha)


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


@public("pow_", top=False)
def pow_in_place(self: Tensor, exponent: Any) -> Tensor:
    """Like `pow`, in place."""
    return inplace.apply(Pow if isinstance(exponent, Tensor) else PowNumber, self, exponent)


@public("square_", top=False)
def square_(self: Tensor) -> Tensor:
    """Like `square`, in place."""
    return inplace.apply(PowNumber, self, 2)


@public("addcmul_", top=False)
def addcmul_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Like `addcmul`, in place."""
    return inplace.apply(Addcmul, self, tensor1, tensor2, value=value)


@public("addcdiv_", top=False)
def addcdiv_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Like `addcdiv`, in place."""
    return inplace.apply(Addcdiv, self, tensor1, tensor2, value=value)


@public("lerp_", top=False)
def lerp_(self: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Like `lerp`, in place."""
    if isinstance(weight, Tensor):
        return inplace.apply(Lerp, self, end, weight)
    return inplace.apply(LerpNumber, self, end, weight=weight)


# --- operators ----------------------------------------------------------------------------------------------------


def _other_first(call: Any) -> Any:
    return lambda self, other: call(other, self)


def _by_kind(tensors: type[Op], number: type[Op]) -> Any:
    """An operator that is one op for a tensor on its right and another one for a number there."""
    by_tensor, by_number = operator(tensors), operator(number)
    return lambda self, other: (by_tensor if isinstance(other, Tensor) else by_number)(self, other)


_mul = operator(Mul)

Tensor.__add__ = Tensor.__radd__ = operator(Add)
Tensor.__sub__ = operator(Sub)
Tensor.__rsub__ = operator(Rsub)
Tensor.__mul__ = Tensor.__rmul__ = _mul
Tensor.__truediv__ = operator(Div)
Tensor.__rtruediv__ = Tensor.__rdiv__ = lambda self, other: _mul(Reciprocal.call(self), other)
Tensor.__floordiv__ = operator(FloorDivide)
Tensor.__rfloordiv__ = _other_first(operator(FloorDivide))
Tensor.__mod__ = _by_kind(Remainder, RemainderByNumber)
Tensor.__rmod__ = _other_first(operator(Remainder))
Tensor.__pow__ = _by_kind(Pow, PowNumber)
Tensor.__rpow__ = operator(PowOfNumber)
Tensor.__neg__ = Neg.call
Tensor.__pos__ = positive
Tensor.__iadd__ = Tensor.add_
Tensor.__isub__ = Tensor.sub_
Tensor.__imul__ = Tensor.mul_
Tensor.__itruediv__ = Tensor.div_
Tensor.__ifloordiv__ = Tensor.floor_divide_
Tensor.__imod__ = Tensor.remainder_
Tensor.__ipow__ = Tensor.pow_
