"""torch.testing: `assert_close`, which says where two results differ most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.absent import refuse_in
from nbautograd.core.array import CPU, place
from nbautograd.core.tensor import Tensor

_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
"""(rtol, atol) by dtype; everything else must be equal."""


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Whether tensors, numbers, or lists and dicts of them are equal up to |a − b| ≤ atol + rtol · |b|.

    The tolerances depend on the dtype unless they are given.

    Raises: AssertionError with the largest differences; ValueError when only one tolerance is given.
    Example:
        >>> import nbautograd as torch
        >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    checks = {"device": check_device, "dtype": check_dtype, "stride": check_stride}
    for a, b, where in _pairs(actual, expected, ()):
        problem = _problem(a, b, None if rtol is None else (rtol, atol), equal_nan, checks)
        if problem is not None:
            text = problem + (
                f"\n\nThe failure occurred for item {''.join(f'[{k!r}]' for k in where)}" if where else ""
            )
            raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg)


def _pairs(a: Any, b: Any, where: tuple[Any, ...]) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """The leaves of nested lists and dicts, with the way to each."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            raise AssertionError(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(b.keys() - a.keys())}\n"
                f"Additional keys in the actual mapping: {sorted(a.keys() - b.keys())}"
            )
        for key in a:
            yield from _pairs(a[key], b[key], (*where, key))
    elif isinstance(a, Sequence) and isinstance(b, Sequence) and not isinstance(a, str) and not isinstance(b, str):
        if len(a) != len(b):
            raise AssertionError(f"The length of the sequences mismatch: {len(a)} != {len(b)}")
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _pairs(x, y, (*where, i))
    else:
        yield a, b, where


def _problem(a: Any, b: Any, tolerances: Any, equal_nan: bool, checks: dict[str, bool]) -> str | None:
    """What is wrong with one pair; None when nothing is."""
    if a is None and b is None:
        return None
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return _of_tensors(a, b, tolerances, equal_nan, checks)
    if isinstance(a, int | float | complex) and isinstance(b, int | float | complex):
        if checks["dtype"] and type(a) is not type(b):
            return f"The (d)types do not match: {type(a)} != {type(b)}."
        dtype = (
            dtypes.float64 if isinstance(b, float) else dtypes.complex128 if isinstance(b, complex) else dtypes.int64
        )
        return _differences(np.asarray(a), np.asarray(b), tolerances or _tolerances(dtype, dtype), equal_nan, a, b)
    raise TypeError(f"No comparison pair was able to handle inputs of type {_kind(a)} and {_kind(b)}.")


def _kind(obj: Any) -> str:
    return "<class 'torch.Tensor'>" if type(obj) is Tensor else repr(type(obj))


def _of_tensors(a: Tensor, b: Tensor, tolerances: Any, equal_nan: bool, checks: dict[str, bool]) -> str | None:
    questions = {"shape": lambda t: t.shape, "device": lambda t: t.device, "dtype": lambda t: t.dtype,
                 "stride": lambda t: t.stride()}  # fmt: skip
    for name, question in questions.items():
        if checks.get(name, name == "shape") and question(a) != question(b):
            mark = "()" if name == "stride" else ""
            return f"The values for attribute '{name}{mark}' do not match: {question(a)} != {question(b)}."
    x, y = (_numbers(t) for t in (a, b))
    single = (x.item(), y.item()) if not x.ndim else (None, None)
    return _differences(x, y, tolerances or _tolerances(a.dtype, b.dtype), equal_nan, *single)


def _numbers(t: Tensor) -> Any:
    data = np.asarray(place(t._data, CPU))
    return data.astype(np.float32) if data.dtype.kind == "V" else data


def _tolerances(a: dtypes.dtype, b: dtypes.dtype) -> tuple[float, float]:
    pairs = [_TOLERANCES.get(d.name, (0.0, 0.0)) for d in (a, b)]
    return max(r for r, _ in pairs), max(t for _, t in pairs)


def _differences(x: Any, y: Any, tolerances: Any, equal_nan: bool, one: Any, other: Any) -> str | None:
    """How far the numbers are apart, when that is too far."""
    rtol, atol = tolerances
    if x.dtype.kind in "bu":
        x, y = x.astype(np.int64), y.astype(np.int64)
    with np.errstate(all="ignore"):
        close = np.isclose(x, y, rtol, atol, equal_nan)
        if close.all():
            return None
        apart = np.where(close, 0, np.abs(x - y))
        relative = np.where(close, 0, apart / np.abs(y))
    equal = not (rtol or atol)
    limits = ["" if equal else f" (up to {limit:g} allowed)" for limit in (atol, rtol)]
    what = "equal" if equal else "close"
    if one is not None:
        gap = abs(one - other)
        share = gap / abs(other) if other else float("inf")
        lines = [f"Scalars are not {what}!", "", f"Expected {other} but got {one}."]
        lines += [
            f"Absolute difference: {gap}{limits[0]}",
            f"Relative difference: {share}{limits[1]}",
        ]
        return "\n".join(lines)
    wrong = int((~close).sum())
    lines = [f"Tensor-likes are not {what}!", ""]
    lines += [f"Mismatched elements: {wrong} / {close.size} ({wrong / close.size:.1%})"]
    for name, values, limit in (("absolute", apart, limits[0]), ("relative", relative, limits[1])):
        worst = np.unravel_index(np.argmax(values), values.shape)
        index = tuple(int(i) for i in worst)
        lines.append(f"Greatest {name} difference: {values[worst].item()} at index {index}{limit}")
    return "\n".join(lines)


__getattr__ = refuse_in("testing")

__all__ = ["assert_close"]
