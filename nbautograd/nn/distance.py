"""Distances between vectors, as modules."""

from __future__ import annotations

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along `dim`.

    Math: x₁·x₂ / (‖x₁‖ ‖x₂‖)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors.

    Math: ‖x₁ − x₂ + ε‖ₚ
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
