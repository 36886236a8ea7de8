"""Common divisors and multiples, and the two parts that a float is stored as."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.results import result
from nbautograd.ops.samples import Make, forward_only, unary

ReturnFrexp = result("frexp", "mantissa", "exponent")


def _pairs(make: Make) -> Any:
    for a, b in (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((), (2, 3)), ((0,), (1,)), ((2, 1), (1, 3)), ((5,), ())):
        for dtype in (np.int64, np.int32, np.int8, np.uint8):
            low = 0 if dtype is np.uint8 else -12
            yield make.ints(*a, low=low, high=12, dtype=dtype), make.ints(*b, low=low, high=12, dtype=dtype)


def _only_integers(name: str, x: Any, y: Any) -> Exception | None:
    for data in (x, y):
        kind = getattr(data, "dtype", np.dtype(np.int64))
        if kind.kind not in "iu":
            tensor_type = dtypes.of_numpy(kind).tensor_type
            return NotImplementedError(f"\"{name}_cpu\" not implemented for '{tensor_type}'")
    return None


class Gcd(Op):
    """The greatest common divisor of two integers, element by element."""

    elementwise = True
    samples = forward_only(_pairs)

    def check(x, y):
        return _only_integers("gcd", x, y)

    def forward(x, y):
        return xp.gcd(x, y)


class Lcm(Op):
    """The least common multiple of two integers, element by element."""

    elementwise = True
    samples = forward_only(_pairs)

    def check(x, y):
        return _only_integers("lcm", x, y)

    def forward(x, y):
        return xp.lcm(x, y)


class Frexp(Op):
    """The mantissa from 0.5 up to 1, and the power of two it is multiplied by.

    Math: x = mantissa · 2^exponent
    """

    elementwise = True
    aux = ("exponent",)
    tex = {"x": "2^{-exponent}"}
    samples = unary()

    def forward(x):
        mantissa, exponent = xp.frexp(x)
        return mantissa, exponent.astype(np.int32)

    def dx(g, x_dtype, exponent):
        return g * xp.exp2(-xp.to_copy(exponent, dtype=x_dtype))


for _op in (Gcd, Lcm):
    publish_op(_op)
    publish_in_place(_op)


@public()
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """`(mantissa, exponent)` with input = mantissa · 2^exponent and the mantissa from 0.5 up to 1.

    Raises: RuntimeError for integers.
    """
    if input._data.dtype.kind not in dtypes.FLOATING:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return ReturnFrexp(*Frexp.call(input))
