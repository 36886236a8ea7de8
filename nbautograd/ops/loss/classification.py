"""Losses for classes."""

from __future__ import annotations

from typing import Any

from nbautograd.core.array import library_of
from nbautograd.core.modes import may_look
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.index.places import all_below
from nbautograd.ops.loss.nll import all_count, check_labels, rows_of
from nbautograd.ops.loss.reduction import legacy_reduction, reduced
from nbautograd.ops.samples import Make, cases


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
        z = x - xp.max(x, axis=1, keepdims=True)
        p = xp.exp(z)
        total = xp.sum(p, axis=1, keepdims=True)
        p /= total
        plain = weight is None and not smoothing and reduction == "mean"
        if plain and all_count(y, ignore_index):  # the common case, in as few passes as it takes
            n = x.shape[0]
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
    target, weight = (getattr(x, "_data", x) for x in (target, weight))  # a gradient's rule gets them as tensors
    library = library_of(target)
    kept = library.ones(target.shape, bool) if kept is None else kept
    safe = library.where(kept, target, library.zeros_like(target))
    pull = library.zeros(tuple(like.shape), dtype=row.dtype)
    pull[library.arange(len(safe)), safe] = row * (1 - smoothing)
    if smoothing:
        share = smoothing / count / (1 if divisor is None else divisor)
        even = library.ones(pull.shape, row.dtype) if weight is None else library.broadcast_to(weight, pull.shape)
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


def _check_classes(scores: Any, target: Any, ignore_index: int) -> None:
    check_labels(target)
    data = target._data
    if not data.size or not may_look(data) or all_below(data, scores.shape[1]):
        return
    wrong = (data != ignore_index) & ((data < 0) | (data >= scores.shape[1]))
    if wrong.any():
        raise IndexError(f"Target {int(data[wrong][0])} is out of bounds.")


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
    Raises: ValueError when the batch sizes differ, IndexError for a class that does not exist (on a GPU in anomaly
        mode only).
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    if target.shape == input.shape and (input.ndim or target._data.dtype.kind in "fV"):
        if target._data.dtype.kind not in "fV":
            kind = target.dtype.tensor_type
            raise RuntimeError(f"Expected floating point type for target with class probabilities, got {kind}")
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    scores, target, shape = rows_of(input, target)
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
