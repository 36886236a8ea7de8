"""The functions of `torch.nn.functional` that are made of others: their gradients follow from the chain rule alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.loss.reduction import reduced

COMPOSED: dict[str, Callable[..., Any]] = {}
"""Every composition by its name."""


def composed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter `function` among the compositions."""
    COMPOSED[function.__name__] = function
    return function


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """`x` where the condition holds, else `y`."""
    return FUNCTIONS["where"](condition, x, y)


# --- layers -------------------------------------------------------------------------------------------------------


@composed
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x₁ᵀ A x₂ + b for each matrix A of `weight`."""
    y = FUNCTIONS["einsum"]("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias


@composed
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Each sample divided by the root of its mean square over the last dimensions."""
    import numpy as np

    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    eps = float(np.finfo(input._data.dtype).eps) if eps is None else eps
    y = input * ((input * input).mean(dims, keepdim=True) + eps).rsqrt()
    return y if weight is None else y * weight


@composed
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Each sample normalised over groups of channels.

    Raises: RuntimeError when the channels cannot be divided into the groups.
    """
    n, channels, *rest = input.shape
    if channels % num_groups != 0:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    grouped = input.reshape(n, num_groups, -1)
    y = FUNCTIONAL["layer_norm"](grouped, (grouped.shape[-1],), eps=eps).reshape(tuple(input.shape))
    by_channel = (channels,) + (1,) * len(rest)
    y = y if weight is None else y * weight.reshape(by_channel)
    return y if bias is None else y + bias.reshape(by_channel)


@composed
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample normalised by itself (or, for evaluation, by running figures)."""
    if not use_input_stats or running_mean is not None:
        raise NotImplementedError(
            "instance_norm with running statistics is not supported; leave track_running_stats off"
        )
    return COMPOSED["group_norm"](input, input.shape[1], weight, bias, eps)


@composed
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Each channel divided by the activity of the channels around it."""
    channels = input.shape[1]
    padded = FUNCTIONAL["pad"](input * input, (0, 0) * (input.ndim - 2) + (size // 2, (size - 1) // 2))
    around = sum(padded.narrow(1, i, channels) for i in range(size)) / size
    return input / (around * alpha + k) ** beta


# --- distances and losses -----------------------------------------------------------------------------------------


@composed
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of the difference along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


@composed
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of counts under a Poisson distribution; `full` adds Stirling's approximation."""
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        safe = where(target > 1, target, target.new_ones(()))
        loss = loss + where(target > 1, safe * safe.log() - safe + 0.5 * (2 * math.pi * safe).log(), 0 * safe)
    return reduced(loss, reduction)


@composed
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """The negative log-likelihood of the target under normal distributions with means `input`.

    Raises: ValueError for a negative variance, and for one whose size does not fit.
    """
    if not isinstance(var, Tensor):
        var = input.new_full(tuple(input.shape), var)
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var.unsqueeze(-1)
        elif not (var.ndim == input.ndim and var.shape[:-1] == input.shape[:-1] and var.shape[-1] == 1):
            raise ValueError("var is of incorrect size")
    if (var._data < 0).any():
        raise ValueError("var has negative entry/entries")
    var = var + (var.detach().clamp(min=eps) - var.detach())  # held above eps; the gradient is as if it were not
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


@composed
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + e^(−y·x)) for targets −1 and 1."""
    return reduced(FUNCTIONAL["softplus"](-target * input), reduction)


@composed
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """1 − cos for pairs with target 1; what cos exceeds the margin by for pairs with target −1."""
    eps = 1e-12
    dot, square1, square2 = ((a * b).sum(-1) for a, b in ((input1, input2), (input1, input1), (input2, input2)))
    cos = dot / ((square1 + eps) * (square2 + eps)).sqrt()
    none = 0 * cos
    loss = where(target == 1, 1 - cos, none) + where(target == -1, (cos - margin).clamp(min=0), none)
    return reduced(loss, reduction)


@composed
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) − d(anchor, negative) + margin)"""
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = FUNCTIONS["minimum"](far, distance(positive, negative))
    return reduced((near - far + margin).clamp(min=0), reduction)


@composed
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The triplet loss with the p-norm of the difference as distance."""
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda x, y: pairwise_distance(x, y, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


@composed
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """(1/C) Σᵢ≠y max(0, margin − x[y] + x[i])ᵖ"""
    single = input.ndim == 1
    x, y = (input.unsqueeze(0), target.reshape(1)) if single else (input, target)
    index = y.unsqueeze(1)
    gaps = (margin - x.gather(1, index) + x).clamp(min=0) ** p
    if weight is not None:
        gaps = gaps * weight[y].unsqueeze(1)
    others = gaps.new_ones(tuple(gaps.shape)).scatter_(1, index, 0.0)
    loss = (gaps * others).sum(1) / x.shape[1]
    return reduced(loss.squeeze(0) if single else loss, reduction)


@composed
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy with logits for several labels at once, averaged over the classes."""
    log_sigmoid = FUNCTIONAL["logsigmoid"]
    loss = -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.mean(-1), reduction)
