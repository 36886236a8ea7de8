"""Dropout: in training, a random part of the numbers is set to zero."""

from __future__ import annotations

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, each number is zero with probability `p`, and the others grow by 1/(1 − p); in evaluation, nothing.

    Source: Hinton et al. 2012, *Improving neural networks by preventing co-adaptation of feature detectors*.
    Example:
        >>> import nbautograd as torch
        >>> torch.nn.Dropout(0.5).eval()(torch.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Dropout of whole channels.

    Shape: x (N, C, L) or (C, L)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Dropout of whole channels.

    Shape: x (N, C, H, W) or (N, C, L)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Dropout of whole channels.

    Shape: x (N, C, D, H, W) or (C, D, H, W)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for layers with `SELU`.

    Source: Klambauer et al. 2017, *Self-normalizing neural networks*.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels.

    Shape: x (N, C, …) or (C, …)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
