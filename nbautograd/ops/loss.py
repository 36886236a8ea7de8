"""Losses: how far a prediction is from its target, in one number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.reduce import mean, sum
from nbautograd.ops.samples import SHAPES, Make, Samples, cases, shaped, through


def reduced(loss: Any, reduction: str) -> Any:
    """The mean or the sum of a loss, or all of it."""
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def legacy_reduction(size_average: Any, reduce: Any, reduction: str) -> str:
    """torch's old way to say how to reduce."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _warn_about_sizes(input: Any, target: Any) -> None:
    if input.shape != target.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            UserWarning,
            stacklevel=3,
        )


def pairs_of_one_shape(low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """Predictions and targets."""
    return shaped(*((shape, shape, settings) for shape in SHAPES if 0 not in shape), low=low, high=high)


def _classified(make: Make) -> Any:
    for shape, target in (
        ((3, 4), (3,)),
        ((1, 2), (1,)),
        ((4,), ()),
        ((2, 3, 2), (2, 2)),
        ((5, 3), (5,)),
        ((2, 3, 2, 2), (2, 2, 2)),
    ):
        classes = shape[0] if len(shape) == 1 else shape[1]
        weight = make.fixed(classes, low=0.5)
        for settings in (
            {}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1}, {"weight": weight},
            {"weight": weight, "label_smoothing": 0.2}, {"ignore_index": 0, "reduction": "sum"},
            {"weight": weight, "reduction": "none"},
        ):  # fmt: skip
            yield make(*shape), make.ints(*target, high=classes), settings


class MseLoss(Op):
    """The mean (or sum) of squared differences, in one node.

    Math: out = (1/n) Σ (x − y)²; ∂out/∂x = 2 (x − y) / n
    """

    tex = {"x": "\\frac{2 (x - y)}{n}", "y": "\\frac{2 (y - x)}{n}"}
    samples = cases(*(pairs_of_one_shape(reduction=r) for r in ("mean", "sum", "none")))

    def forward(x, y, *, reduction="mean"):
        d = x - y
        if reduction == "none":
            return d * d
        return xp.mean(d * d) if reduction == "mean" else xp.sum(d * d)

    def dx(g, x, y, reduction):
        return g * (x - y) * _twice(x.shape, reduction)

    def dy(g, x, y, reduction):
        return g * (y - x) * _twice(x.shape, reduction)


def _twice(shape: tuple[int, ...], reduction: str) -> float:
    count = 1
    for n in shape:
        count *= n
    return 2.0 / max(count, 1) if reduction == "mean" else 2.0


class CrossEntropy(Op):
    """The negative log-probability of the right class, softmax included, in one node.

    Math: outᵢ = log Σⱼ e^xᵢⱼ − xᵢ,yᵢ; ∂out/∂x = softmax(x) − onehot(y)
    Shape: x (N, C), y (N,) of class numbers → () or (N,)
    """

    node_name = "NllLossBackward0"
    title = "cross_entropy"
    promote = "none"
    aux = ("probabilities", "scale")
    tex = {"x": "\\frac{\\mathrm{softmax}(x) - \\mathrm{onehot}(y)}{n}"}
    samples = cases(_classified, named=False)

    def forward(x, y, weight, *, reduction="mean", ignore_index=-100, smoothing=0.0):
        z = x - x.max(axis=1, keepdims=True)
        p = xp.exp(z)
        total = xp.add.reduce(p, axis=1, keepdims=True)
        p /= total
        if weight is None and not smoothing and reduction == "mean" and not (y == ignore_index).any():
            n = x.shape[0]  # the common case, in as few passes as it takes
            loss = xp.add.reduce(xp.log(total[:, 0]) - z[xp.arange(n), y]) / x.dtype.type(n)
            return loss, p, (x.dtype.type(1 / max(n, 1)), None, n)
        kept = y != ignore_index
        safe = xp.where(kept, y, xp.zeros_like(y))
        rows = xp.arange(x.shape[0])
        scale = xp.astype(kept, x.dtype) if weight is None else weight[safe] * kept
        logs = xp.log(total[:, 0])
        loss = scale * (logs - z[rows, safe])
        if smoothing:
            even = (
                logs * x.shape[1] - xp.sum(z, axis=1)
                if weight is None
                else xp.sum((logs[:, None] - z) * weight, axis=1)
            )
            loss = (1 - smoothing) * loss + smoothing / x.shape[1] * even * kept
        divisor = xp.sum(scale)
        if reduction == "mean":
            scale, loss = scale / divisor, xp.sum(loss) / divisor
        return loss if reduction != "sum" else xp.sum(loss), p, (scale, kept, divisor if reduction == "mean" else None)

    def dx(g, x, y, weight, probabilities, scale, smoothing):
        return xp.cross_entropy_backward(
            g, x, weight, target=y, probabilities=probabilities, scale=scale, smoothing=smoothing
        )


