"""What torch refuses, in its words."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.dtype import of_numpy
from nbautograd.core.modes import may_look


def is_truth(x: Any) -> bool:
    return isinstance(x, bool) or getattr(x, "dtype", None) == np.bool


def no_truth_values(x: Any, y: Any) -> str | None:
    """torch's refusal to subtract truth values."""
    count = is_truth(x) + is_truth(y)
    if count == 2:
        return (
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    if count:
        return (
            "Subtraction, the `-` operator, with a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return None


def no_derivative(name: str) -> Exception:
    return RuntimeError(f"derivative for aten::{name} is not implemented")


def any_zero(y: Any) -> bool:
    """Whether an integer division would fail; on a GPU nobody looks, as in PyTorch: the program would wait for it."""
    if not may_look(y):
        return False
    found = y == 0
    return bool(found.any()) if hasattr(found, "any") else found


def numbers_only(problem: str) -> Any:
    """A check that refuses truth values in torch's words."""

    def check(x: Any) -> Exception | None:
        return NotImplementedError(f"\"{problem}\" not implemented for 'Bool'") if x.dtype.kind == "b" else None

    return check


def fractions_only(problem: str) -> Any:
    """A check that refuses whole numbers and truth values in torch's words."""

    def check(x: Any) -> Exception | None:
        if x.dtype.kind in "fcV":
            return None
        return NotImplementedError(f"\"{problem}\" not implemented for '{of_numpy(x.dtype).tensor_type}'")

    return check


def not_for(kernel: str, *operands: Any) -> Exception | None:
    """torch's words for numbers with fractions where it wants whole ones."""
    kinds = [x.dtype for x in operands if getattr(x, "dtype", None) is not None and x.dtype.kind in "fc"]
    if not kinds:
        return None
    return NotImplementedError(f"\"{kernel}\" not implemented for '{of_numpy(kinds[0]).tensor_type}'")


def nothing_to_reduce(name: str, whole: type[Exception] = RuntimeError) -> Any:
    """torch's refusal to look for one of no elements."""

    def refuse(x: Any, *, dim: Any = None, **_: Any) -> Exception | None:
        if x.size:
            return None
        if dim is None:
            return whole(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        empty = [d for d in (dim if isinstance(dim, tuple) else (dim,)) if not x.shape[d]]
        return IndexError(f"{name}(): Expected reduction dim {empty[0]} to have non-zero size.") if empty else None

    return refuse


def dim_error(dim: int, ndim: int) -> Exception | None:
    """torch's error for a dimension that is not there."""
    span = max(ndim, 1)
    if -span <= dim < span:
        return None
    return IndexError(f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {dim})")
