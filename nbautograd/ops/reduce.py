"""Reductions: many elements become one, over everything or over some dimensions."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.results import ReturnKthvalue, ReturnMax, ReturnMedian, ReturnMin, ReturnSort, ReturnTopk
from nbautograd.ops.samples import along, cases, over, shaped, through, unary
from nbautograd.ops.shape import canonical_dim, canonical_dims, canonical_dims_or_all


def restore(g, dim, keepdim):
    """The reduced dimensions back as size one, so that `g` broadcasts against the input."""
    return g if keepdim or dim is None else xp.expand_dims(g, dim)


def _count(shape: tuple[int, ...], dim: Any) -> int:
    """How many elements each result was made of."""
    dims = range(len(shape)) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    count = 1
    for d in dims:
        count *= shape[d]
    return count


WHOLE = shaped(
    ((),),
    ((1,),),
    ((5,),),
    ((2, 3),),
    ((3, 1),),
    ((2, 3, 2),),
    ((4, 4),),
    ((1, 1, 7),),
    ((6, 2),),
    ((2, 2, 2, 2),),
    distinct=True,
)
"""Tensors of several shapes, none of them empty."""


class Sum(Op):
    """The sum of all elements.

    Math: out = Σᵢ xᵢ
    Shape: x (…) → ()
    """

    tex = {"x": "1"}
    samples = unary()

    def forward(x, *, dim=None, keepdim=False):
        return xp.add.reduce(x, axis=dim, keepdims=keepdim)

    def dx(g, x_shape, dim, keepdim):
        return xp.broadcast_to(restore(g, dim, keepdim), x_shape)


class SumDim(Sum):
    """The sum over some dimensions."""

    node_name = "SumBackward1"
    samples = through("sum", over())


class Mean(Op):
    """The mean of all elements.

    Math: out = (1/n) Σᵢ xᵢ
    """

    tex = {"x": "\\frac{1}{n}"}
    samples = unary()

    def forward(x, *, dim=None, keepdim=False):
        if x.dtype.itemsize < 4:
            return xp.mean(x, axis=dim, keepdims=keepdim)  # which adds up half precision in single
        return xp.add.reduce(x, axis=dim, keepdims=keepdim) / x.dtype.type(_count(x.shape, dim))

    def dx(g, x_shape, dim, keepdim):
        return xp.broadcast_to(restore(g, dim, keepdim) / builtins.max(_count(x_shape, dim), 1), x_shape)


class MeanDim(Mean):
    """The mean over some dimensions."""

    node_name = "MeanBackward1"
    samples = through("mean", over())


class Prod(Op):
    """The product of all elements, or over one dimension.

    Math: ∂out/∂xᵢ = Πⱼ≠ᵢ xⱼ, which is out/xᵢ where no element is zero.
    """

    tex = {"x": "\\prod_{j \\neq i} x_j"}
    samples = unary(0.5, 2)

    def forward(x, *, dim=None, keepdim=False):
        return xp.prod(x, axis=dim, keepdims=keepdim)

    def dx(g, x, dim, keepdim):
        return restore(g, dim, keepdim) * products_of_others(x, dim)


class ProdDim(Prod):
    """The product over one dimension."""

    node_name = "ProdBackward1"
    samples = through("prod", along(), along(keepdim=True))


def products_of_others(x, dim):
    """For each element the product of all others, right also where some are zero."""
    flat = x.reshape((-1,)) if dim is None else xp.moveaxis(x, dim, -1)
    ones = xp.ones_like(flat[..., :1])
    before = xp.concatenate([ones, flat[..., :-1]], axis=-1)
    after = xp.concatenate([flat[..., 1:], ones], axis=-1)
    others = cumulative_product(before) * xp.flip(cumulative_product(xp.flip(after, -1)), -1)
    return others.reshape(tuple(x.shape)) if dim is None else xp.moveaxis(others, -1, dim)


def cumulative_product(x):
    """Products from the left along the last dimension, by doubling: differentiable wherever multiplication is."""
    step = 1
    while step < x.shape[-1]:
        x = xp.concatenate([x[..., :step], x[..., step:] * x[..., :-step]], axis=-1)
        step *= 2
    return x


class Variance(Op):
    """The variance, with Bessel's correction unless told otherwise.

    Math: out = Σᵢ (xᵢ − mean)² / (n − correction)
    """

    node_name = "VarBackward0"
    tex = {"x": "\\frac{2 (x - \\bar x)}{n - 1}"}
    samples = through("var", shaped(((5,),), ((2, 3),)), over(), over(correction=0))

    def forward(x, *, dim=None, correction=1, keepdim=False):
        centred = x - xp.mean(x, axis=dim, keepdims=True)
        total = xp.sum(centred * centred, axis=dim, keepdims=keepdim)
        return total / builtins.max(_count(x.shape, dim) - correction, 0)

    def dx(g, x, dim, correction, keepdim):
        centred = x - xp.mean(x, axis=dim, keepdims=True)
        return restore(g, dim, keepdim) * centred * ratio(2, _count(x.shape, dim) - correction)


class Std(Op):
    """The standard deviation, with Bessel's correction unless told otherwise.

    Math: out = √var(x)
    """

    tex = {"x": "\\frac{x - \\bar x}{(n - 1) \\, out}"}
    samples = through("std", shaped(((5,),), ((2, 3),)), over(), over(correction=0))

    def forward(x, *, dim=None, correction=1, keepdim=False):
        return xp.sqrt(xp.variance(x, dim=dim, correction=correction, keepdim=keepdim))

    def dx(g, x, out, dim, correction, keepdim):
        g, out = restore(g, dim, keepdim), restore(out, dim, keepdim)
        scale = xp.where(out == 0, 0, g / out) * ratio(1, _count(x.shape, dim) - correction)
        return scale * (x - xp.mean(x, axis=dim, keepdims=True))


def ratio(a: float, b: float) -> float:
    """a / b, infinite where b is zero: the spread of a single element has no slope."""
    return a / b if b else float("inf")


class Amax(Op):
    """The largest elements; equal ones share the gradient.

    Math: ∂out/∂xᵢ = 1/k for each of the k elements that equal the maximum, else 0
    """

    tex = {"x": "[x = out] / k"}
    samples = over(distinct=True)

    def forward(x, *, dim=None, keepdim=False):
        return xp.max(x, axis=dim, keepdims=keepdim)

    def dx(g, x, out, dim, keepdim):
        return shared_among_equals(g, x, out, dim, keepdim)


class Amin(Op):
    """The smallest elements; equal ones share the gradient."""

    tex = {"x": "[x = out] / k"}
    samples = over(distinct=True)

    def forward(x, *, dim=None, keepdim=False):
        return xp.min(x, axis=dim, keepdims=keepdim)

    def dx(g, x, out, dim, keepdim):
        return shared_among_equals(g, x, out, dim, keepdim)


class Max(Amax):
    """The largest element of all; equal ones share the gradient."""

    node_name = "MaxBackward1"
    samples = WHOLE


class Min(Amin):
    """The smallest element of all; equal ones share the gradient."""

    node_name = "MinBackward1"
    samples = WHOLE


def shared_among_equals(g, x, out, dim, keepdim):
    hit = xp.astype(x == restore(out, dim, keepdim), g.dtype)
    return restore(g, dim, keepdim) * hit / xp.sum(hit, axis=dim, keepdims=True)


class SelectDim(Op, abstract=True):
    """Along one dimension, the element at `indices`: only that one gets the gradient."""

    aux = ("indices",)
    tex = {"x": "[i = \\text{indices}]"}

    def dx(g, x_shape, indices, dim, keepdim):
        return xp.scatter_along(restore(g, dim, keepdim), restore(indices, dim, keepdim), shape=x_shape, dim=dim)


def _along(x, indices, dim, keepdim):
    values = xp.take_along_axis(x, xp.expand_dims(indices, dim), dim)
    return (values, xp.expand_dims(indices, dim)) if keepdim else (values.reshape(indices.shape), indices)


class MaxDim(SelectDim):
    """The largest element along a dimension and where it is; the first one of equals gets the gradient."""

    node_name = "MaxBackward0"
    samples = through("max", along(distinct=True), along(distinct=True, keepdim=True))

    def forward(x, *, dim, keepdim=False):
        return _along(x, xp.argmax(x, axis=dim), dim, keepdim)


class MinDim(SelectDim):
    """The smallest element along a dimension and where it is."""

    node_name = "MinBackward0"
    samples = through("min", along(distinct=True), along(distinct=True, keepdim=True))

    def forward(x, *, dim, keepdim=False):
        return _along(x, xp.argmin(x, axis=dim), dim, keepdim)


class MedianDim(SelectDim):
    """The middle element along a dimension (the lower of two) and where it is."""

    node_name = "MedianBackward1"
    samples = through("median", along(distinct=True), along(distinct=True, keepdim=True))

    def forward(x, *, dim, keepdim=False):
        return _along(
            x, xp.take(xp.argsort(x, axis=dim, kind="stable"), (x.shape[dim] - 1) // 2, axis=dim), dim, keepdim
        )


class Kthvalue(SelectDim):
    """The k-th smallest element along a dimension and where it is."""

    samples = along(distinct=True, k=1)

    def forward(x, *, k, dim=-1, keepdim=False):
        return _along(x, xp.take(xp.argsort(x, axis=dim, kind="stable"), k - 1, axis=dim), dim, keepdim)


class Median(Op):
    """The middle one of all elements (the lower of two)."""

    tex = {"x": "[x = out] / k"}
    samples = WHOLE

    def forward(x):
        return xp.sort(x.reshape(-1))[(x.size - 1) // 2]

    def dx(g, x, out):
        return shared_among_equals(g, x, out, None, False)


class Logsumexp(Op):
    """The logarithm of a sum of exponentials, without overflow.

    Math: out = log Σᵢ eˣⁱ; ∂out/∂x = softmax(x)
    """

    promote = "float"
    tex = {"x": "e^{x - out}"}
    samples = over()

    def forward(x, *, dim, keepdim=False):
        top = xp.max(x, axis=dim, keepdims=True)
        top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
        out = xp.log(xp.sum(xp.exp(x - top), axis=dim, keepdims=True)) + top
        return out if keepdim else xp.squeeze(out, dim)

    def dx(g, x, out, dim, keepdim):
        return restore(g, dim, keepdim) * xp.exp(x - restore(out, dim, keepdim))


class VectorNorm(Op):
    """The p-norm of all elements, or over some dimensions.

    Math: out = (Σᵢ |xᵢ|ᵖ)^(1/p)
    """

    name = "linalg_vector_norm"
    node_name = "LinalgVectorNormBackward0"
    promote = "float"
    tex = {"x": "x / out"}
    samples = through("norm", *(over(p=p) for p in (2, 1, 3, float("inf"), float("-inf"), 0)))

    def forward(x, *, ord=2.0, dim=None, keepdim=False):
        if ord == 2:
            return xp.sqrt(xp.sum(x * x, axis=dim, keepdims=keepdim))
        size = xp.abs(x)
        if ord == float("inf"):
            return xp.max(size, axis=dim, keepdims=keepdim)
        if ord == float("-inf"):
            return xp.min(size, axis=dim, keepdims=keepdim)
        if ord == 0:
            return xp.astype(xp.sum(x != 0, axis=dim, keepdims=keepdim), x.dtype)
        if ord == 1:
            return xp.sum(size, axis=dim, keepdims=keepdim)
        return xp.sum(size**ord, axis=dim, keepdims=keepdim) ** (1 / ord)

    def dx(g, x, out, ord, dim, keepdim):
        g, out = restore(g, dim, keepdim), restore(out, dim, keepdim)
        if ord == 0:
            return xp.zeros_like(x) * g
        if ord == 1:
            return g * xp.sign(x)
        if ord in (float("inf"), float("-inf")):
            hit = xp.astype(xp.abs(x) == out, g.dtype)
            return g * xp.sign(x) * hit / xp.sum(hit, axis=dim, keepdims=True)
        nowhere = out == 0
        safe = xp.where(nowhere, xp.ones_like(out), out)
        slope = x / safe if ord == 2 else xp.sign(x) * (xp.abs(x) / safe) ** (ord - 1)
        return g * xp.where(nowhere, xp.zeros_like(slope), slope)


class Cumsum(Op):
    """Sums from the beginning along a dimension.

    Math: outₖ = Σᵢ≤ₖ xᵢ
    """

    tex = {"x": "[i \\leq k]"}
    samples = along()

    def forward(x, *, dim):
        return xp.cumsum(x, axis=dim) if x.ndim else x + 0

    def dx(g, dim):
        return xp.flip(xp.cumsum(xp.flip(g, dim), axis=dim), dim) if g.ndim else g


class Cumprod(Op):
    """Products from the beginning along a dimension.

    Math: outₖ = Πᵢ≤ₖ xᵢ
    """

    tex = {"x": "\\prod_{j \\leq k, j \\neq i} x_j"}
    samples = along()

    def forward(x, *, dim):
        return xp.cumprod(x, axis=dim) if x.ndim else x + 0

    def dx(g, x, dim):
        if not g.ndim:
            return g
        n = x.shape[dim]
        moved, up = xp.moveaxis(x, dim, -1), xp.moveaxis(g, dim, -1)
        rows = [xp.ones_like(moved[..., :1]), moved]
        padded = xp.concatenate(rows, axis=-1)
        shares = []
        for i in range(n):  # Σ over k ≥ i of gₖ · Π over j ≤ k, j ≠ i of xⱼ
            head = cumulative_product(padded[..., : i + 1])[..., -1:]
            tail = cumulative_product(xp.concatenate([head, moved[..., i + 1 :]], axis=-1))
            shares.append(xp.sum(tail * up[..., i:], axis=-1, keepdims=True))
        return xp.moveaxis(xp.concatenate(shares, axis=-1), -1, dim)


class Sort(Op):
    """The elements in order along a dimension, and where each came from."""

    aux = ("indices",)
    tex = {"x": "P"}
    samples = cases(along(distinct=True), along(distinct=True, descending=True))

    def forward(x, *, dim=-1, descending=False):
        if not x.ndim:
            return x + 0, xp.zeros((), dtype="int64")
        order = xp.argsort(-x if descending and x.dtype.kind == "f" else x, axis=dim, kind="stable")
        if descending and x.dtype.kind != "f":
            flipped = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
            order = xp.flip(x.shape[dim] - 1 - flipped, dim)
        return xp.take_along_axis(x, order, dim), order

    def dx(g, x_shape, indices, dim):
        return xp.scatter_along(g, indices, shape=x_shape, dim=dim) if len(x_shape) else g


class Topk(Op):
    """The k largest (or smallest) elements along a dimension, and where they are."""

    aux = ("indices",)
    tex = {"x": "[i \\in \\text{top } k]"}
    samples = cases(along(distinct=True, k=1), along(distinct=True, k=1, largest=False))

    def forward(x, *, k, dim=-1, largest=True):
        order = xp.argsort(-x if largest else x, axis=dim, kind="stable")
        order = xp.take(order, range(k), axis=dim)
        return xp.take_along_axis(x, order, dim), order

    def dx(g, x_shape, indices, dim):
        return xp.scatter_along(g, indices, shape=x_shape, dim=dim)


# --- torch's signatures -------------------------------------------------------------------------------------------


def _as(input: Any, dtype: Any) -> Any:
    return input if dtype is None else input.to(dtype)


def _floating(name: str, input: Any) -> None:
    if input._data.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype.tensor_type}\n  hint: x.float().{name}()"
        )


@public()
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum of all elements, or over `dim`.

    Example:
        >>> import nbautograd as torch
        >>> torch.tensor([[1.0, 2.0], [3.0, 4.0]]).sum(dim=0)
        tensor([4., 6.])
    """
    input = _as(input, dtype)
    if dim is None:
        return Sum.call(input, dim=None, keepdim=keepdim)
    return SumDim.call(input, dim=canonical_dims_or_all(dim, input.ndim), keepdim=keepdim)


