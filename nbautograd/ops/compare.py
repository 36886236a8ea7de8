"""Comparisons, tests of single elements, and logic. Their results are truth values and have no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.call import operator
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import SHAPES, Make, binary, by_number, forward_only, unary

_pairs = forward_only(binary(), by_number(0.5, 1))


class Eq(Op):
    """Whether the elements of two tensors are equal."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x == y


class Ne(Op):
    """Whether the elements of two tensors differ."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x != y


class Lt(Op):
    """Whether the elements of `x` are less than those of `y`."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x < y


class Le(Op):
    """Whether the elements of `x` are less than those of `y` or equal to them."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x <= y


class Gt(Op):
    """Whether the elements of `x` are greater than those of `y`."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x > y


class Ge(Op):
    """Whether the elements of `x` are greater than those of `y` or equal to them."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x >= y


# --- single elements ----------------------------------------------------------------------------------------------


def _special(make: Make) -> Any:
    yield (np.asarray([0.0, -0.0, 1.5, np.nan, np.inf, -np.inf], make.dtype),)
    yield (make.ints(3),)


_singles = forward_only(unary(), _special)


class Isnan(Op):
    """Which elements are not a number."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.isnan(x)


class Isinf(Op):
    """Which elements are infinite."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.isinf(x)


class Isfinite(Op):
    """Which elements are neither infinite nor NaN."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.isfinite(x)


class Isposinf(Op):
    """Which elements are plus infinity."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return x == np.inf


class Isneginf(Op):
    """Which elements are minus infinity."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return x == -np.inf