def class_weights(like, weight, target, scale, smoothing):
    """How much each class pulls for each row: the (smoothed) target distribution times the row's weight."""
    row, kept, divisor = scale
    count = like.shape[1]
    target = np.asarray(getattr(target, "_data", target))
    kept = np.ones(target.shape, bool) if kept is None else kept
    safe = xp.where(kept, target, np.zeros_like(target))
    pull = xp.zeros(like.shape, dtype=row.dtype)
    pull[xp.arange(len(safe)), safe] = row * (1 - smoothing)
    if smoothing:
        share = smoothing / count / (1 if divisor is None else divisor)
        even = xp.ones(like.shape, dtype=row.dtype) if weight is None else xp.broadcast_to(weight, like.shape)
        pull += even * (kept * share)[:, None]
    return pull


class CrossEntropyBackward(Op):
    """The gradient of cross-entropy with respect to the scores."""

    promote = "none"

    def forward(x_g, x, weight, *, target, probabilities, scale, smoothing=0.0):
        if scale[1] is None:
            row = scale[0] * x_g
            out = probabilities * row
            out[xp.arange(out.shape[0]), target] -= row
            return out
        if smoothing == 0.0:
            row = scale[0] * x_g
            out = probabilities * row[:, None]
            out[xp.arange(out.shape[0]), xp.where(scale[1], target, xp.zeros_like(target))] -= row
            return out
        pull = class_weights(probabilities, weight, target, scale, smoothing) * xp.asarray(x_g).reshape((-1, 1))
        return probabilities * xp.sum(pull, axis=1, keepdims=True) - pull

    def dx_g(g, x, weight, x_g_shape, target, scale, smoothing):
        per_row = xp.sum(g * unscaled(x, weight, target, scale, smoothing), axis=1)
        return per_row if len(x_g_shape) else xp.sum(per_row)

    def dx(g, x_g, x, weight, target, scale, smoothing):
        p = xp.softmax(x, dim=1)
        total = row_sums(x, weight, target, scale, smoothing)
        up = x_g.reshape((-1, 1)) if x_g.ndim else x_g
        return p * (g - xp.sum(g * p, axis=1, keepdims=True)) * total * up


def row_sums(x, weight, target, scale, smoothing):
    pull = class_weights(x, weight, target, scale, smoothing)
    return constant(pull.sum(1, keepdims=True), x)


def unscaled(x, weight, target, scale, smoothing):
    pull = class_weights(x, weight, target, scale, smoothing)
    return xp.softmax(x, dim=1) * constant(pull.sum(1, keepdims=True), x) - constant(pull, x)


def constant(array, like):
    """`array` as what `like` is: itself, or a tensor that needs no gradient."""
    return array if not hasattr(like, "_node") else like.new_tensor(array)


# --- torch's signatures -------------------------------------------------------------------------------------------


@public(top=False, method=False, functional=True)
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The mean of squared differences.

    Example:
        >>> import nbautograd as torch
        >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)
    """
    _warn_about_sizes(input, target)
    reduction = legacy_reduction(size_average, reduce, reduction)
    if weight is not None:
        return reduced(weight * (input - target) ** 2, reduction)
    if input.shape != target.shape:
        return reduced((input - target) ** 2, reduction)
    return MseLoss.call(input, target, reduction=reduction)


@public(top=False, method=False, functional=True)
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """The mean of absolute differences."""
    _warn_about_sizes(input, target)
    return reduced((input - target).abs(), legacy_reduction(size_average, reduce, reduction))


@public(top=False, method=False, functional=True)
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Squared near zero, absolute further out."""
    _warn_about_sizes(input, target)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    d = (input - target).abs()
    from nbautograd.core.public import FUNCTIONS

    loss = FUNCTIONS["where"](d < beta, 0.5 * d * d / beta, d - 0.5 * beta)
    return reduced(loss, legacy_reduction(size_average, reduce, reduction))


