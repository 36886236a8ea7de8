"""How a loss of many elements becomes one number."""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.errors import user_depth
from nbautograd.ops.reduce.sums import mean, sum
from nbautograd.ops.samples import SHAPES, Samples, shaped


def reduced(loss: Any, reduction: str) -> Any:
    """The mean or the sum of a loss, or all of it."""
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def check_reduction(reduction: str) -> None:
    """Refuse what is no reduction.

    Raises: ValueError in torch's words.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")


def weighted(loss: Any, weight: Any, input: Any, reduction: str) -> Any:
    """A loss whose elements have weights; its mean is divided by their sum.

    Raises: ValueError for weights of another shape.
    """
    check_reduction(reduction)
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    return sum(loss) / sum(weight) if reduction == "mean" else reduced(loss, reduction)


def legacy_reduction(size_average: Any, reduce: Any, reduction: str) -> str:
    """torch's old way to say how to reduce."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def warn_about_sizes(input: Any, target: Any) -> None:
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            UserWarning,
            stacklevel=user_depth(),
        )


def pairs_of_one_shape(low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """Predictions and targets."""
    return shaped(*((shape, shape, settings) for shape in SHAPES if 0 not in shape), low=low, high=high)