class Signbit(Op):
    """Which elements carry a minus sign, that of −0 included."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.signbit(x) if x.dtype.kind == "f" else x < 0


# --- logic --------------------------------------------------------------------------------------------------------


def _truths(make: Make) -> Any:
    yield make.bools(2, 3), make.bools(3)
    yield make.ints(4, high=2), make.ints(4, high=2)


_logic = forward_only(binary(), _truths)


class LogicalAnd(Op):
    """Whether both elements are true (not zero)."""

    elementwise = boolean = True
    samples = _logic

    def forward(x, y):
        return xp.logical_and(x, y)


class LogicalOr(Op):
    """Whether at least one of the elements is true (not zero)."""

    elementwise = boolean = True
    samples = _logic

    def forward(x, y):
        return xp.logical_or(x, y)


class LogicalXor(Op):
    """Whether exactly one of the elements is true (not zero)."""

    elementwise = boolean = True
    samples = _logic

    def forward(x, y):
        return xp.logical_xor(x, y)


class LogicalNot(Op):
    """Whether the element is false (zero)."""

    elementwise = boolean = True
    samples = forward_only(unary(), lambda make: iter([(make.bools(3),), (make.ints(2, 3),)]))

    def forward(x):
        return xp.logical_not(x)


def _not_for_floats(name: str, x: Any) -> Exception:
    return NotImplementedError(f"\"{name}_cpu\" not implemented for '{dtypes.of_numpy(x.dtype).tensor_type}'")


def _bits(make: Make) -> Any:
    for a, b in (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((0,), (1,))):
        yield make.ints(*a), make.ints(*b)
        yield make.bools(*a), make.bools(*b)
    yield make.ints(3), 2
    yield make.ints(3, dtype=np.uint8), make.ints(3)


class BitwiseAnd(Op):
    """Bit by bit: set in both. For truth values, "and"."""

    elementwise = True
    samples = forward_only(_bits)

    def forward(x, y):
        return x & y

    def refuse(x, y):
        return _not_for_floats("bitwise_and", x) if "f" in (x.dtype.kind, y.dtype.kind) else None


class BitwiseOr(Op):
    """Bit by bit: set in at least one. For truth values, "or"."""

    elementwise = True
    samples = forward_only(_bits)

    def forward(x, y):
        return x | y

    def refuse(x, y):
        return _not_for_floats("bitwise_or", x) if "f" in (x.dtype.kind, y.dtype.kind) else None


class BitwiseXor(Op):
    """Bit by bit: set in exactly one. For truth values, "exclusive or"."""

    elementwise = True
    samples = forward_only(_bits)

    def forward(x, y):
        return x ^ y

    def refuse(x, y):
        return _not_for_floats("bitwise_xor", x) if "f" in (x.dtype.kind, y.dtype.kind) else None


class BitwiseNot(Op):
    """Every bit turned round. For truth values, "not"."""

    elementwise = True
    samples = forward_only(lambda make: ((kind(*s),) for s in SHAPES for kind in (make.ints, make.bools)))

    def forward(x):
        return ~x

    def refuse(x):
        return _not_for_floats("bitwise_not", x)


def _shifts(make: Make) -> Any:
    for shape in SHAPES:
        yield make.ints(*shape), make.ints(*shape)
        yield make.ints(*shape), 2


class BitwiseLeftShift(Op):
    """Every bit moved to a higher place."""

    elementwise = True
    samples = forward_only(_shifts)

    def forward(x, y):
        return x << y


class BitwiseRightShift(Op):
    """Every bit moved to a lower place."""

    elementwise = True
    samples = forward_only(_shifts)

    def forward(x, y):
        return x >> y


# --- public -------------------------------------------------------------------------------------------------------

for _op, *_names in (
    (Eq,), (Ne, "ne", "not_equal"), (Lt, "lt", "less"), (Le, "le", "less_equal"), (Gt, "gt", "greater"),
    (Ge, "ge", "greater_equal"), (LogicalAnd,), (LogicalOr,), (LogicalXor,), (LogicalNot,), (BitwiseAnd,), (BitwiseOr,),
    (BitwiseXor,), (BitwiseNot,), (BitwiseLeftShift,), (BitwiseRightShift,),
):  # fmt: skip
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)
for _op in (Isnan, Isinf, Isfinite, Isposinf, Isneginf, Signbit):
    publish_op(_op)


def _tolerance(make: Make) -> Any:
    for shape in SHAPES:
        x = make(*shape)
        yield x, np.asarray(x + 1e-9)
        yield x, np.asarray(x * 1.001)
        yield x, np.asarray(x * 1.001), {"rtol": 1e-2}
    yield np.asarray([np.nan, 1.0]), np.asarray([np.nan, 1.0]), {"equal_nan": True}
    yield np.asarray([np.inf, 1.0]), np.asarray([np.inf, np.inf])


class Isclose(Op):
    """Whether elements are equal up to a tolerance."""

    elementwise = boolean = True
    samples = forward_only(_tolerance)

    def forward(x, y, *, rtol=1e-5, atol=1e-8, equal_nan=False):
        return xp.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


@public()
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |input − other| ≤ atol + rtol · |other|, element by element.

    Raises: RuntimeError when the dtypes differ.
    """
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.tensor_type} did not match {other.dtype.tensor_type}")
    return Isclose.call(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@public()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are equal up to a tolerance."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._data.all())


@public()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    a, b = input._data, other._data
    return a.shape == b.shape and bool((a == b).all())


@public()
def isreal(input: Tensor) -> Tensor:
    """Which elements have no imaginary part."""
    return Eq.call(input.imag, 0) if input.dtype.is_complex else Eq.call(input, input).logical_or(Isnan.call(input))


@public()
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return bool(input)


def invert(self: Tensor) -> Tensor:
    if self._data.dtype.kind not in "biu":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return BitwiseNot.call(self)


Tensor.__eq__ = operator(Eq)
Tensor.__ne__ = operator(Ne)
Tensor.__lt__ = operator(Lt)
Tensor.__le__ = operator(Le)
Tensor.__gt__ = operator(Gt)
Tensor.__ge__ = operator(Ge)
Tensor.__and__ = Tensor.__rand__ = operator(BitwiseAnd)
Tensor.__or__ = Tensor.__ror__ = operator(BitwiseOr)
Tensor.__xor__ = Tensor.__rxor__ = operator(BitwiseXor)
Tensor.__lshift__ = operator(BitwiseLeftShift)
Tensor.__rshift__ = operator(BitwiseRightShift)
Tensor.__invert__ = invert
Tensor.__iand__ = Tensor.bitwise_and_
Tensor.__ior__ = Tensor.bitwise_or_
Tensor.__ixor__ = Tensor.bitwise_xor_
Tensor.__ilshift__ = Tensor.bitwise_left_shift_
Tensor.__irshift__ = Tensor.bitwise_right_shift_
