"""SparseAdam is for sparse gradients, which this package does not make."""

from __future__ import annotations

from typing import Any

from .optimizer import Optimizer


class SparseAdam(Optimizer):
    """Not supported: gradients here are dense, also those of an embedding.

    Raises: NotImplementedError
    """

    def __init__(self, params: Any, lr: Any = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8) -> None:
        raise NotImplementedError(
            "SparseAdam needs sparse gradients, and gradients are dense here\n"
            "  hint: torch.optim.Adam takes the gradient of nn.Embedding as it is"
        )
