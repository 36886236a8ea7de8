"""Divergences, similarities and margins."""

from __future__ import annotations

import warnings

from nbautograd.core.errors import user_depth
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.ops.loss.reduction import legacy_reduction, reduced

MEAN_OF_DIVERGENCES = (
    "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by "
    "the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as "
    "'batchmean' in the next major release."
)


@public(top=False, method=False, functional=True)
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """The Kullback-Leibler divergence from log-probabilities `input` to `target`."""
    loss = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    if reduction == "mean":
        warnings.warn(MEAN_OF_DIVERGENCES, UserWarning, stacklevel=user_depth())
    return reduced(loss, legacy_reduction(size_average, reduce, reduction))


@public("cosine_similarity", top=True, method=False, functional=True)
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """The cosine of the angle between vectors along `dim`."""
    for x in (x1, x2):
        if x.dtype.is_complex:
            raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {x.dtype.tensor_type}")
    if all(x._data.dtype.kind not in "fV" for x in (x1, x2)):
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {x1.dtype.tensor_type}")
    if x1.ndim != x2.ndim:
        x1, x2 = FUNCTIONS["broadcast_tensors"](x1, x2)
    product = (x1 * x2).sum(dim)
    return product / (x1.norm(2, dim).clamp(min=eps) * x2.norm(2, dim).clamp(min=eps))


@public(top=False, method=False, functional=True)
def normalize(input, p=2.0, dim=1, eps=1e-12):
    """Vectors along `dim` brought to length one."""
    if input._data.dtype.kind not in "fcV":
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{input.dtype.tensor_type}\n  hint: normalize(x.float())"
        )
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)


@public(top=False, method=False, functional=True)
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """The input where the target is 1, how much it misses the margin where it is −1."""
    from nbautograd.core.public import FUNCTIONS

    where = FUNCTIONS["where"]
    zero = input * 0
    loss = where(target != -1, input, zero) + where(target != 1, (margin - input).clamp(min=0), zero)
    return reduced(loss, legacy_reduction(size_average, reduce, reduction))


@public(top=False, method=False, functional=True)
def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """How far two inputs are from being ranked as the target says."""
    if not input1.ndim == input2.ndim == target.ndim:
        sizes = ", ".join(f"{n}: {t.shape}" for n, t in (("input1", input1), ("input2", input2), ("target", target)))
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: {sizes} "
        )
    return reduced(
        (-target * (input1 - input2) + margin).clamp(min=0), legacy_reduction(size_average, reduce, reduction)
    )
