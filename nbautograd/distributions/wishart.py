"""The Wishart distribution: covariance matrices at random."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nbautograd.core.tensor import Tensor

from . import constraints
from .exp_family import ExponentialFamily
from .multivariate_normal import FORMS, Factored, factor_of, half_log_det, squares_of
from .positive import Chi2
from .utils import broadcast_shapes, functions, limits, normal_noise


class Wishart(Factored, ExponentialFamily):
    """The sum of v vᵀ over `df` normal vectors v with the given covariance.

    Math: log p(X) = ½ (ν − p − 1) log det X − ½ tr(Σ⁻¹ X) − ½ ν log det 2Σ − log Γₚ(ν/2)
    Shape: df (…), covariance_matrix (…, P, P)
    Source: Wishart 1928, *The generalised product moment distribution*; drawn as by Bartlett 1933.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = dict(zip(FORMS, (covariance_matrix, precision_matrix, scale_tril), strict=True))
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        size, number = matrix.shape[-1], not isinstance(df, Tensor)
        batch = tuple(matrix.shape[:-2]) if number else tuple(broadcast_shapes(matrix.shape[:-2], df.shape))
        self.df = functions.tensor(df, dtype=matrix.dtype, device=matrix.device) if number else df.expand(batch)
        if bool((self.df <= size - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        if bool((self.df < size).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        self.__dict__[name] = matrix.expand((*batch, -1, -1))
        super().__init__(batch, (size, size), validate_args=validate_args)
        self._tril = factor_of(name, matrix)

    @property
    def arg_constraints(self) -> Any:  # type: ignore[override]
        """What the parameters must fulfil: there are more degrees of freedom than dimensions less one."""
        return {**squares_of(), "df": constraints.greater_than(self._event_shape[-1] - 1)}

    @property
    def _square(self) -> Any:
        return self._batch_shape + self._event_shape

    @property
    def _freedom(self) -> Tensor:
        """The degrees of freedom beside matrices."""
        return self.df[..., None, None]

    @property
    def mean(self) -> Tensor:
        return self._freedom * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        more = self._freedom - self._event_shape[-1] - 1
        return functions.where(more > 0, more, math.nan) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        own = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        return self._freedom * (self.covariance_matrix**2 + own.unsqueeze(-1) * own.unsqueeze(-2))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw; a matrix that comes out singular, as low degrees of freedom make likely, is drawn again."""
        found = self._draw(tuple(sample_shape))
        for _ in range(10):
            good = self.support.check(found.detach())
            if bool(good.all()):
                break
            found = functions.where(good[..., None, None], found, self._draw(tuple(sample_shape)))
        return found

    def _draw(self, sample_shape: tuple[int, ...]) -> Tensor:
        size = self._event_shape[-1]
        places = functions.arange(size, dtype=self.df.dtype, device=self.df.device)
        roots = Chi2(self.df.unsqueeze(-1) - places).rsample(sample_shape).sqrt()
        below = normal_noise((*sample_shape, *self._square), roots).tril(-1)
        factor = self._tril @ (below + roots.clamp(min=float(limits(roots).eps)).diag_embed())
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        size = self._event_shape[-1]
        width = self.df * (0.5 * size * math.log(2) + half_log_det(self._tril))
        trace = functions.cholesky_solve(value, self._tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        power = 0.5 * (self.df - size - 1) * functions.slogdet(value).logabsdet
        return power - width - functions.mvlgamma(0.5 * self.df, size) - 0.5 * trace

    def entropy(self) -> Tensor:
        size, half = self._event_shape[-1], 0.5 * self.df
        places = functions.arange(size, dtype=half.dtype, device=half.device)
        slopes = (half.unsqueeze(-1) - 0.5 * places).digamma().sum(-1)
        width = (size + 1) * (0.5 * size * math.log(2) + half_log_det(self._tril))
        return width + functions.mvlgamma(half, size) - (half - 0.5 * (size + 1)) * slopes + half * size

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        pull, power = natural_params
        size = self._event_shape[-1]
        half = power + (size + 1) / 2
        return half * (size * math.log(2) - functions.slogdet(-2 * pull).logabsdet) + functions.mvlgamma(half, size)
