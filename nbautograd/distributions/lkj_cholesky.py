"""Correlation matrices at random, as their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .simplex import Beta
from .utils import broadcast_all, functions, limits, normal_noise


class LKJCholesky(Distribution):
    """The Cholesky factor L of a correlation matrix: `concentration` 1 makes all matrices L Lᵀ equally likely.

    Math: p(L) ∝ Πᵢ Lᵢᵢ^(dim − i + 2·(concentration − 1)), i = 2 … dim
    Source: Lewandowski, Kurowicka and Joe 2009, *Generating random correlation matrices based on vines and extended
        onion method*.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw row by row: a direction that all have the same chance of, as long as a Beta number says."""
        with no_grad():
            eta = self.concentration.unsqueeze(-1)
            places = self._range(-1, self.dim - 1).clamp(min=0)
            lengths = Beta(places + 0.5, eta + 0.5 * (self.dim - 2 - places)).sample(sample_shape).unsqueeze(-1)
            ways = normal_noise(self._extended_shape(sample_shape), eta).tril(-1)
            ways = ways / ways.norm(dim=-1, keepdim=True)
            ways[..., 0, :] = 0.0
            rows = lengths.sqrt() * ways
            rest = (1 - (rows**2).sum(-1)).clamp(min=float(limits(rows).tiny))
            return rows + rest.sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - self._range(2, self.dim + 1)
        found = (powers * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        less, alpha = self.dim - 1, self.concentration + 0.5 * (self.dim - 1)
        norm = 0.5 * less * math.log(math.pi) + functions.mvlgamma(alpha - 0.5, less) - less * alpha.lgamma()
        return found - norm

    def _range(self, start: int, end: int) -> Tensor:
        return functions.arange(start, end, dtype=self.concentration.dtype, device=self.concentration.device)
