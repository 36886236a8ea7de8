"""torch.signal.windows: windows by the names and with the arguments that SciPy gives them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import finish

Values = Callable[[Any, float], Any]
"""The values of a window at the places 0, 1, 2, … of a length."""


def _made(name: str, values: Values, M: int, sym: bool, dtype: Any, device: Any, requires_grad: bool) -> Tensor:  # noqa: N803
    """A window of `M` places; one that is not symmetric leaves the last place to the window behind it."""
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if kind not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {kind}")
    found = np.ones(M) if M <= 1 else values(np.arange(M), M - 1 if sym else M)
    return finish(np.asarray(found).astype(kind.numpy), device, requires_grad)


def exponential(
    M: int,  # noqa: N803
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A window that falls off on both sides of its centre by a factor e for each `tau` places.

    Math: wₙ = e^(−|n − center|/tau)
    Raises: ValueError for a `tau` that is not positive, or a centre in a symmetric window.
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def values(n: Any, last: float) -> Any:
        return np.exp(-np.abs(n - (last / 2 if center is None else center)) / tau)

    return _made("exponential", values, M, sym, dtype, device, requires_grad)


def cosine(
    M: int,  # noqa: N803
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a wave of the sine.

    Math: wₙ = sin(π (n + ½) / M)
    """

    def values(n: Any, last: float) -> Any:
        return np.sin(np.pi * (n + 0.5) / (last + 1))

    return _made("cosine", values, M, sym, dtype, device, requires_grad)


def gaussian(
    M: int,  # noqa: N803
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A bell of the width `std` places.

    Math: wₙ = e^(−½ ((n − N/2)/std)²)
    Raises: ValueError for a width that is not positive.
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def values(n: Any, last: float) -> Any:
        return np.exp(-0.5 * ((n - last / 2) / std) ** 2)

    return _made("gaussian", values, M, sym, dtype, device, requires_grad)


def kaiser(
    M: int,  # noqa: N803
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A window with nearly the most of its spectrum in the middle; `beta` trades width for what leaks.

    Math: wₙ = I₀(β √(1 − (2n/N − 1)²)) / I₀(β)
    Raises: ValueError for a negative `beta`.
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def values(n: Any, last: float) -> Any:
        return np.i0(beta * np.sqrt(np.maximum(1 - (2 * n / last - 1) ** 2, 0))) / np.i0(beta)

    return _made("kaiser", values, M, sym, dtype, device, requires_grad)


def bartlett(
    M: int,  # noqa: N803
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle.

    Math: wₙ = 1 − |2n/N − 1|
    """

    def values(n: Any, last: float) -> Any:
        return 1 - np.abs(2 * n / last - 1)

    return _made("bartlett", values, M, sym, dtype, device, requires_grad)


def general_cosine(
    M: int,  # noqa: N803
    *,
    a: Any,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A sum of cosines.

    Math: wₙ = Σᵢ (−1)ⁱ aᵢ cos(2π i n / N)
    Raises: TypeError, ValueError when there is no list of coefficients.
    """
    if not isinstance(a, list | tuple):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")

    def values(n: Any, last: float) -> Any:
        return sum((-1) ** i * w * np.cos(2 * np.pi * i * n / last) for i, w in enumerate(a))

    return _made("general_cosine", values, M, sym, dtype, device, requires_grad)


def general_hamming(M: int, *, alpha: float = 0.54, **options: Any) -> Tensor:  # noqa: N803
    """A raised cosine.

    Math: wₙ = α − (1 − α) cos(2π n / N)
    """
    return general_cosine(M, a=[alpha, 1.0 - alpha], **options)


def _sum(name: str, coefficients: list[float], doc: str) -> Callable[..., Tensor]:
    def window(M: int, **options: Any) -> Tensor:  # noqa: N803
        return general_cosine(M, a=coefficients, **options)

    window.__name__ = window.__qualname__ = name
    window.__doc__ = doc
    return window


hamming = _sum("hamming", [0.54, 0.46], "A raised cosine that does not fall to zero.")
hann = _sum("hann", [0.5, 0.5], "A raised cosine from 0 to 1 and back.")
blackman = _sum("blackman", [0.42, 0.5, 0.08], "Two cosines that leave little of what leaks.")
nuttall = _sum("nuttall", [0.3635819, 0.4891775, 0.1365995, 0.0106411], "Three cosines that leave less of what leaks.")

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

windows = ModuleType(f"{__name__}.windows", __doc__)
vars(windows).update({name: globals()[name] for name in __all__}, __all__=__all__)
sys.modules[windows.__name__] = windows
