"""Transformations of numbers, each by itself."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.tensor import Tensor

from . import constraints
from .transform import Transform, widened
from .utils import broadcast_shapes, functions, limits, sum_last


class _OfNumbers(Transform):
    bijective = True
    domain = constraints.real
    codomain = constraints.real
    sign = 1

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    __hash__ = object.__hash__


class ExpTransform(_OfNumbers):
    """y = eˣ"""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return x


class PowerTransform(_OfNumbers):
    """y = x to the power `exponent`, for positive x."""

    domain = constraints.positive
    codomain = constraints.positive

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent if isinstance(exponent, Tensor) else functions.tensor(float(exponent))

    @property
    def sign(self) -> Any:  # type: ignore[override]
        return self.exponent.sign()

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and bool((self.exponent == other.exponent).all())

    __hash__ = object.__hash__


class SigmoidTransform(_OfNumbers):
    """y = 1/(1 + e⁻ˣ)"""

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return x.sigmoid().clamp(min=float(limits(x).tiny), max=1.0 - float(limits(x).eps))

    def _inverse(self, y: Tensor) -> Tensor:
        y = y.clamp(min=float(limits(y).tiny), max=1.0 - float(limits(y).eps))
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return -functions.softplus(-x) - functions.softplus(x)


class SoftplusTransform(_OfNumbers):
    """y = log(1 + eˣ)"""

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return functions.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return -functions.softplus(-x)


class TanhTransform(_OfNumbers):
    """y = tanh x. With `cache_size=1` what it computed is inverted exactly, also close to ±1."""

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return 2.0 * (math.log(2.0) - x - functions.softplus(-2.0 * x))


class AbsTransform(_OfNumbers):
    """y = |x|, with the positive x as inverse."""

    bijective = False
    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


class AffineTransform(_OfNumbers):
    """y = loc + scale·x, for numbers or, with `event_dim`, vectors and matrices."""

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale = loc, scale
        self._event_dim = event_dim
        self.domain = self.codomain = widened(constraints.real, event_dim)

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @property
    def sign(self) -> Any:  # type: ignore[override]
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        if isinstance(self.scale, Tensor):
            stretch = functions.broadcast_to(self.scale.abs().log(), tuple(self.forward_shape(x.shape)))
        else:
            stretch = functions.full_like(x, math.log(abs(self.scale)))
        return sum_last(stretch, self._event_dim)

    def forward_shape(self, shape: Any) -> Any:
        return broadcast_shapes(shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ()))

    inverse_shape = forward_shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AffineTransform) and all(
            bool((functions.as_tensor(a) == functions.as_tensor(b)).all())
            for a, b in ((self.loc, other.loc), (self.scale, other.scale))
        )

    __hash__ = object.__hash__
