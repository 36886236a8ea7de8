"""What NumPy's ufuncs are called in CUDA's C++, and the few functions that C++ does not have.

Each line of a kernel is `const TYPE NAME = EXPRESSION;`, with expressions that Python can read too: the tests compute
them with NumPy where there is no compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np

TYPES = {
    "bool": "bool", "int8": "signed char", "uint8": "unsigned char", "int16": "short", "int32": "int",
    "int64": "long long", "float32": "float", "float64": "double",
}  # fmt: skip
NARROW = ("float16", "bfloat16")
"""What is computed in float32 and rounded once, where it is stored."""

INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "equal": "==", "not_equal": "!=", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^",
    "logical_and": "&", "logical_or": "|", "logical_xor": "^",
}  # fmt: skip
ANY: dict[str, str] = {
    **{name: f"({{}} {sign} {{}})" for name, sign in INFIX.items()},
    "negative": "(-{})", "positive": "{}", "conjugate": "{}", "maximum": "larger({}, {})", "minimum": "smaller({}, {})",
    "square": "({0} * {0})", "sign": "sign_of({})",
}  # fmt: skip
"""What is the same for floats, integers and truth values."""
TRUTH = {"invert": "negated({})", "logical_not": "negated({})"}
OF_FLOATS: dict[str, str] = {
    **{f"arc{name}": f"a{name}({{}})" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: f"{name}({{}})" for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh",
        "tanh", "floor", "ceil", "trunc", "rint", "erf", "erfc",
    )},
    "divide": "({} / {})", "reciprocal": "reciprocal({})", "absolute": "fabs({})", "fabs": "fabs({})",
    "fmax": "fmax({}, {})", "fmin": "fmin({}, {})", "power": "pow({}, {})", "float_power": "pow({}, {})",
    "hypot": "hypot({}, {})", "arctan2": "atan2({}, {})", "copysign": "copysign({}, {})", "fmod": "fmod({}, {})",
    "floor_divide": "floor_divided({}, {})", "remainder": "rest_of({}, {})",
}  # fmt: skip
OF_WHOLE = {"floor_divide": "whole_divided({}, {})", "remainder": "whole_rest({}, {})"}
TESTS = {"isnan": "is_nan({})", "isinf": "is_infinite({})", "isfinite": "is_finite({})"}

PREAMBLE = (
    "".join(f"typedef {c} {name}_;\n" for name, c in TYPES.items())
    + """
template<typename T> __device__ T pick(bool which, T a, T b) { return which ? a : b; }
template<typename T> __device__ T larger(T a, T b) { return a > b || a != a ? a : b; }
template<typename T> __device__ T smaller(T a, T b) { return a < b || a != a ? a : b; }
template<typename T> __device__ T sign_of(T x) { return x > T(0) ? T(1) : x < T(0) ? T(-1) : x; }
template<typename T> __device__ T reciprocal(T x) { return T(1) / x; }
template<typename T> __device__ bool is_nan(T x) { return x != x; }
template<typename T> __device__ bool is_finite(T x) { return x - x == T(0); }
template<typename T> __device__ bool is_infinite(T x) { return x == x && x - x != T(0); }
__device__ bool negated(bool x) { return !x; }
template<typename T> __device__ T rest_of(T x, T y) {
  T rest = fmod(x, y);
  return rest == T(0) ? copysign(T(0), y) : (rest < T(0)) != (y < T(0)) ? rest + y : rest;
}
template<typename T> __device__ T floor_divided(T x, T y) {
  T rest = fmod(x, y), parts = (x - rest) / y;
  if (y == T(0)) return x / y;
  if (rest != T(0) && (rest < T(0)) != (y < T(0))) parts -= T(1);
  return parts == T(0) ? copysign(T(0), x / y) : floor(parts + T(0.5));
}
template<typename T> __device__ T whole_divided(T x, T y) {
  return y == T(0) ? T(0) : T(x / y - (x % y != T(0) && (x < T(0)) != (y < T(0))));
}
template<typename T> __device__ T whole_rest(T x, T y) {
  return y == T(0) ? T(0) : T(x % y + (x % y != T(0) && (x < T(0)) != (y < T(0)) ? y : T(0)));
}
"""
)
"""NaN passes through `larger` and `smaller`, as through NumPy's maximum and minimum."""


def type_of(dtype: Any) -> str:
    """What numbers of a dtype are computed in.

    Raises: KeyError for complex numbers, large unsigned integers and the like.
    """
    name = "float32" if dtype.name in NARROW else dtype.name
    if name not in TYPES:
        raise KeyError(name)
    return f"{name}_"


def word(name: str, loop: Any) -> str:
    """How the ufunc `name` is written for the dtypes of one of its loops.

    Raises: KeyError where that is not known.
    """
    kinds = {np.dtype(d).kind for d in loop}
    if name in ANY and not (name == "negative" and "b" in kinds) and not (name == "sign" and "b" in kinds):
        return ANY[name]
    if name in TRUTH and kinds == {"b"}:
        return TRUTH[name]
    if name in TESTS and kinds == {"f", "b"}:
        return TESTS[name]
    if kinds in ({"i"}, {"u"}):
        return OF_WHOLE[name]
    if kinds != {"f"}:
        raise KeyError(name)
    return OF_FLOATS[name]
