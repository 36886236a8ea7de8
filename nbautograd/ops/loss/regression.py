"""Losses for numbers."""

from __future__ import annotations

from math import prod
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.elementwise.bounds import between
from nbautograd.ops.loss.reduction import (
    check_reduction,
    legacy_reduction,
    pairs_of_one_shape,
    reduced,
    warn_about_sizes,
    weighted,
)
from nbautograd.ops.samples import Samples, cases, through
from nbautograd.ops.shape.views import broadcast_tensors


class MseLoss(Op):
    """The mean (or sum) of squared differences, in one node.

    Math: out = (1/n) Σ (x − y)²; ∂out/∂x = 2 (x − y) / n
    """

    tex = {"x": "\\frac{2 (x - y)}{n}", "y": "\\frac{2 (y - x)}{n}"}
    samples = cases(*(pairs_of_one_shape(reduction=r) for r in ("mean", "sum", "none")))

    def forward(x, y, *, reduction="mean"):
        d = x - y
        return all_of(d * d, reduction)

    def dx(g, x, y, reduction):
        return g * (2 / averaged(x.shape, reduction)) * (x - y)

    def dy(g, x, y, reduction):
        return g * (2 / averaged(x.shape, reduction)) * (y - x)


def alike(input: Any, target: Any) -> tuple[Any, Any]:
    """Both in the shape that they are broadcast to."""
    return (input, target) if input.shape == target.shape else broadcast_tensors(input, target)


def averaged(shape: tuple[int, ...], reduction: str) -> int:
    """Of how many squares the loss is the mean."""
    return max(prod(shape), 1) if reduction == "mean" else 1


@public(top=False, method=False, functional=True)
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The mean of squared differences.

    Example:
        >>> import nbautograd as torch
        >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)
    """
    warn_about_sizes(input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if input._data.dtype.kind in "biu" and target._data.dtype.kind in "biu":
        raise NotImplementedError(
            f"\"mse_cpu\" not implemented for '{input.dtype.tensor_type}'\n  hint: losses are of floats: input.float()"
        )
    if weight is not None:
        return weighted((input - target) ** 2, weight, input, reduction)
    if input.shape != target.shape:
        return reduced((input - target) ** 2, reduction)
    return MseLoss.call(input, target, reduction=reduction)


@public(top=False, method=False, functional=True)
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The mean of absolute differences."""
    warn_about_sizes(input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    loss = (input - target).abs()
    return reduced(loss, reduction) if weight is None else weighted(loss, weight, input, reduction)


def _pairs(**settings: Any) -> Samples:
    return cases(*(pairs_of_one_shape(reduction=r, **settings) for r in ("none", "mean", "sum")))


class SmoothL1(Op):
    """Squared near zero, absolute further out, and the mean of it, in one node.

    Math: d² / (2 beta) where |d| < beta, else |d| − beta / 2, with d = x − y
    """

    node_name = "SmoothL1LossBackward0"
    promote = "float"
    tex = {"x": "\\mathrm{clip}((x - y) / \\beta, -1, 1) / n", "y": "-\\mathrm{clip}((x - y) / \\beta, -1, 1) / n"}
    samples = through("smooth_l1_loss", _pairs(), _pairs(beta=0.5))

    def forward(x, y, *, beta=1.0, reduction="mean"):
        loss = bent(x - y, beta)
        return all_of(loss if beta == 1 else loss / beta, reduction)

    def dx(g, x, y, beta, reduction):
        return g * (1 / (beta * averaged(x.shape, reduction))) * held(x - y, beta)

    def dy(g, x, y, beta, reduction):
        return g * (1 / (beta * averaged(x.shape, reduction))) * held(y - x, beta)


class Huber(Op):
    """Squared near zero, linear further out, and the mean of it, in one node.

    Math: d² / 2 where |d| ≤ delta, else delta · (|d| − delta / 2), with d = x − y
    """

    node_name = "HuberLossBackward0"
    promote = "float"
    tex = {"x": "\\mathrm{clip}(x - y, -\\delta, \\delta) / n", "y": "-\\mathrm{clip}(x - y, -\\delta, \\delta) / n"}
    samples = through("huber_loss", _pairs(), _pairs(delta=0.5))

    def forward(x, y, *, delta=1.0, reduction="mean"):
        return all_of(bent(x - y, delta), reduction)

    def dx(g, x, y, delta, reduction):
        return g * (1 / averaged(x.shape, reduction)) * held(x - y, delta)

    def dy(g, x, y, delta, reduction):
        return g * (1 / averaged(x.shape, reduction)) * held(y - x, delta)


def bent(d: Any, limit: float) -> Any:
    """Half the square of `d`, from ±limit on straight."""
    d = abs(d)
    near = between(d, None, limit)
    d -= near * 0.5
    d *= near
    return d


def held(d: Any, limit: float) -> Any:
    """`d`, but no further from zero than `limit`; there it no longer changes with `d`."""
    if isinstance(d, Tensor):
        return xp.where(abs(d) < limit, d, xp.sign(d) * limit)
    return between(d, -limit, limit)


def all_of(loss: Any, reduction: str) -> Any:
    """The mean or the sum of a loss, or all of it."""
    if reduction == "none":
        return loss
    return xp.mean(loss) if reduction == "mean" else xp.sum(loss)


@public(top=False, method=False, functional=True)
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Squared near zero, absolute further out."""
    warn_about_sizes(input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return SmoothL1.call(*alike(input, target), beta=beta, reduction=reduction)


@public(top=False, method=False, functional=True)
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Squared near zero, linear further out."""
    warn_about_sizes(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    check_reduction(reduction)
    loss = Huber.call(*alike(input, target), delta=delta, reduction=reduction if weight is None else "none")
    return loss if weight is None else reduced(loss * weight, reduction)
