"""Drawing arrays of random numbers, and what random functions share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.modes import state
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create import numpy_dtype
from nbautograd.ops.random.generators import Generator, numbers_of


def drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    """`draw`, of which the observer is told: calling it again with the same arguments draws the next numbers."""

    @functools.wraps(draw)
    def told(*args: Any) -> Any:
        array = draw(*args)
        if state.observer is not None:
            state.observer.drew(draw, args, array)
        return array

    return told


@drawn
def uniforms(shape: Any, dtype: Any, generator: Generator | None = None, device: Any = None) -> Any:
    """Numbers from 0 up to but not including 1, drawn in the precision they are wanted in."""
    working = np.float64 if dtype in (np.float64, np.complex128) else np.float32
    return numbers_of(generator, device).random(shape, working).astype(dtype, copy=False)


@drawn
def normals(shape: Any, dtype: Any, generator: Generator | None = None, device: Any = None) -> Any:
    """Numbers with mean 0 and variance 1; complex ones have half of it in each part."""
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        real, imaginary = (normals(shape, part, generator, device) for _ in range(2))
        return ((real + 1j * imaginary) * 0.5**0.5).astype(dtype)
    working = np.float64 if dtype == np.float64 else np.float32
    return numbers_of(generator, device).standard_normal(shape, working).astype(dtype, copy=False)


@drawn
def integers(low: Any, high: Any, shape: Any, dtype: Any, generator: Generator | None, device: Any = None) -> Any:
    """Integers from `low` up to but not including `high`."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return numbers_of(generator, device).integers(int(low), int(high), shape).astype(dtype, copy=False)


@drawn
def keep_mask(shape: Any, p: float, dtype: Any, generator: Generator | None = None, device: Any = None) -> Any:
    """The factors of dropout on `device`: 0 with probability `p`, else 1 / (1 − p)."""
    if p >= 1:
        mask = np.zeros(shape, dtype)
    else:
        kept = numbers_of(generator, device).random(shape, np.float32) >= p
        mask = np.multiply(kept, dtype.type(1 / (1 - p)), dtype=dtype)
    return mask if device is None or device is arrays.CPU else arrays.place(mask, device)


def floating(dtype: Any, problem: str) -> Any:
    """The NumPy dtype for a `dtype=` argument of a function that draws fractions.

    Raises: NotImplementedError in torch's words for integers.
    """
    found = numpy_dtype(dtype)
    if found.kind not in dtypes.INEXACT:
        raise NotImplementedError(f"\"{problem}\" not implemented for '{dtypes.of_numpy(found).tensor_type}'")
    return found


def host(x: Any) -> Any:
    """`x` as a NumPy array: random numbers are drawn on the CPU, so that every device gives the same ones."""
    return np.asarray(arrays.place(x._data, arrays.CPU)) if isinstance(x, Tensor) else x


def placed(data: Any, like: Tensor) -> Any:
    """`data` on the device of `like`."""
    return arrays.place(data, like.device) if like.is_cuda else data
