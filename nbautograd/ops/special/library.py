"""SciPy's special functions, imported when one is used, and a faster erf."""

from __future__ import annotations

import importlib
import math
from typing import Any

from nbautograd.core.array import CPU, device_of, is_cupy, ndarray, place
from nbautograd.core.op import xp


def special(name: str, x: Any, *more: Any) -> Any:
    """SciPy's special function `name`, in the precision of `x`; for a GPU CuPy's, or where it has none, on the host."""
    on_gpu = is_cupy(x) or any(is_cupy(y) for y in more)
    library = importlib.import_module("cupyx.scipy.special" if on_gpu else "scipy.special")
    if not hasattr(library, name):
        return place(special(name, place(x, CPU), *[place(y, CPU) for y in more]), device_of(x))
    result = getattr(library, name)(x, *more)
    if isinstance(result, tuple):
        result = result[0]  # airy gives four functions
    return result.astype(x.dtype) if x.dtype.kind == "f" and result.dtype != x.dtype else result


ROOT_HALF = math.sqrt(0.5)


# NOTE [Fast erf]
# SciPy's erf costs several times what tanh does. erf(x) = tanh(x p(x²)), and where float32 can tell the difference p is
# a polynomial of degree 6: fitted for the least largest error on [0, 3.9], within 2e-7 everywhere, p(0) = 2/√π. Beyond
# 3.9 it only grows, and tanh stays at 1.
ERF_COEFFICIENTS = (
    1.42974165e-07,
    -5.685526323e-06,
    8.771356994e-05,
    -0.0006198515527,
    -0.0001920481393,
    0.1027694128,
    1.128379167,
)


# The same for erf(x/√2): the coefficient of x^(2i+1) times √½^(2i+1).
NORMAL_COEFFICIENTS = tuple(c * 0.5 ** (6 - i + 0.5) for i, c in enumerate(ERF_COEFFICIENTS))


def fast_erf(x: Any, coefficients: tuple[float, ...] = ERF_COEFFICIENTS) -> Any:
    """erf (or with NORMAL_COEFFICIENTS erf(x/√2)), by NOTE [Fast erf] for float32 arrays."""
    if x.__class__ is not ndarray or x.ndim == 0 or x.dtype.char != "f":
        return special("erf", x if coefficients is ERF_COEFFICIENTS else x * ROOT_HALF)
    square = x * x
    p = square * coefficients[0]
    for coefficient in coefficients[1:-1]:
        p += coefficient
        p *= square
    p += coefficients[-1]
    p *= x
    return xp.tanh(p, out=p)
