"""Transformations of vectors and matrices into others that fulfil a constraint."""

from __future__ import annotations

from typing import Any

from nbautograd.core.array import Size
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.cholesky import cholesky

from . import constraints
from .transform import Transform
from .utils import functions, limits


class SoftmaxTransform(Transform):
    """Any vector to probabilities; the inverse is only one of many."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftmaxTransform)

    __hash__ = object.__hash__


class StickBreakingTransform(Transform):
    """n numbers to n + 1 probabilities: each number says how much of what is left of a stick to break off."""

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        share = (x - self._offsets(x)).sigmoid().clamp(min=float(limits(x).tiny))
        left = (1 - share).cumprod(-1)
        one = x.new_ones((*x.shape[:-1], 1))
        return functions.cat([share, one], -1) * functions.cat([one, left], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        kept = y[..., :-1]
        left = (1 - kept.cumsum(-1)).clamp(min=float(limits(y).tiny))
        return kept.log() - left.log() + self._offsets(kept)

    def _offsets(self, x: Tensor) -> Tensor:
        """What makes x = 0 an even split."""
        return functions.arange(x.shape[-1], 0, -1, dtype=x.dtype, device=x.device).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        x = x - self._offsets(x)
        return (-x + functions.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        return Size((*shape[:-1], shape[-1] - 1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StickBreakingTransform)

    __hash__ = object.__hash__


class LowerCholeskyTransform(Transform):
    """Any matrix to a lower triangular one with a positive diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LowerCholeskyTransform)

    __hash__ = object.__hash__


class CumulativeDistributionTransform(Transform):
    """Numbers to their cumulative probabilities under a distribution."""

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    @property
    def domain(self) -> Any:  # type: ignore[override]
        return self.distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return self.distribution.log_prob(x)


class StackTransform(Transform):
    """A transform of its own for each slice along a dimension."""

    def __init__(self, tseq: Any, dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms = list(tseq)
        self.dim = dim
        self.bijective = all(t.bijective for t in self.transforms)
        self.domain = self.transforms[0].domain
        self.codomain = self.transforms[0].codomain

    def _each(self, apply: Any, *values: Tensor) -> Tensor:
        slices = zip(*(value.unbind(self.dim) for value in values), strict=True)
        done = [apply(t, *parts) for t, parts in zip(self.transforms, slices, strict=True)]
        return functions.stack(done, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return self._each(lambda t, part: t(part), x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._each(lambda t, part: t.inv(part), y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return self._each(lambda t, a, b: t.log_abs_det_jacobian(a, b), x, y)


class CatTransform(Transform):
    """A transform of its own for each stretch along a dimension."""

    def __init__(self, tseq: Any, dim: int = 0, lengths: Any = None, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms = list(tseq)
        self.dim = dim
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.bijective = all(t.bijective for t in self.transforms)
        self.domain = self.transforms[0].domain
        self.codomain = self.transforms[0].codomain

    def _each(self, apply: Any, *values: Tensor) -> Tensor:
        stretches = zip(*(value.split(self.lengths, self.dim) for value in values), strict=True)
        done = [apply(t, *parts) for t, parts in zip(self.transforms, stretches, strict=True)]
        return functions.cat(done, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return self._each(lambda t, part: t(part), x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self._each(lambda t, part: t.inv(part), y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        return self._each(lambda t, a, b: t.log_abs_det_jacobian(a, b), x, y)


class PositiveDefiniteTransform(Transform):
    """Any matrix to a positive definite one."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))
