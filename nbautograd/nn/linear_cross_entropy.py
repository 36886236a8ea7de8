"""The cross-entropy of a last linear layer: `torch.nn.functional.linear_cross_entropy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbautograd.core.public import FUNCTIONAL
from nbautograd.core.tensor import Tensor

from .compositions import composed


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How torch cuts the batch into chunks to save memory; here the whole batch is computed at once, whatever they say.

    Raises: ValueError for what torch does not know.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        method, _, factor = (self.chunking_method or "auto").partition(":")
        if (method, factor) != ("auto", "") and (method != "aspect_ratio" or not (factor or "1").strip("0").isdigit()):
            raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size: Any = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")


@composed
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """The cross-entropy between the scores W x + b and class numbers or probabilities.

    Math: −log softmax(W x + b)[target]
    Shape: input (N, E) or (E), linear_weight (C, …, E), target (N, …) of class numbers or (N, C, …) of probabilities
    Raises: RuntimeError for sizes that do not fit together.
    """
    _check(input, linear_weight, linear_bias)
    classes, *rest, features = linear_weight.shape
    logits = FUNCTIONAL["linear"](
        input,
        linear_weight.reshape(-1, features),
        None if linear_bias is None else linear_bias.reshape(-1),
    )
    if rest:
        logits = logits.reshape(-1, classes, *rest)
    if target.shape == logits.shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    return FUNCTIONAL["cross_entropy"](
        logits,
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def _check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.ndim}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {weight.shape[-1]}, respectively"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")
    if weight.ndim > 2 and input.ndim == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched input, "
            f"(N, {input.shape[-1]}), got unbatched input with shape {tuple(input.shape)}"
        )
