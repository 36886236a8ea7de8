"""Tensors filled with one number, or with nothing in particular."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import check_words, finish, given, library_at, numpy_dtype, size_of


@public(method=False)
def zeros(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A tensor of zeros."""
    return make_filled("zeros", "zeros", size, named, out, dtype, device, requires_grad)


@public(method=False)
def ones(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A tensor of ones."""
    return make_filled("ones", "ones", size, named, out, dtype, device, requires_grad)


@public(method=False)
def empty(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A tensor whose numbers are whatever the memory held."""
    return make_filled("empty", "empty", size, named, out, dtype, device, requires_grad)


def make_filled(
    name: str, make: str, size: Any, named: Any, out: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """A tensor that NumPy's function `make` fills, from torch's ways of giving its size."""
    if "size" in named:
        size = (*size, named.pop("size"))
    check_words(name, named)
    if not size:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    make_it = getattr(library_at(device), make)
    return given(out, make_it(size_of(name, size), numpy_dtype(dtype)), device, requires_grad)


@public(method=False)
def full(
    size: Any,
    fill_value: Any,
    *,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """A tensor with the same number everywhere."""
    check_words("full", named)
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    target = (
        dtypes.python_dtype(type(fill_value)).numpy
        if dtype is None and type(fill_value) in (bool, int, float, complex)
        else numpy_dtype(dtype)
    )
    data = library_at(device).full(size_of("full", (size,)), fill_value, target)
    return given(out, data, device, requires_grad)


@public(method=False)
def eye(
    n: int,
    m: int | None = None,
    *,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    check_words("eye", named)
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    return given(out, library_at(device).eye(n, m, dtype=numpy_dtype(dtype)), device, requires_grad)


@public(method=False)
def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """Uninitialised numbers that lie in memory as `stride`, counted in elements, says."""
    check_words("empty_strided", named)
    shape, steps = size_of("empty_strided", (size,)), size_of("empty_strided", (stride,))
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {len(steps)} and {len(shape)}")
    target = numpy_dtype(dtype)
    last = sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) if 0 not in shape else -1
    memory = np.empty(last + 1, target)
    strides = tuple(step * target.itemsize for step in steps)
    return finish(np.lib.stride_tricks.as_strided(memory, shape, strides), device, requires_grad)
