"""Transformations of vectors and matrices into others that fulfil a constraint."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.array import Size
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.cholesky import cholesky

from . import constraints
from .transform import Transform
from .utils import functions, limits, tril_matrix_to_vec, vec_to_tril_matrix


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


class CorrCholeskyTransform(Transform):
    """D·(D − 1)/2 numbers to the Cholesky factor of a correlation matrix of size D.

    Math: r = tanh x; in each row yⱼ = rⱼ · Πₖ<ⱼ √(1 − rₖ²), and the diagonal takes what is left of the length one
    """

    bijective = True
    domain = constraints.real_vector
    codomain = constraints.corr_cholesky

    def _call(self, x: Tensor) -> Tensor:
        most = 1 - float(limits(x).eps)
        r = vec_to_tril_matrix(x.tanh().clamp(min=-most, max=most), -1)
        left = (1 - r**2).sqrt().cumprod(-1)[..., :-1]
        size = r.shape[-1]
        return (r + functions.eye(size, dtype=r.dtype, device=r.device)) * _after_one(left)

    def _inverse(self, y: Tensor) -> Tensor:
        left = _after_one(1 - (y * y).cumsum(-1)[..., :-1])
        t = tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(left, -1).sqrt()
        return (t.log1p() - (-t).log1p()) / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Any:
        """That of x and the numbers below the diagonal of y."""
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), -2)
        flattened = 2 * (x + functions.softplus(-2 * x) - math.log(2)).sum(-1)
        return 0.5 * left.log().sum(-1) - flattened

    def forward_shape(self, shape: Any) -> Any:
        count = shape[-1]
        size = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if size * (size - 1) // 2 != count:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return Size((*shape[:-1], size, size))

    def inverse_shape(self, shape: Any) -> Any:
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CorrCholeskyTransform)

    __hash__ = object.__hash__


def _after_one(x: Tensor) -> Tensor:
    """`x` with a one before each row."""
    return functions.cat([x.new_ones((*x.shape[:-1], 1)), x], -1)


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
        self.domain, self.codomain = (
            constraints.stack([getattr(t, side) for t in self.transforms], dim) for side in ("domain", "codomain")
        )

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
        self.domain, self.codomain = (
            constraints.cat([getattr(t, side) for t in self.transforms], dim, self.lengths)
            for side in ("domain", "codomain")
        )

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
