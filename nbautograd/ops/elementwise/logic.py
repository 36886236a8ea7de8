"""Logic, of truth values and of bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.core.short import operator
from nbautograd.core.tensor import Tensor
from nbautograd.ops.refusals import not_for
from nbautograd.ops.samples import SHAPES, Make, binary, forward_only, unary


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
        return not_for("bitwise_and_cpu", x, y)


class BitwiseOr(Op):
    """Bit by bit: set in at least one. For truth values, "or"."""

    elementwise = True
    samples = forward_only(_bits)

    def forward(x, y):
        return x | y

    def refuse(x, y):
        return not_for("bitwise_or_cpu", x, y)


class BitwiseXor(Op):
    """Bit by bit: set in exactly one. For truth values, "exclusive or"."""

    elementwise = True
    samples = forward_only(_bits)

    def forward(x, y):
        return x ^ y

    def refuse(x, y):
        return not_for("bitwise_xor_cpu", x, y)


class BitwiseNot(Op):
    """Every bit turned round. For truth values, "not"."""

    elementwise = True
    samples = forward_only(lambda make: ((kind(*s),) for s in SHAPES for kind in (make.ints, make.bools)))

    def forward(x):
        return ~x

    def refuse(x):
        return not_for("bitwise_not_cpu", x)


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

    def refuse(x, y):
        return not_for("lshift_cpu", x, y)


class BitwiseRightShift(Op):
    """Every bit moved to a lower place."""

    elementwise = True
    samples = forward_only(_shifts)

    def forward(x, y):
        return x >> y

    def refuse(x, y):
        return not_for("rshift_cpu", x, y)


for _op in (
    LogicalAnd,
    LogicalOr,
    LogicalXor,
    LogicalNot,
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
    BitwiseNot,
    BitwiseLeftShift,
    BitwiseRightShift,
):
    publish_op(_op)
    publish_in_place(_op)


def invert(self: Tensor) -> Tensor:
    if self._data.dtype.kind not in "biu":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return BitwiseNot.call(self)


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
