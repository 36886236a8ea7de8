"""torch's dtypes over NumPy's, the default dtype, and the promotion rules where the two libraries differ."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np


class dtype:
    """The type of a tensor's elements, such as `torch.float32`.

    Example:
        >>> import nbautograd as torch
        >>> torch.tensor([1, 2]).dtype
        torch.int64
    """

    numpy: Any
    """NumPy's dtype of the same numbers."""

    def __init__(self, name: str, tensor_type: str, kind: str, bits: builtins.int) -> None:
        self.name = name
        self.tensor_type = tensor_type
        self.itemsize = max(bits // 8, 1)
        self.is_floating_point = kind == "f"
        self.is_complex = kind == "c"
        self.category = {"b": 0, "u": 2, "i": 2, "f": 3, "c": 4}[kind]
        if name != "bfloat16":
            self.numpy = np.dtype(name)

    def __getattr__(self, name: str) -> Any:
        if name == "numpy":  # that of bfloat16 is another package's
            _load_bfloat16()
            return self.numpy
        raise AttributeError(f"'dtype' object has no attribute '{name}'")

    @property
    def is_signed(self) -> builtins.bool:
        """Whether there are numbers below zero."""
        return self is not bool and not self.name.startswith("u")

    def to_complex(self) -> dtype:
        """The complex dtype whose parts have this one."""
        found = {"float32": complex64, "float64": complex128, "complex64": complex64, "complex128": complex128}
        return found.get(self.name, complex64)

    def to_real(self) -> dtype:
        """The dtype of the parts of this complex one; a real one itself."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


float16 = half = dtype("float16", "Half", "f", 16)
bfloat16 = dtype("bfloat16", "BFloat16", "f", 16)
float32 = float = dtype("float32", "Float", "f", 32)
float64 = double = dtype("float64", "Double", "f", 64)
complex64 = cfloat = dtype("complex64", "ComplexFloat", "c", 64)
complex128 = cdouble = dtype("complex128", "ComplexDouble", "c", 128)
int8 = dtype("int8", "Char", "i", 8)
uint8 = dtype("uint8", "Byte", "u", 8)
int16 = short = dtype("int16", "Short", "i", 16)
uint16 = dtype("uint16", "UInt16", "u", 16)
int32 = int = dtype("int32", "Int", "i", 32)
uint32 = dtype("uint32", "UInt32", "u", 32)
int64 = long = dtype("int64", "Long", "i", 64)
uint64 = dtype("uint64", "UInt64", "u", 64)
bool = dtype("bool", "Bool", "b", 1)

_UNSIGNED = (uint16, uint32, uint64)
ALL = (
    float32, float64, float16, bfloat16, int64, int32, bool, uint8, int8, int16, *_UNSIGNED, complex64, complex128,
)  # fmt: skip
_BY_NUMPY: dict[Any, dtype] = {d.numpy: d for d in ALL if d is not bfloat16}
_BY_NUMPY.update({d.numpy.type: d for d in ALL if d is not bfloat16})
_OF_PYTHON: dict[type, dtype] = {builtins.bool: bool, builtins.int: int64}

FLOATING, INEXACT = "fV", "fcV"
"""NumPy's letters for floats, and for what can have a gradient; V is bfloat16, see NOTE [bfloat16]."""

UNUSUAL: set[Any] = {np.dtype("bool"), np.dtype("complex64"), np.dtype("complex128")}
"""What never takes the short paths: torch has rules of its own for arithmetic on truth values, complex numbers are
recorded in their own way (NOTE [Complex gradients]), and bfloat16 joins when it is first used."""
UNUSUAL_SCALARS: set[Any] = {d.type for d in UNUSUAL}
"""The same for scalars; and a GPU's arrays, which join when the first one is seen."""

# NOTE [bfloat16]
# NumPy has no bfloat16; the package ml_dtypes adds one, whose letter is V. It is imported when somebody first uses
# `torch.bfloat16`. Its own sums round after each addition (a thousand ones make 256), so ops on it run in float32 and
# round once at the end, forward and backward: `Op.rounding` brackets an entry of the table that way.


brain: Any = None
"""NumPy's dtype for bfloat16, once somebody has used it."""


def _load_bfloat16() -> None:
    """Make NumPy know bfloat16.

    Raises: RuntimeError when the package for it is not installed.
    """
    global brain
    try:
        import ml_dtypes
    except ImportError:
        raise RuntimeError(
            "bfloat16 is not a dtype of NumPy: the package ml_dtypes adds it, and is not installed\n"
            "  hint: pip install nbautograd[bfloat16], or use torch.float32"
        ) from None
    bfloat16.numpy = brain = np.dtype(ml_dtypes.bfloat16)
    _BY_NUMPY.update({brain: bfloat16, brain.type: bfloat16})
    UNUSUAL.add(brain)
    UNUSUAL_SCALARS.add(brain.type)


_default = float32


def get_default_dtype() -> dtype:
    """The dtype that Python floats become: `torch.float32` unless changed."""
    return _default


def set_default_dtype(d: Any, /) -> None:
    """Let Python floats become `d` from here on.

    Raises: TypeError when `d` is not a floating-point dtype.
    """
    global _default
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def of_numpy(numpy_dtype: Any) -> dtype:
    """torch's dtype for a NumPy dtype (or scalar type).

    Raises: TypeError for a dtype that torch has no name for.
    """
    try:
        return _BY_NUMPY[numpy_dtype]
    except KeyError:
        raise TypeError(
            f"can't convert np.ndarray of type {_type_name(numpy_dtype)}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, "
            "uint8, and bool."
        ) from None


def _type_name(numpy_dtype: Any) -> str:
    kind = getattr(numpy_dtype, "type", numpy_dtype)
    return f"numpy.{kind.__name__}" if isinstance(kind, type) else str(kind)


def to_dtype(value: Any) -> dtype:
    """`value` as a dtype: one already, a NumPy dtype, or Python's `float`, `int`, `bool`."""
    if isinstance(value, dtype):
        return value
    return _OF_PYTHON.get(value) or of_numpy(np.dtype(value))


def default_complex() -> dtype:
    return complex128 if _default is float64 else complex64


def result_dtype(operands: list[tuple[Any, Any]]) -> Any:
    """The NumPy dtype that torch would compute in, from (dtype or Python number type, ndim) pairs.

    NOTE [Promotion]
    torch lets only the highest category (bool < integer < float < complex) decide, and within it tensors with
    dimensions before 0-d tensors before Python numbers. NumPy would widen int64 with float32 to float64.
    """
    ranks: dict[builtins.int, list[dtype]] = {0: [], 1: [], 2: []}
    for kind, ndim in operands:
        if ndim is None:
            ranks[2].append(python_dtype(kind))
        else:
            ranks[0 if ndim else 1].append(of_numpy(kind))
    best = _combined(_widest(ranks[0]), _combined(_widest(ranks[1]), _widest(ranks[2])))
    assert best is not None
    return best.numpy


def python_dtype(kind: type) -> dtype:
    if kind is builtins.float:
        return _default
    return default_complex() if kind is complex else _OF_PYTHON[kind]


def _combined(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """What operands of a higher rank become when those of a lower rank join them."""
    if higher is None or lower is None:
        return higher or lower
    if higher.is_complex or (higher.is_floating_point and not lower.is_complex):
        return higher
    if higher.is_floating_point:
        return complex128 if higher is float64 else complex64
    return _promoted(higher, lower) if higher is bool or lower.category > 2 else higher


def _widest(dtypes: list[dtype]) -> dtype | None:
    best: dtype | None = None
    for d in dtypes:
        best = d if best is None else _promoted(best, d)
    return best


def _promoted(a: dtype, b: dtype) -> dtype:
    """The smallest dtype for both; a float never widens for an integer.

    Raises: RuntimeError for torch's larger unsigned integers, which it does not mix with others.
    """
    if a is b:
        return a
    low, high = sorted((a, b), key=lambda d: d.category)
    if high.category < 3 and (a in _UNSIGNED or b in _UNSIGNED):
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, "
            f"attempted to promote {a.tensor_type} and {b.tensor_type}"
        )
    if low.category == high.category:
        if bfloat16 in (a, b):
            return float32 if low.itemsize == high.itemsize else max(a, b, key=lambda d: d.itemsize)
        return of_numpy(np.promote_types(a.numpy, b.numpy))
    return complex128 if high.is_complex and low is float64 else high