@public()
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of all elements, or over `dim`.

    Raises: RuntimeError for integer tensors.
    """
    input = _as(input, dtype)
    _floating("mean", input)
    if dim is None:
        return Mean.call(input, dim=None, keepdim=keepdim)
    return MeanDim.call(input, dim=canonical_dims_or_all(dim, input.ndim), keepdim=keepdim)


@public()
def prod(input, dim=None, keepdim=False, *, dtype=None):
    """The product of all elements, or over one `dim`."""
    input = _as(input, dtype)
    if dim is None:
        return Prod.call(input)
    return ProdDim.call(input, dim=canonical_dim(dim, input.ndim) if input.ndim else None, keepdim=keepdim)


def _spread(op: Any, name: str, input: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool) -> Any:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    if input._data.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: only support floating point and complex dtypes")
    return op.call(input, dim=canonical_dims(dim, input.ndim), correction=correction, keepdim=keepdim)


@public()
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """The variance; `correction=1` (Bessel's) unless told otherwise."""
    return _spread(Variance, "std and var", input, dim, unbiased, correction, keepdim)


@public()
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """The standard deviation; `correction=1` (Bessel's) unless told otherwise."""
    return _spread(Std, "std and var", input, dim, unbiased, correction, keepdim)


@public(method=False)
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Variance and mean."""
    return var(input, dim, unbiased, keepdim, correction=correction), mean(
        input, canonical_dims(dim, input.ndim), keepdim
    )


@public(method=False)
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=1):
    """Standard deviation and mean."""
    return std(input, dim, unbiased, keepdim, correction=correction), mean(
        input, canonical_dims(dim, input.ndim), keepdim
    )


def _extreme(whole: Any, along: Any, pairwise: str, result: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    if isinstance(dim, Tensor):
        from nbautograd.core.op import TABLE

        return TABLE[pairwise].call(input, dim)
    if dim is None:
        return whole.call(input)
    if not input.ndim:
        return result(input.clone(), wrap(np.int64(0)))
    return result(*along.call(input, dim=canonical_dim(dim, input.ndim), keepdim=keepdim))


@public()
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; with `dim`, the largest along it and where; with a tensor, the larger one of each pair."""
    return _extreme(Max, MaxDim, "maximum", ReturnMax, input, other if dim is None else dim, keepdim)


@public()
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; with `dim`, the smallest along it and where; with a tensor, the smaller of each pair."""
    return _extreme(Min, MinDim, "minimum", ReturnMin, input, other if dim is None else dim, keepdim)


@public()
def amax(input, dim=(), keepdim=False):
    """The largest elements over `dim`; equal ones share the gradient."""
    return Amax.call(input, dim=canonical_dims_or_all(dim, input.ndim), keepdim=keepdim)


@public()
def amin(input, dim=(), keepdim=False):
    """The smallest elements over `dim`; equal ones share the gradient."""
    return Amin.call(input, dim=canonical_dims_or_all(dim, input.ndim), keepdim=keepdim)


@public()
def median(input, dim=None, keepdim=False):
    """The middle element (the lower of two); with `dim`, also where it is."""
    if dim is None:
        return Median.call(input)
    return ReturnMedian(*MedianDim.call(input, dim=canonical_dim(dim, input.ndim), keepdim=keepdim))


@public()
def kthvalue(input, k, dim=-1, keepdim=False):
    """The k-th smallest element along `dim` and where it is."""
    return ReturnKthvalue(*Kthvalue.call(input, k=k, dim=canonical_dim(dim, input.ndim), keepdim=keepdim))


@public()
def logsumexp(input, dim, keepdim=False):
    """log Σ eˣ over `dim`, without overflow."""
    return Logsumexp.call(input, dim=canonical_dims(dim, input.ndim), keepdim=keepdim)


@public()
def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """The p-norm; p=2 unless told otherwise."""
    order = 2.0 if p in ("fro", None) else float(p)
    return VectorNorm.call(_as(input, dtype), ord=order, dim=canonical_dims(dim, input.ndim), keepdim=keepdim)


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """The p-norm of the elements, as in `torch.linalg.vector_norm`."""
    return VectorNorm.call(_as(x, dtype), ord=float(ord), dim=canonical_dims(dim, x.ndim), keepdim=keepdim)


@public()
def dist(input, other, p=2):
    """The p-norm of the difference."""
    return norm(input - other, p)


@public()
def cumsum(input, dim, *, dtype=None):
    """Sums from the beginning along `dim`."""
    return Cumsum.call(_as(input, dtype), dim=canonical_dim(dim, input.ndim))


@public()
def cumprod(input, dim, *, dtype=None):
    """Products from the beginning along `dim`."""
    return Cumprod.call(_as(input, dtype), dim=canonical_dim(dim, input.ndim))


@public()
def sort(input, dim=-1, descending=False, stable=False):
    """The elements in order along `dim`, and where each came from."""
    return ReturnSort(*Sort.call(input, dim=canonical_dim(dim, input.ndim), descending=descending))


@public()
def argsort(input, dim=-1, descending=False, stable=False):
    """The positions that put `dim` in order."""
    return Sort.call(input.detach(), dim=canonical_dim(dim, input.ndim), descending=descending)[1]


@public()
def topk(input, k, dim=-1, largest=True, sorted=True):
    """The k largest elements along `dim` and where they are."""
    if k > (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    return ReturnTopk(*Topk.call(input, k=k, dim=canonical_dim(dim, input.ndim), largest=largest))


def _counting(name: str, input: Any, dim: Any, keepdim: bool, **more: Any) -> Any:
    from nbautograd.core.array import compact, library_of

    dim = canonical_dims(dim, input.ndim)
    return wrap(compact(getattr(library_of(input._data), name)(input._data, axis=dim, keepdims=keepdim, **more)))


@public()
def argmax(input, dim=None, keepdim=False):
    """The position of the largest element."""
    return _counting("argmax", input, dim, keepdim)


@public()
def argmin(input, dim=None, keepdim=False):
    """The position of the smallest element."""
    return _counting("argmin", input, dim, keepdim)


@public()
def all(input, dim=None, keepdim=False):
    """Whether every element is true."""
    return _counting("all", input, dim, keepdim)


@public()
def any(input, dim=None, keepdim=False):
    """Whether some element is true."""
    return _counting("any", input, dim, keepdim)


@public()
def count_nonzero(input, dim=None):
    """How many elements are not zero."""
    return _counting("count_nonzero", input, dim, False)


@public()
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements in order; on request, where each element went and how often it came."""
    found = np.unique(input._data, return_inverse=True, return_counts=True, axis=dim)
    values, inverse, counts = (wrap(np.asarray(a)) for a in found)
    inverse = inverse.reshape(input.shape if dim is None else (-1,))
    picked = [values] + [inverse] * bool(return_inverse) + [counts] * bool(return_counts)
    return picked[0] if len(picked) == 1 else tuple(picked)
