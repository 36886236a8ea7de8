"""Distances and losses of `torch.nn.functional` that are made of other functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.loss.reduction import reduced

from .compositions import composed, where


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
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
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
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
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


@composed
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """(1/C) Σ max(0, 1 − x[j] + x[i]) over the labels j, which end at the first −1, and all other classes i."""
    single = input.ndim < 2
    x, labels = (t.reshape(1, -1) if single else t for t in (input, target))
    valid = (labels < 0).cumsum(1) == 0
    safe = where(valid, labels, 0 * labels)
    chosen = FUNCTIONS["zeros_like"](labels).scatter_add_(1, safe, valid.long()) > 0
    gaps = (1 - x.gather(1, safe).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0)
    counted = valid.unsqueeze(2) & ~chosen.unsqueeze(1)
    loss = where(counted, gaps, 0 * gaps).sum((1, 2)) / x.shape[1]
    return reduced(loss.reshape(()) if single else loss, reduction)


@composed
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm of the difference of every two rows, in the order (0, 1), (0, 2), …, (1, 2), …"""
    first, second = FUNCTIONS["triu_indices"](len(input), len(input), 1).unbind(0)
    return (input[first] - input[second]).norm(p, -1)
