"""Local response normalisation as Lua Torch wrote it, kept for models that were trained with it."""

from __future__ import annotations

from typing import Any

from nbautograd.autograd.function import Function, once_differentiable
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from .module import Module


class CrossMapLRN2d(Module):
    """Divides each channel by the activity of the channels around it, and by that of the first channel.

    Math: y = x · s^(−β), where s = k + α/n Σ x² over the channels around, and the first one
    Shape: x (N, C, H, W) → the same
    Raises: ValueError for an input that is not four-dimensional.

    NOTE [Counted from one]
    torch's code came from Lua, whose arrays begin at 1, with two slips: the first channel never leaves the sum, and
    backward sums over a window one channel too low, so that it is not the derivative of forward. Both are kept: a
    trained model needs the same numbers. `LocalResponseNorm` is what was meant.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        return _CrossMap.apply(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class _CrossMap(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        reach = (size - 1) // 2
        scale = k + alpha / size * _summed(x * x, -reach, reach, first=True)
        out = x * scale**-beta
        ctx.save_for_backward(x, out, scale)
        ctx.settings = size, alpha, beta
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Any:
        x, out, scale = ctx.saved_tensors
        size, alpha, beta = ctx.settings
        below = (size + 1) // 2
        crossed = _summed(g * out / scale, -below, size - 1 - below)
        return g * scale**-beta - 2 * alpha * beta / size * x * crossed, None, None, None, None


def _summed(x: Tensor, low: int, high: int, first: bool = False) -> Tensor:
    """For each channel the sum of those from `low` to `high` places after it, and of the first one."""
    place = FUNCTIONS["arange"](x.shape[1], device=x.device)
    after = place - place[:, None]
    near = (after >= low) & (after <= high)
    if first:
        near = near | (place == 0)
    return FUNCTIONS["einsum"]("cd,ndhw->nchw", near.to(x.dtype), x)
