"""The operators of Python that stand for arithmetic."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op
from nbautograd.core.short import operator
from nbautograd.core.tensor import Tensor
from nbautograd.ops.elementwise.arithmetic import Add, Mul, Neg, Rsub, Sub, add_, positive, sub_
from nbautograd.ops.elementwise.division import (
    Div,
    FloorDivide,
    Reciprocal,
    Remainder,
    RemainderByNumber,
    div_,
    remainder_,
)
from nbautograd.ops.elementwise.powers import Pow, PowNumber, PowOfNumber, pow_in_place


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
Tensor.__iadd__ = add_
Tensor.__isub__ = sub_
Tensor.__imul__ = Tensor.mul_
Tensor.__itruediv__ = div_
Tensor.__ifloordiv__ = Tensor.floor_divide_
Tensor.__imod__ = remainder_
Tensor.__ipow__ = pow_in_place
