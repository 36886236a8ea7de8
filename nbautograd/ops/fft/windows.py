"""Windows: how much the samples of a piece of a signal count, so that its ends do not leak into the spectrum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.public import public
from nbautograd.ops.create.base import finish


def _window(
    name: str, shape: Callable[[Any], Any], length: int, periodic: bool, dtype: Any, device: Any, requires_grad: bool
) -> Any:
    """The values of `shape` at `length` places from 0 to 1; a periodic window leaves the last place to the next one."""
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    if not kind.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    steps = length if periodic else length - 1
    values = np.ones(length) if length <= 1 else shape(np.arange(length) / steps)
    return finish(values.astype(kind.numpy), device, requires_grad)


@public(method=False)
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
):
    """A raised cosine from 0 to 1 and back.

    Math: outₙ = ½ (1 − cos(2π n / N))
    Example:
        >>> import nbautograd as torch
        >>> torch.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """

    def shape(x: Any) -> Any:
        return 0.5 - 0.5 * np.cos(2 * np.pi * x)

    return _window("hann_window", shape, window_length, periodic, dtype, device, requires_grad)


@public(method=False)
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
):
    """A raised cosine that does not fall to zero.

    Math: outₙ = alpha − beta cos(2π n / N)
    """

    def shape(x: Any) -> Any:
        return alpha - beta * np.cos(2 * np.pi * x)

    return _window("hamming_window", shape, window_length, periodic, dtype, device, requires_grad)


@public(method=False)
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
):
    """Two cosines that leave little of what leaks.

    Math: outₙ = 0.42 − 0.5 cos(2π n / N) + 0.08 cos(4π n / N)
    """

    def shape(x: Any) -> Any:
        return 0.42 - 0.5 * np.cos(2 * np.pi * x) + 0.08 * np.cos(4 * np.pi * x)

    return _window("blackman_window", shape, window_length, periodic, dtype, device, requires_grad)


@public(method=False)
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
):
    """A straight line up, and one down.

    Math: outₙ = 1 − |2n / N − 1|
    """

    def shape(x: Any) -> Any:
        return 1 - np.abs(2 * x - 1)

    return _window("bartlett_window", shape, window_length, periodic, dtype, device, requires_grad)


@public(method=False)
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
):
    """The window that keeps most of its energy in the middle of the spectrum; the larger `beta`, the wider it is.

    Math: outₙ = I₀(beta √(1 − (2n / N − 1)²)) / I₀(beta)
    """

    def shape(x: Any) -> Any:
        return np.i0(beta * np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))) / np.i0(beta)

    return _window("kaiser_window", shape, window_length, periodic, dtype, device, requires_grad)
