"""Losses for yes or no."""

from __future__ import annotations

from nbautograd.core.modes import may_look
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.loss.reduction import legacy_reduction, pairs_of_one_shape, reduced
from nbautograd.ops.refusals import no_truth_values
from nbautograd.ops.samples import through


class Bce(Op):
    """Binary cross-entropy of probabilities, element by element, with logarithms held above −100.

    Math: out = −(y log x + (1 − y) log(1 − x))
    """

    node_name = "BinaryCrossEntropyBackward0"
    elementwise = True
    tex = {"x": "\\frac{x - y}{x (1 - x)}"}
    samples = through(
        "binary_cross_entropy",
        *(pairs_of_one_shape(0.1, 0.9, reduction=r) for r in ("none", "mean", "sum")),
        named=False,
    )

    def forward(x, y):
        floor = xp.astype(xp.asarray(-100.0), x.dtype)
        return -(y * xp.maximum(xp.log(x), floor) + (1 - y) * xp.maximum(xp.log1p(-x), floor))

    def dx(g, x, y):
        product = (1 - x) * x
        return g * (x - y) / xp.maximum(product, xp.ones_like(product) * 1e-12)

    def dy(g, x):
        return g * (xp.log1p(-x) - xp.log(x))


@public(top=False, method=False, functional=True)
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The cross-entropy between probabilities and targets from 0 to 1.

    Raises: ValueError when the sizes differ, RuntimeError when the input is not between 0 and 1 (on a GPU in anomaly
        mode only).
    """
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    data = input._data
    if data.size and may_look(data) and not ((data >= 0) & (data <= 1)).all():
        raise RuntimeError("all elements of input should be between 0 and 1")
    loss = Bce.call(input, target)
    return reduced(loss if weight is None else loss * weight, legacy_reduction(size_average, reduce, reduction))


class BceWithLogits(Op):
    """Binary cross-entropy of scores, sigmoid included, without overflow.

    Math: out = max(x, 0) − x y + log(1 + e^−|x|); ∂out/∂x = σ(x) − y
    """

    node_name = "BinaryCrossEntropyWithLogitsBackward0"
    elementwise = True
    tex = {"x": "\\sigma(x) - y", "y": "-x"}
    samples = through(
        "binary_cross_entropy_with_logits",
        *(pairs_of_one_shape(reduction=r) for r in ("none", "mean", "sum")),
        named=False,
    )

    def forward(x, y):
        return xp.maximum(x, xp.zeros_like(x)) - x * y + xp.log1p(xp.exp(-xp.abs(x)))

    def dx(g, x, y):
        return g * (xp.sigmoid(x) - y)

    def dy(g, x):
        return -g * x


@public(top=False, method=False, functional=True)
def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """The cross-entropy between scores (before any sigmoid) and targets from 0 to 1."""
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if target._data.dtype.kind == "b":
        raise RuntimeError(f"{no_truth_values(True, True)}\n  hint: give the target fractions: target.to(input.dtype)")
    if pos_weight is None:
        loss = BceWithLogits.call(input, target)
    else:
        from nbautograd.core.public import FUNCTIONAL

        softplus = FUNCTIONAL["softplus"]
        loss = pos_weight * target * softplus(-input) + (1 - target) * softplus(input)
    return reduced(loss if weight is None else loss * weight, legacy_reduction(size_average, reduce, reduction))