@public(top=False, method=False, functional=True)
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Squared near zero, linear further out."""
    _warn_about_sizes(input, target)
    d = (input - target).abs()
    from nbautograd.core.public import FUNCTIONS

    return reduced(FUNCTIONS["where"](d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


@public(top=False, method=False, functional=True)
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """The negative of the given log-probabilities at the right class."""
    reduction = legacy_reduction(size_average, reduce, reduction)
    scores, target, shape = _rows(input, target)
    kept = target != ignore_index
    safe = target.masked_fill(~kept, 0)
    picked = -scores.gather(1, safe.unsqueeze(1)).squeeze(1)
    row = kept.to(input.dtype) if weight is None else weight[safe] * kept
    loss = picked * row
    if reduction == "mean":
        return loss.sum() / row.sum()
    return loss.sum() if reduction == "sum" else loss.reshape(shape)


def _rows(input: Any, target: Any) -> tuple[Any, Any, Any]:
    """Scores as (rows, classes) and targets as (rows,), with the shape to go back to."""
    shape = tuple(target.shape)
    if input.ndim == 1:
        return input.unsqueeze(0), target.reshape(1), ()
    if input.shape[0] != target.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if input.ndim > 2:
        input = input.movedim(1, -1).reshape(-1, input.shape[1])
        target = target.reshape(-1)
    return input, target, shape


def _check_classes(scores: Any, target: Any, ignore_index: int) -> None:
    if target._data.dtype.kind not in "iu":
        raise RuntimeError(
            f"expected scalar type Long but found {target.dtype.tensor_type}\n"
            "  hint: class numbers are integers: target.long(); for probabilities give them the shape of the input"
        )
    data = target._data
    if not data.size or (data.min() >= 0 and data.max() < scores.shape[1]):
        return
    wrong = (data != ignore_index) & ((data < 0) | (data >= scores.shape[1]))
    if wrong.any():
        raise IndexError(f"Target {int(data[wrong].flat[0])} is out of bounds.")


@public(top=False, method=False, functional=True)
def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """The cross-entropy between scores (logits, before any softmax) and class numbers or probabilities.

    Math: −log softmax(input)[target]
    Shape: input (N, C, …), target (N, …) of class numbers or (N, C, …) of probabilities
    Raises: ValueError when the batch sizes differ, IndexError for a class that does not exist.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target.shape == input.shape and target._data.dtype.kind == "f":
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    scores, target, shape = _rows(input, target)
    _check_classes(scores, target, ignore_index)
    loss = CrossEntropy.call(
        scores, target, weight, reduction=reduction, ignore_index=ignore_index, smoothing=label_smoothing
    )[0]
    return loss.reshape(shape) if reduction == "none" and loss.shape != shape else loss


def _soft_cross_entropy(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    dim = 1 if input.ndim > 1 else 0
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.shape[dim]
    logs = input.log_softmax(dim)
    if weight is not None:
        logs = logs * weight.reshape((-1,) + (1,) * (input.ndim - 1 - dim))
    loss = -(logs * target).sum(dim)
    return loss.sum() / (input.numel() / input.shape[dim]) if reduction == "mean" else reduced(loss, reduction)


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

    Raises: ValueError when the sizes differ, RuntimeError when the input is not between 0 and 1.
    """
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    data = input._data
    if data.size and not ((data >= 0) & (data <= 1)).all():
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
    if pos_weight is None:
        loss = BceWithLogits.call(input, target)
    else:
        from nbautograd.core.public import FUNCTIONAL

        softplus = FUNCTIONAL["softplus"]
        loss = pos_weight * target * softplus(-input) + (1 - target) * softplus(input)
    return reduced(loss if weight is None else loss * weight, legacy_reduction(size_average, reduce, reduction))


@public(top=False, method=False, functional=True)
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """The Kullback-Leibler divergence from log-probabilities `input` to `target`."""
    loss = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    return reduced(loss, legacy_reduction(size_average, reduce, reduction))


@public("cosine_similarity", top=True, method=False, functional=True)
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """The cosine of the angle between vectors along `dim`."""
    product = (x1 * x2).sum(dim)
    return product / (x1.norm(2, dim).clamp(min=eps) * x2.norm(2, dim).clamp(min=eps))


@public(top=False, method=False, functional=True)
def normalize(input, p=2.0, dim=1, eps=1e-12):
    """Vectors along `dim` brought to length one."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)


@public(top=False, method=False, functional=True)
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """The input where the target is 1, how much it misses the margin where it is −1."""
    from nbautograd.core.public import FUNCTIONS

    where = FUNCTIONS["where"]
    zero = input * 0
    loss = where(target == 1, input, zero) + where(target == -1, (margin - input).clamp(min=0), zero)
    return reduced(loss, legacy_reduction(size_average, reduce, reduction))


@public(top=False, method=False, functional=True)
def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """How far two inputs are from being ranked as the target says."""
    return reduced(
        (-target * (input1 - input2) + margin).clamp(min=0), legacy_reduction(size_average, reduce, reduction)
    )
