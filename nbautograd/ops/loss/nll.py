"""The negative log-likelihood: the loss of the class that is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.loss.reduction import legacy_reduction
from nbautograd.ops.samples import Make, through


def _classified(make: Make) -> Any:
    for shape, target in (((3, 4), (3,)), ((1, 2), (1,)), ((4,), ()), ((2, 3, 2), (2, 2)), ((2, 3, 2, 2), (2, 2, 2))):
        count = shape[0] if len(shape) == 1 else shape[1]
        weight = make.fixed(count, low=0.5)
        for settings in (
            {}, {"reduction": "sum"}, {"reduction": "none"}, {"weight": weight}, {"ignore_index": 0},
            {"ignore_index": 1, "weight": weight, "reduction": "none"},
        ):  # fmt: skip
            yield make(*shape), make.ints(*target, high=count), settings


class NllLoss(Op):
    """Minus the log-probability of the right class.

    Math: outᵢ = −wᵧᵢ · xᵢ,ᵧᵢ
    Shape: x (N, C, …), y (N, …) of class numbers → () or (N, …)
    """

    promote = "none"
    aux = ("index", "scale")
    tex = {"x": "-\\mathrm{onehot}(y) / n"}
    samples = through("nll_loss", _classified, named=False, numeric=False)

    def forward(x, y, weight, *, reduction="mean", ignore_index=-100):
        if weight is None and all_count(y, ignore_index):
            index, scale = y.copy(), xp.ones(y.shape, dtype=x.dtype)
            loss = -x[at_classes(index)]
        else:
            kept = y != ignore_index
            index = xp.where(kept, y, 0)
            scale = xp.astype(kept, x.dtype) if weight is None else weight[index] * kept
            loss = xp.where(kept, -x[at_classes(index)] * scale, 0)
        if reduction == "none":
            return loss, index, scale
        if reduction == "sum":
            return xp.sum(loss), index, scale
        total = xp.sum(scale)
        return xp.sum(loss) / total, index, scale / total

    def dx(g, x_shape, index, scale):
        return xp.nll_loss_backward(g, index, scale, shape=x_shape)


def all_count(y, ignore_index):
    """Whether no class number is the one to ignore. To ask a GPU would make the program wait."""
    if y.__class__ is not np.ndarray or not y.size:
        return False
    places = y.reshape(-1)
    return ignore_index < 0 <= places[places.argmin()] or not (y == ignore_index).any()


class NllLoss2d(NllLoss):
    """Minus the log-probability of the right class at each place of an image."""

    node_name = "NllLoss2DBackward0"
    title = "nll_loss"


def at_classes(index):
    """The advanced index of one class at each place."""
    if index.ndim == 1:
        return xp.arange(index.shape[0]), index
    first, *places = [xp.arange(n).reshape((n,) + (1,) * (index.ndim - d - 1)) for d, n in enumerate(index.shape)]
    return first, index, *places


class NllLossBackward(Op):
    """The gradient of the negative log-likelihood: each row has one element that is not zero."""

    promote = "none"

    def forward(x_g, index, scale, *, shape):
        out = xp.zeros(shape, dtype=scale.dtype)
        out[at_classes(index)] = -xp.where(scale != scale, 0, scale) * x_g  # NaN where all rows are ignored
        return out

    def dx_g(g, x_g_shape, index, scale):
        share = -xp.gather(g, xp.expand_dims(index, 1), dim=1).reshape(scale.shape) * scale
        return share if len(x_g_shape) else xp.sum(share)


def check_labels(target: Any) -> None:
    """Refuse what are no class numbers.

    Raises: RuntimeError in torch's words.
    """
    if target._data.dtype not in LABELS:
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {target.dtype.tensor_type}\n"
            "  hint: class numbers are integers: target.long(); for probabilities give them the shape of the input"
        )


LABELS = (np.dtype("int64"), np.dtype("uint8"))


def check_sizes(input: Any, target: Any) -> None:
    """Refuse targets that are not one class number for each place.

    Raises: ValueError, RuntimeError in torch's words.
    """
    scores, labels = input._data.shape, target._data.shape
    if len(scores) == 2 and labels == scores[:1]:
        return
    sizes, wanted, has = list(input.shape), [*input.shape[:1], *input.shape[2:]], list(target.shape)
    if len(sizes) == 1:
        if has not in ([], [1]):
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {has[0]}")
    elif sizes[0] != has[0]:
        raise ValueError(f"Expected input batch_size ({sizes[0]}) to match target batch_size ({has[0]}).")
    elif has == wanted:
        return
    elif len(sizes) == 2:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    elif len(sizes) != 4:
        raise RuntimeError(f"Expected target size {wanted}, got {has}")
    elif len(has) != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(has)}"
        )
    else:
        raise RuntimeError(f"size mismatch (got input: {sizes} , target: {has}")


def rows_of(input: Any, target: Any) -> tuple[Any, Any, Any]:
    """Scores as (rows, classes) and targets as (rows,), with the shape to go back to."""
    check_sizes(input, target)
    shape = tuple(target.shape)
    if input.ndim == 1:
        return input.unsqueeze(0), target.reshape(1), ()
    if input.ndim > 2:
        by_class = input.shape[1], -1  # NumPy's passes along few classes take many times as long
        input = (
            input.movedim(1, -1).reshape(by_class[::-1]) if input.is_cuda else input.movedim(1, 0).reshape(by_class).T
        )
        target = target.reshape(-1)
    return input, target, shape


@public(top=False, method=False, functional=True)
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """Minus the given log-probabilities at the right class.

    Raises: ValueError when the batch sizes differ.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_labels(target)
    check_sizes(input, target)
    scores, target = (input.unsqueeze(0), target.reshape(1)) if input.ndim == 1 else (input, target)
    op = NllLoss if scores.ndim == 2 else NllLoss2d
    loss = op.call(scores, target, weight, reduction=reduction, ignore_index=ignore_index)[0]
    return loss.reshape(()) if reduction == "none" and input.ndim == 1 else loss
