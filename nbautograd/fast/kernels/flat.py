"""Kernels of activations, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compiled import kernel, suits
from .numbers import exp, tanh

F32 = np.float32
ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
DENSITY = F32(1 / math.sqrt(2 * math.pi))
CUBIC = 0.044715

# tanh(x p(x²)) is the share of the normal distribution, 2 Φ(x) − 1, within 2e-7: what the text of the op computes too.
_ERF = (1.42974165e-07, -5.685526323e-06, 8.771356994e-05, -0.0006198515527, -0.0001920481393, 0.1027694128,
        1.128379167)  # fmt: skip
P = tuple(F32(c * 0.5 ** (6 - i + 0.5)) for i, c in enumerate(_ERF))


@kernel("float32[::1]", "boolean", "float32[::1]", "float32[::1]")
def gelu_exact(x: Any, needs_slope: Any, out: Any, slope: Any) -> None:
    for i in range(x.size):
        z = x[i]
        s = z * z
        p = s * P[0] + P[1]
        p = p * s + P[2]
        p = p * s + P[3]
        p = p * s + P[4]
        p = p * s + P[5]
        p = p * s + P[6]
        share = tanh(p * z) * F32(0.5) + F32(0.5)
        out[i] = z * share
        if needs_slope:
            slope[i] = exp(s * F32(-0.5)) * DENSITY * z + share


@kernel("F[::1]", "boolean", "F[::1]", "F[::1]")
def gelu_by_tanh(x: Any, needs_slope: Any, out: Any, slope: Any) -> None:
    kind = x.dtype.type
    one, half, root, cubic = kind(1), kind(0.5), kind(ROOT_TWO_OVER_PI), kind(CUBIC)
    for i in range(x.size):
        z = x[i]
        s = z * z
        t = tanh(z * (s * cubic + one) * root)
        share = (t + one) * half
        out[i] = z * share
        if needs_slope:
            slope[i] = share + z * (one - t * t) * (s * (kind(3) * cubic) + one) * (half * root)


def _with_slope(compiled: Any, chars: str) -> Any:
    def adapter(x: Any, *, needs_slope: bool = True) -> Any:
        if not suits(x) or x.dtype.char not in chars:
            return None
        out = np.empty_like(x)
        slope = np.empty_like(x) if needs_slope else out
        compiled(x.reshape(-1), needs_slope, out.reshape(-1), slope.reshape(-1))
        return out, slope if needs_slope else None

    return adapter


gelu = _with_slope(gelu_exact, "f")
gelu_tanh = _with_slope(gelu_by_tanh, "fd")
