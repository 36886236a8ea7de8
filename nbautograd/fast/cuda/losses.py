"""Losses of classes: kernels for what is of each row, or of each place, and one more for the mean by weights."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import Fused
from .rows import fit, launch, pointer, suits

KERNELS = {
    "nll": ("raw {0} x, int64 y, raw {0} w, bool weighed, int64 ignored, int64 classes, int64 inner",
            "int64 index, {0} scale, {0} loss", """
bool kept = y != ignored;
index = kept ? y : 0;
long long place = (index % classes + classes) % classes;
scale = !kept ? 0 : weighed ? w[place] : 1;
loss = kept ? -x[(i / inner * classes + place) * inner + i % inner] * scale : 0;
"""),
    "nll_backward": ("{0} g, int64 index, {0} scale, int64 classes, int64 inner", "{0} y", """
long long place = (index % classes + classes) % classes;
y = i / inner % classes == place ? -(scale != scale ? 0 : scale) * g : 0;
"""),
}  # fmt: skip


@functools.cache
def _kernel(make: Any, name: str, dtype: str) -> Any:
    ins, outs, operation = KERNELS[name]
    return make(ins.format(dtype), outs.format(dtype), operation, f"nb_losses_{name}", no_return=True)


def by_weight(loss: Any, scale: Any) -> Any:
    """The mean of losses that count for as much as `scale` says; these as parts of 1, and what they were together."""
    total = np.sum(scale)
    return np.sum(loss) / total, scale / total, total


@functools.cache
def _mean(library: Any) -> Fused:
    return Fused("mean_by_weight", lambda: by_weight, by_weight, library)


def _are_labels(library: Any, y: Any) -> bool:
    return y.__class__ is library.ndarray and y.dtype == np.int64 and y.flags.c_contiguous


def cross_entropy(
    library: Any, x: Any, y: Any, weight: Any, *, reduction: str = "mean", ignore_index: int = -100,
    smoothing: float = 0.0,
) -> Any:  # fmt: skip
    if not suits(library, x, *[] if weight is None else [weight]) or x.ndim != 2 or not _are_labels(library, y):
        return None
    if not fit(x.size, x.shape[1]):
        return None
    p, (loss, scale) = library.empty_like(x), (library.empty(len(x), x.dtype) for _ in range(2))
    kept = library.empty(len(x), bool)
    figures = pointer(weight), np.float64(smoothing), np.int64(ignore_index)
    launch(library, "cross_entropy", x, x.shape[1], x, p, y, loss, scale, kept, *figures)
    if reduction != "mean":
        return (loss if reduction == "none" else loss.sum()), p, (scale, kept, None)
    loss, scale, divisor = _mean(library)(loss, scale)
    return loss, p, (scale, kept, divisor)


def cross_entropy_backward(
    library: Any, x_g: Any, x: Any, weight: Any, *, target: Any, probabilities: Any, scale: Any, smoothing: float = 0.0
) -> Any:
    part, kept, divisor = scale
    if not suits(library, probabilities, part, x_g, *[] if weight is None else [weight]) or target.dtype != np.int64:
        return None
    out = library.empty_like(probabilities)
    figures = pointer(weight), np.float64(smoothing), pointer(divisor)
    args = (probabilities, out, target, part, kept, *figures, x_g, np.int64(x_g.ndim))
    launch(library, "cross_entropy_backward", out, out.shape[1], *args)
    return out


def nll_loss(library: Any, x: Any, y: Any, weight: Any, *, reduction: str = "mean", ignore_index: int = -100) -> Any:
    if not suits(library, x, *[] if weight is None else [weight]) or x.ndim < 2 or not _are_labels(library, y):
        return None
    index = library.empty(y.shape, np.int64)
    scale, loss = (library.empty(y.shape, x.dtype) for _ in range(2))
    figures = weight is not None, ignore_index, x.shape[1], math.prod(x.shape[2:])
    kernel = _kernel(library.ElementwiseKernel, "nll", x.dtype.name)
    kernel(x, y, x if weight is None else weight, *figures, index, scale, loss)
    if reduction != "mean":
        return (loss if reduction == "none" else loss.sum()), index, scale
    loss, scale, _ = _mean(library)(loss, scale)
    return loss, index, scale


def nll_loss_backward(library: Any, x_g: Any, index: Any, scale: Any, *, shape: tuple[int, ...]) -> Any:
    if not suits(library, scale) or x_g.dtype != scale.dtype or len(shape) < 2 or not _are_labels(library, index):
        return None
    out = library.empty(shape, scale.dtype)
    parts = [library.broadcast_to(a[:, None] if a.ndim else a, shape) for a in (x_g, index, scale)]
    kernel = _kernel(library.ElementwiseKernel, "nll_backward", scale.dtype.name)
    kernel(*parts, shape[1], math.prod(shape[2:]), out)
    return out


ADAPTERS: dict[str, Callable[..., Any]] = {
    "cross_entropy": cross_entropy, "cross_entropy_backward": cross_entropy_backward, "nll_loss": nll_loss,
    "nll_loss2d": nll_loss, "nll_loss_backward": nll_loss_backward,
}  # fmt: skip
