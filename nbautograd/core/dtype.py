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

    __slots__ = ("category", "is_complex", "is_floating_point", "itemsize", "name", "numpy", "tensor_type")

    def __init__(self, name: str, tensor_type: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)
        self.tensor_type = tensor_type
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"
        self.is_complex = self.numpy.kind == "c"
        self.category = "buifc".index(self.numpy.kind) if self.numpy.kind != "u" else 2

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return f"{self.name}_"


float16 = half = dtype("float16", "Half")
float32 = float = dtype("float32", "Float")
float64 = double = dtype("float64", "Double")
complex64 = cfloat = dtype("complex64", "ComplexFloat")
complex128 = cdouble = dtype("complex128", "ComplexDouble")
int8 = dtype("int8", "Char")
uint8 = dtype("uint8", "Byte")
int16 = short = dtype("int16", "Short")
int32 = int = dtype("int32", "Int")
int64 = long = dtype("int64", "Long")
bool = dtype("bool", "Bool")

ALL = (float32, float64, float16, int64, int32, bool, uint8, int8, int16, complex64, complex128)
_BY_NUMPY: dict[Any, dtype] = {d.numpy: d for d in ALL}
_BY_NUMPY.update({d.numpy.type: d for d in ALL})
_OF_PYTHON: dict[type, dtype] = {builtins.bool: bool, builtins.int: int64}

_default = float32


def get_default_dtype() -> dtype:
    """The dtype that Python floats become: `torch.float32` unless changed."""
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Let Python floats become `d` from here on.

    Raises: TypeError when `d` is not a floating-point dtype.
    """
    global _default
    if not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, but got {d}")
    _default = d


def of_numpy(numpy_dtype: Any) -> dtype:
    """torch's dtype for a NumPy dtype (or scalar type).

    Raises: TypeError for a dtype that torch has no name for.
    """
    try:
        return _BY_NUMPY[numpy_dtype]
    except KeyError:
        raise TypeError(
            f"can't convert np.ndarray of type {numpy_dtype}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint8, and bool."
        ) from None


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
    """The smallest dtype for both; a float never widens for an integer."""
    if a.category == b.category:
        return of_numpy(np.promote_types(a.numpy, b.numpy))
    low, high = sorted((a, b), key=lambda d: d.category)
    return complex128 if high.is_complex and low is float64 else high
