"""Variance and standard deviation."""

from __future__ import annotations

import builtins
import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dims_or_all
from nbautograd.ops.reduce.sums import count_of, mean, mean_of, restore
from nbautograd.ops.samples import over, shaped, through


class Variance(Op):
    """The variance, with Bessel's correction unless told otherwise.

    Math: out = Σᵢ (xᵢ − mean)² / (n − correction)
    """

    node_name = "VarBackward0"
    conjugates = True
    tex = {"x": "\\frac{2 (x - \\bar x)}{n - 1}"}
    samples = through("var", shaped(((5,),), ((2, 3),)), over(), over(correction=0))

    def forward(x, *, dim=None, correction=1, keepdim=False):
        centred = x - mean_of(x, dim, True)
        squares = centred * centred if x.dtype.kind == "f" else xp.real(centred * xp.conj(centred))
        total = xp.sum(squares, axis=dim, keepdims=keepdim)
        return total / builtins.max(count_of(x.shape, dim) - correction, 0)

    def dx(g, x, dim, correction, keepdim):
        if dim is None and count_of(x.shape, None) <= correction:
            return xp.broadcast_to(g * (math.nan if count_of(x.shape, None) == 1 else math.inf), x.shape)
        centred = x - xp.mean(x, axis=dim, keepdims=True)
        return restore(g, dim, keepdim) * centred * ratio(2, count_of(x.shape, dim) - correction)


_BIASED = [
    (shape, {"dim": dim, "correction": 0, "keepdim": dim == 0})
    for shape in ((4,), (3, 2), (2, 2, 3))
    for dim in (0, -1)
]
"""More than one element each: where the deviation is zero, its second derivative is a matter of taste."""


class Std(Op):
    """The standard deviation, with Bessel's correction unless told otherwise.

    Math: out = √var(x)
    """

    conjugates = True
    tex = {"x": "\\frac{x - \\bar x}{(n - 1) \\, out}"}
    samples = through("std", shaped(((5,),), ((2, 3),), *_BIASED), over())

    def forward(x, *, dim=None, correction=1, keepdim=False):
        return xp.sqrt(xp.variance(x, dim=dim, correction=correction, keepdim=keepdim))

    def dx(g, x, out, dim, correction, keepdim):
        g, out = restore(g, dim, keepdim), restore(out, dim, keepdim)
        scale = xp.where(out == 0, 0, g / xp.where(out == 0, 1, out)) * ratio(1, count_of(x.shape, dim) - correction)
        return scale * (x - xp.mean(x, axis=dim, keepdims=True))


def ratio(a: float, b: float) -> float:
    """a / b, infinite where b is zero: the spread of a single element has no slope."""
    return a / b if b else float("inf")


def _spread(op: Any, name: str, input: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool) -> Any:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    if input._data.dtype.kind not in "fcV":
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    return op.call(input, dim=canonical_dims_or_all(dim, input.ndim), correction=correction, keepdim=keepdim)


@public()
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """The variance; `correction=1` (Bessel's) unless told otherwise."""
    return _spread(Variance, "std and var", input, dim, unbiased, correction, keepdim)


@public()
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """The standard deviation; `correction=1` (Bessel's) unless told otherwise."""
    return _spread(Std, "std and var", input, dim, unbiased, correction, keepdim)


def _mean_of(input: Any, dim: Any, keepdim: bool) -> Any:
    """The mean beside a spread; a truth value in the place of `dim` is `unbiased`."""
    return mean(input, None if isinstance(dim, bool) else canonical_dims_or_all(dim, input.ndim), keepdim)


@public(method=False)
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Variance and mean."""
    return var(input, dim, unbiased, keepdim, correction=correction), _mean_of(input, dim, keepdim)


@public(method=False)
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Standard deviation and mean."""
    return std(input, dim, unbiased, keepdim, correction=correction), _mean_of(input, dim, keepdim)
