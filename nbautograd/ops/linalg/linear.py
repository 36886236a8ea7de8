"""Products with something added: linear layers in one node, and torch's addmm family."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.argument_types import wrong_type
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.linalg.products import MATRICES, bmm, by, in_rows, matmul, outer, product_error
from nbautograd.ops.samples import shaped
from nbautograd.ops.shape.views import View


class Addmm(Op):
    """A product added to a tensor.

    Math: out = b + x y
    """

    broadcasts = True
    tex = {"b": "1", "x": "y^\\top", "y": "x^\\top"}
    code = {"x": "g @ y.T", "y": "x.T @ g"}
    samples = shaped(*((b, x, y) for x, y in MATRICES for b in ((x[0], y[1]), (y[1],), ())))

    def forward(b, x, y):
        return b + x @ y

    def db(g):
        return g

    def dx(g, y):
        return xp.mm_nt(g, y)

    def dy(g, x):
        return xp.mm_tn(x, g)

    def refuse(b, x, y):
        return product_error(x, y) if x.shape[-1:] != y.shape[:1] else None


def rows_by_columns(x, w):
    """x wᵀ. BLAS may be slower with a transposed right operand: for few and long rows it pays to turn the result."""
    return xp.ascontiguousarray(w.dot(x.T).T) if x.shape[1] >= 512 and x.shape[0] <= 128 else x.dot(w.T)


class Linear(Op):
    """A linear layer: a product and a bias in one node.

    Math: out = x wᵀ + b; ∂ℒ/∂x = g w, ∂ℒ/∂w = gᵀ x, ∂ℒ/∂b = Σ g
    Shape: x (N, D), w (M, D), b (M,) → (N, M)
    """

    node_name = "AddmmBackward0"
    title = "linear"
    promote = "same"
    tex = {"x": "w", "w": "x", "b": "1"}
    code = {"out": "x @ w.T + b", "x": "g @ w", "w": "g.T @ x"}
    samples = shaped(*((x, y[::-1], y[1:]) for x, y in MATRICES))

    def forward(x, w, b):
        out = rows_by_columns(x, w)
        out += b
        return out

    def dx(g, w):
        return xp.mm(g, w)

    def dw(g, x):
        return xp.mm_tn(g, x)

    def db(g):
        return xp.sum(g, axis=0)

    def refuse(x, w, b):
        if x.dtype != w.dtype:
            kinds = [dtypes.of_numpy(a.dtype).tensor_type for a in (x, w)]
            return f"mat1 and mat2 must have the same dtype, but got {kinds[0]} and {kinds[1]}"
        return f"mat1 and mat2 shapes cannot be multiplied ({by(x.shape)} and {w.shape[1]}x{w.shape[0]})"


@public()
def addmm(input, mat1, mat2, *, beta=1, alpha=1, out: Any = None):
    """beta · input + alpha · mat1 @ mat2."""
    if beta == alpha == 1 and mat1.ndim == mat2.ndim == 2:
        return into_out(out, Addmm.call(input, mat1, mat2), "addmm")
    return into_out(out, weighted_sum(input, mat1 @ mat2, beta, alpha), "addmm")


@public()
def addmv(input, mat, vec, *, beta=1, alpha=1, out: Any = None):
    """beta · input + alpha · mat @ vec."""
    return addmm(input, mat, vec, beta=beta, alpha=alpha, out=out)


@public()
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1, out: Any = None):
    """beta · input + alpha · batch1 @ batch2."""
    return addmm(input, batch1, batch2, beta=beta, alpha=alpha, out=out)


@public()
def addbmm(input, batch1, batch2, *, beta=1, alpha=1, out: Any = None):
    """beta · input + alpha · Σ batch1 @ batch2."""
    return into_out(out, weighted_sum(input, bmm(batch1, batch2).sum(0), beta, alpha), "addbmm")


@public()
def addr(input, vec1, vec2, *, beta=1, alpha=1, out: Any = None):
    """beta · input + alpha · the outer product of two vectors."""
    return into_out(out, weighted_sum(input, outer(vec1, vec2), beta, alpha), "addr")


def weighted_sum(input: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """beta · input + alpha · product; with beta = 0 the numbers of `input` do not matter, even if they are NaN."""
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product.expand(common_shape(input, product)).clone()
    return (input if beta == 1 else input * beta) + product


def common_shape(*tensors: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(*[tuple(x.shape) for x in tensors])


def publish_written(function: Any) -> None:
    """Publish `Tensor.name_`, which writes the result of a function made of several ops into the tensor itself."""

    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        return self.copy_(function(self.clone(), *args, **settings))  # the old numbers may be needed by backward

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"Like `{function.__name__}`, in place: the tensor itself is changed and returned."
    public(method.__name__, top=False)(method)


for _function in (addmm, addmv, addbmm, baddbmm, addr):
    publish_written(_function)


@public("linear", top=False, method=False, functional=True, hot=True)
def linear(input, weight, bias=None):
    """A linear layer: `input @ weight.T + bias`.

    Shape: input (…, D), weight (M, D), bias (M,) → (…, M)
    """
    try:
        dims = input._data.ndim, weight._data.ndim
    except AttributeError as error:
        raise wrong_type(linear, (input, weight), {}, error) or error from None
    if 0 in dims:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {dims[0]}D and {dims[1]}D")
    if bias is None:
        return matmul(input, weight.t())
    if dims[1] == 1:
        return matmul(input, weight) + bias
    if dims[0] == 2:
        return Linear.call(input, weight, bias)
    return in_rows(lambda rows: Linear.call(rows, weight, bias), input, View)
