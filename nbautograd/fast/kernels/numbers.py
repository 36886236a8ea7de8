"""exp, tanh and the normal distribution by polynomials without branches, which compile to vector instructions.

NOTE [Fast and right]
Kernels may sum in any order (`reassoc`) and fuse a product with a sum (`contract`): both leave NaN and infinity what
they are. They may never assume that these do not occur (`nnan`, `ninf`). What splits a number into parts on purpose,
as `exp` does, would be undone by another order: the functions here allow `contract` only.

NOTE [Largest]
A float's bits, read as an integer and with all but the sign flipped for negative ones, are ordered as the floats are,
and the largest of integers is a vector instruction. A NaN stands above infinity, so it wins, as in NumPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

STRICT = {"fastmath": {"contract"}, "error_model": "numpy"}

LOG2E = math.log2(math.e)
HIGH32, LOW32 = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
HIGH64, LOW64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LN2_32, INVERSE32 = np.float32(math.log(2)), np.float32(LOG2E)
F32, I32 = np.float32, np.int32
"""ln 2 in two parts, the first of few digits: its products with whole numbers are exact."""
C32 = tuple(np.float32(1 / math.factorial(k)) for k in range(8))
C64 = tuple(1 / math.factorial(k) for k in range(14))


@register_jitable(**STRICT)
def _series32(r: Any) -> Any:
    """e^r − 1 for |r| ≤ ½ ln 2."""
    p = C32[7] * r + C32[6]
    p = p * r + C32[5]
    p = p * r + C32[4]
    p = p * r + C32[3]
    p = p * r + C32[2]
    return p * r * r + r


@register_jitable(**STRICT)
def _series64(r: Any) -> Any:
    """e^r − 1 for |r| ≤ ½ ln 2."""
    p = C64[13] * r + C64[12]
    p = p * r + C64[11]
    p = p * r + C64[10]
    p = p * r + C64[9]
    p = p * r + C64[8]
    p = p * r + C64[7]
    p = p * r + C64[6]
    p = p * r + C64[5]
    p = p * r + C64[4]
    p = p * r + C64[3]
    p = p * r + C64[2]
    return p * r * r + r


@register_jitable(**STRICT)
def _power32(k: Any) -> Any:
    """2^k as a float."""
    return I32((k + I32(127)) << I32(23)).view(np.float32)


@register_jitable(**STRICT)
def _power64(k: Any) -> Any:
    return np.int64((k + 1023) << 52).view(np.float64)


def exp(x: Any) -> Any:
    """eˣ; the overloads below are what runs."""
    return np.exp(x)


def tanh(x: Any) -> Any:
    """tanh x = (e²ˣ − 1) / (e²ˣ + 1), from a series that is exact near 0."""
    return np.tanh(x)


def order(x: Any) -> Any:
    """`x` as an integer, ordered as floats are; see NOTE [Largest]."""
    raise NotImplementedError


def unorder(i: Any) -> Any:
    """The float that `order` made `i` of."""
    raise NotImplementedError


@overload(exp, jit_options=STRICT)
def _exp(x: Any) -> Any:
    def single(x: Any) -> Any:
        x = min(max(x, F32(-104)), F32(89))
        n = np.rint(x * INVERSE32)
        r = x - n * HIGH32
        r = r - n * LOW32
        k = I32(n)
        half = k >> I32(1)  # in two steps, for results below the smallest normal number
        return (_series32(r) + F32(1)) * _power32(half) * _power32(k - half)

    def double(x: Any) -> Any:
        x = min(max(x, -746.0), 710.0)
        n = np.rint(x * LOG2E)
        r = x - n * HIGH64
        r = r - n * LOW64
        k = np.int64(n)
        half = k >> 1
        return (_series64(r) + 1.0) * _power64(half) * _power64(k - half)

    return single if x == types.float32 else double


@overload(tanh, jit_options=STRICT)
def _tanh(x: Any) -> Any:
    def single(x: Any) -> Any:
        y = min(F32(2) * abs(x), F32(20))
        n = np.rint(y * INVERSE32)
        r = y - n * HIGH32
        r = r - n * LOW32
        power = _power32(I32(n))
        e = power * _series32(r) + (power - F32(1))
        return math.copysign(e / (e + F32(2)), x)

    def double(x: Any) -> Any:
        y = min(2.0 * abs(x), 44.0)
        n = np.rint(y * LOG2E)
        r = y - n * HIGH64
        r = r - n * LOW64
        power = _power64(np.int64(n))
        e = power * _series64(r) + (power - 1.0)
        return math.copysign(e / (e + 2.0), x)

    return single if x == types.float32 else double


@overload(order)
def _order(x: Any) -> Any:
    def single(x: Any) -> Any:
        i = F32(x).view(np.int32)
        return I32(i ^ ((i >> I32(31)) & I32(0x7FFFFFFF)))

    def double(x: Any) -> Any:
        i = np.float64(x).view(np.int64)
        return i ^ ((i >> 63) & 0x7FFFFFFFFFFFFFFF)

    return single if x == types.float32 else double


@overload(unorder)
def _unorder(i: Any) -> Any:
    def single(i: Any) -> Any:
        return I32(i ^ ((i >> I32(31)) & I32(0x7FFFFFFF))).view(np.float32)

    def double(i: Any) -> Any:
        return np.int64(i ^ ((i >> 63) & 0x7FFFFFFFFFFFFFFF)).view(np.float64)

    return single if i == types.int32 else double
