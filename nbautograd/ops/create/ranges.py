"""Tensors of evenly spaced numbers, and of the indices of triangles."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.errors import user_depth
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import finish, given, library_at, numpy_dtype


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor | np.generic) else value


@public(method=False)
def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from `start` up to but not including `end`.

    Example:
        >>> import nbautograd as torch
        >>> torch.arange(3), torch.arange(0, 1, 0.25)
        (tensor([0, 1, 2]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    start, end, step = _plain(start), _plain(end), _plain(step)
    if end is None:
        start, end = type(start)(0), start
    if dtype is not None and numpy_dtype(dtype).kind in "iu":
        start, end, step = int(start), int(end), int(step)
    _check_step(start, end, step)
    if isinstance(end, float):
        start = float(start)
    data = _ramp(start, step, math.ceil((end - start) / step), dtype, device)
    return given(out, data, device, requires_grad)


@public("range", method=False)
def range_(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The numbers from `start` to `end`, which is included; `arange` is the usual one."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=user_depth(),
    )
    if end is None:
        start, end = 0, start
    _check_step(start, end, step)
    data = _ramp(float(start), step, math.floor((end - start) / step) + 1, dtype, device)
    return finish(data, device, requires_grad)


def _check_step(start: Any, end: Any, step: Any) -> None:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _ramp(start: Any, step: Any, count: int, dtype: Any, device: Any) -> Any:
    integers = isinstance(start, int) and isinstance(step, int)
    target = np.dtype(np.int64) if dtype is None and integers else numpy_dtype(dtype)
    return (start + step * library_at(device).arange(count)).astype(target)


@public(method=False)
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, evenly spaced."""
    start, end = _end("linspace", "start", start), _end("linspace", "end", end)
    target = _kind_between("linspace", start, end, dtype)
    return given(out, _spaced(start, end, steps, target), device, requires_grad)


@public(method=False)
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` powers of `base`, with exponents evenly spaced from `start` to `end`."""
    start, end = _end("logspace", "start", start), _end("logspace", "end", end)
    target = _kind_between("logspace", start, end, dtype)
    exponents = _spaced(start, end, steps, np.dtype(np.complex128 if target.kind == "c" else np.float64))
    return finish(np.power(base, exponents).astype(target), device, requires_grad)


def _end(function: str, word: str, value: Any) -> Any:
    """One end as a Python number."""
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"{function} only supports 0-dimensional start and end tensors, but got {word} with {value.ndim} "
            "dimension(s)."
        )
    return _plain(value)


def _kind_between(function: str, start: Any, end: Any, dtype: Any) -> Any:
    """The dtype of numbers between two, which may be complex."""
    if not (isinstance(start, complex) or isinstance(end, complex)):
        return numpy_dtype(dtype)
    wide = np.result_type(numpy_dtype(None), np.complex64)
    target = wide if dtype is None else numpy_dtype(dtype)
    if target.kind != "c":
        raise RuntimeError(
            f"torch.{function}(): inferred dtype {dtypes.of_numpy(wide).tensor_type} can't be safely cast to passed "
            f"dtype {dtypes.of_numpy(target).tensor_type}"
        )
    return target


def _spaced(start: Any, end: Any, steps: int, target: Any) -> Any:
    """Computed from both ends, as torch does, so that the last number is exactly `end`."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    i = np.arange(steps)
    working, plain = np.float32 if target == np.float32 else np.float64, float
    if target.kind == "c":
        working, plain = target.type, complex
    step = plain((working(end) - working(start)) / working(max(steps - 1, 1)))
    start, end = plain(working(start)), plain(working(end))
    from_start = i < steps // 2 if steps > 1 else i == 0
    return np.where(from_start, start + step * i, end - step * (steps - 1 - i)).astype(target)


@public(method=False)
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """Rows and columns of the elements on and below a diagonal."""
    return finish(np.stack(np.tril_indices(row, offset, col)).astype(numpy_dtype(dtype)), device)


@public(method=False)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """Rows and columns of the elements on and above a diagonal."""
    return finish(np.stack(np.triu_indices(row, offset, col)).astype(numpy_dtype(dtype)), device)
