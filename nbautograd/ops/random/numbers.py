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
from nbautograd.ops.random.generators import Generator, generator_of


def drawn(draw: Callable[..., Any]) -> Any:
    """`draw`, of which the observer is told: calling it again with the same arguments draws the next numbers.

    Where those are tensors, it must take their arrays as well. It draws once; what it draws by, it calls unwrapped.
    """

    @functools.wraps(draw)
    def told(*args: Any) -> Any:
        array = draw(*args)
        if state.observer is not None:
            state.observer.drew(draw, args, array)
        return array

    return told


@drawn
def uniforms(
    shape: Any, dtype: Any, generator: Generator | None = None, device: Any = None, low: float = 0, size: float = 1
) -> Any:
    """Numbers from `low` up to but not including `low + size`, drawn in the precision they are wanted in."""
    source = generator_of(generator, device)
    working: Any = np.dtype(np.float64 if dtype in (np.float64, np.complex128) else np.float32)
    if source.on_gpu:
        kind = working if dtype.kind == "c" else dtype
        return source.draw("uniform", shape, kind, low, size).astype(dtype, copy=False)
    found = source.numpy.random(shape, working).astype(dtype, copy=False)
    return found if (low, size) == (0, 1) else found * dtype.type(size) + dtype.type(low)


@drawn
def normals(
    shape: Any, dtype: Any, generator: Generator | None = None, device: Any = None, mean: float = 0, std: float = 1
) -> Any:
    """Normal numbers; complex ones have half of the variance in each part."""
    source = generator_of(generator, device)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        real, imaginary = (_normals(source, shape, part, 0, 1) for _ in range(2))
        return ((real + 1j * imaginary) * 0.5**0.5).astype(dtype) * dtype.type(std) + dtype.type(mean)
    return _normals(source, shape, dtype, mean, std)


def _normals(source: Generator, shape: Any, dtype: Any, mean: float, std: float) -> Any:
    if source.on_gpu:
        return source.draw("normal", shape, dtype, float(mean), float(std))
    working = np.float64 if dtype == np.float64 else np.float32
    found = source.numpy.standard_normal(shape, working).astype(dtype, copy=False)
    return found if (mean, std) == (0, 1) else found * dtype.type(std) + dtype.type(mean)


@drawn
def integers(low: Any, high: Any, shape: Any, dtype: Any, generator: Generator | None, device: Any = None) -> Any:
    """Integers from `low` up to but not including `high`."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    source, low, high = generator_of(generator, device), int(low), int(high)
    if source.on_gpu:
        return source.draw("integer", shape, np.dtype(np.int64), low, high - low).astype(dtype, copy=False)
    return source.numpy.integers(low, high, shape).astype(dtype, copy=False)


@drawn
def keep_mask(shape: Any, p: float, dtype: Any, generator: Generator | None = None, device: Any = None) -> Any:
    """The factors of dropout on `device`: 0 with probability `p`, else 1 / (1 − p)."""
    source = generator_of(generator, device)
    if source.on_gpu:
        return source.draw("chance", shape, dtype, 1 - p, 1 / (1 - p) if p < 1 else 0.0)
    if p >= 1:
        return np.zeros(shape, dtype)
    return np.multiply(source.numpy.random(shape, np.float32) >= p, dtype.type(1 / (1 - p)), dtype=dtype)


@drawn
def chances(shape: Any, p: float, dtype: Any, generator: Generator | None = None, device: Any = None) -> Any:
    """Ones with probability `p`, zeros otherwise."""
    source = generator_of(generator, device)
    if source.on_gpu:
        return source.draw("chance", shape, dtype if dtype.kind != "c" else np.dtype(np.float32), p).astype(
            dtype, copy=False
        )
    return (source.numpy.random(shape) < p).astype(dtype)


@drawn
def spread_out(kind: str, shape: Any, figures: Any, generator: Generator | None = None, device: Any = None) -> Any:
    """Numbers of the other distributions that a GPU draws, in double precision on the CPU."""
    source = generator_of(generator, device)
    if source.on_gpu:
        return source.draw(kind, shape, np.dtype(np.float32), *figures)
    return ON_CPU[kind](source.numpy, shape, *figures)


ON_CPU: dict[str, Callable[..., Any]] = {
    "exponential": lambda random, shape, low, rate: random.standard_exponential(shape) / rate,
    "geometric": lambda random, shape, low, p: random.geometric(p, shape),
    "cauchy": lambda random, shape, median, sigma: random.standard_cauchy(shape) * sigma + median,
    "log_normal": lambda random, shape, mean, std: random.lognormal(mean, std, shape),
    "gumbel": lambda random, shape, low, size: random.gumbel(size=shape),
}


def floating(dtype: Any, problem: str) -> Any:
    """The NumPy dtype for a `dtype=` argument of a function that draws fractions.

    Raises: NotImplementedError in torch's words for integers.
    """
    found = numpy_dtype(dtype)
    if found.kind not in dtypes.INEXACT:
        raise NotImplementedError(f"\"{problem}\" not implemented for '{dtypes.of_numpy(found).tensor_type}'")
    return found


def host(x: Any) -> Any:
    """`x` as a NumPy array, for what is drawn on the CPU."""
    return np.asarray(arrays.place(x._data, arrays.CPU)) if isinstance(x, Tensor) else x


def where_drawn(x: Any) -> Any:
    """The numbers of `x` where they are: an array, or the number that it is."""
    return x._data if isinstance(x, Tensor) else x


def placed(data: Any, like: Tensor) -> Any:
    """`data` on the device of `like`."""
    return arrays.place(data, like.device) if like.is_cuda else data
