"""Products of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.call import wrap
from nbautograd.core.modes import local, state
from nbautograd.core.op import Op, xp
from nbautograd.core.public import into, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.samples import SHAPES, cases, shaped, through
from nbautograd.ops.shape.views import View


def _name(array: Any) -> str:
    return dtypes.of_numpy(array.dtype).tensor_type.lower()


def product_error(x: Any, y: Any) -> str | None:
    """torch's text for two arrays that cannot be multiplied as matrices."""
    if x.ndim == 0 or y.ndim == 0:
        return f"both arguments to matmul need to be at least 1D, but they are {x.ndim}D and {y.ndim}D"
    if x.dtype != y.dtype:
        if x.ndim == y.ndim == 1:
            kinds = [dtypes.of_numpy(a.dtype).tensor_type for a in (x, y)]
            return f"dot : expected both vectors to have same dtype, but found {kinds[0]} and {kinds[1]}"
        return f"expected m1 and m2 to have the same dtype, but got: {_name(x)} != {_name(y)}"
    if x.ndim == 2 and y.ndim == 2:
        hint = ""
        if x.shape[1] == y.shape[1]:
            hint = "\n  hint: the shapes match after a transpose: x @ y.T"
        elif x.shape[0] == y.shape[0]:
            hint = "\n  hint: the shapes match after a transpose: x.T @ y"
        return f"mat1 and mat2 shapes cannot be multiplied ({by(x.shape)} and {by(y.shape)}){hint}"
    if x.ndim == 1 and y.ndim == 1:
        return (
            f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have the same number "
            f"of elements, but got {x.shape[0]} and {y.shape[0]} elements respectively"
        )
    if y.ndim == 1:
        rows = math.prod(x.shape[:-1])
        return f"size mismatch, got input ({rows}), mat ({rows}x{x.shape[-1]}), vec ({y.shape[0]})"
    return _stacks_error(x.shape, y.shape) if y.ndim > 2 else None


def _stacks_error(x: tuple[int, ...], y: tuple[int, ...]) -> str | None:
    """torch's text for stacks of matrices that fit as stacks, and not as matrices."""
    try:
        count = math.prod(np.broadcast_shapes(x[:-2], y[:-2]))
    except ValueError:
        return None
    wanted, got = [count, x[-1]], [count, y[-2]]
    return f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {got}."


def by(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


MATRICES = (((2, 3), (3, 4)), ((1, 1), (1, 1)), ((3, 1), (1, 2)), ((1, 3), (3, 1)), ((0, 2), (2, 3)),
            ((2, 0), (0, 3)), ((4, 4), (4, 4)), ((5, 2), (2, 1)), ((2, 5), (5, 3)), ((1, 2), (2, 4)))  # fmt: skip


STACKS = (((2, 2, 3), (1, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((1, 2, 3), (4, 3, 2)),
          ((2, 2, 2, 3), (2, 2, 3, 1)), ((3, 1, 2, 2), (1, 2, 2, 2)), ((2, 1, 1, 3), (2, 3, 1)),
          ((5, 2, 3), (1, 3, 3)), ((1, 1, 2, 2), (2, 2, 2)), ((2, 3, 1, 2), (2, 3, 2, 1)),
          ((1, 3, 2, 2), (2, 1, 2, 2)))  # fmt: skip


class Product(Op, abstract=True):
    """What the products of matrices have in common."""

    promote = "same"

    def refuse(x, y):
        return product_error(x, y)


class Mm(Product):
    """The product of two matrices.

    Math: out = x y, ∂ℒ/∂x = g yᵀ, ∂ℒ/∂y = xᵀ g
    Shape: x (N, D), y (D, M) → (N, M)
    """

    tex = {"x": "y^\\top", "y": "x^\\top"}
    code = {"x": "g @ y.T", "y": "x.T @ g"}
    samples = shaped(*MATRICES)

    def forward(x, y):
        return x.dot(y)

    def dx(g, y):
        return xp.mm_nt(g, y)

    def dy(g, x):
        return xp.mm_tn(x, g)


# What BLAS calls NT and TN: one op where a product with a turned view would be two. Gradients are made of these, and
# for short rows `dot` is up to five times as fast as `@`.


class MmNt(Product):
    """The product of a matrix and another one transposed, as in the gradients of products.

    Math: out = x yᵀ
    """

    node_name = "MmBackward0"
    title = "mm"
    tex = {"x": "y", "y": "{\\cdot}^\\top x"}
    code = {"out": "x @ y.T", "x": "g @ y", "y": "g.T @ x"}
    samples = through("", shaped(*((x, y[::-1]) for x, y in MATRICES)))

    def forward(x, y):
        return x.dot(y.T)

    def dx(g, y):
        return xp.mm(g, y)

    def dy(g, x):
        return xp.mm_tn(g, x)


class MmTn(Product):
    """The product of a matrix transposed and another one, as in the gradients of products.

    Math: out = xᵀ y
    """

    node_name = "MmBackward0"
    title = "mm"
    tex = {"x": "y {\\cdot}^\\top", "y": "x"}
    code = {"out": "x.T @ y", "x": "y @ g.T", "y": "x @ g"}
    samples = through("", shaped(*((x[::-1], y) for x, y in MATRICES)))

    def forward(x, y):
        return x.T.dot(y)

    def dx(g, y):
        return xp.mm_nt(y, g)

    def dy(g, x):
        return xp.mm(x, g)


class Bmm(Product):
    """The products of two stacks of matrices.

    Shape: x (B, N, D), y (B, D, M) → (B, N, M)
    """

    broadcasts = True
    tex = {"x": "y^\\top", "y": "x^\\top"}
    samples = shaped(*(((b, *x), (b, *y)) for b in (1, 2) for x, y in MATRICES))

    def forward(x, y):
        return xp.matmul(x, y)

    def dx(g, y):
        return xp.matmul(g, xp.swapaxes(y, -1, -2))

    def dy(g, x):
        return xp.matmul(xp.swapaxes(x, -1, -2), g)


class Matmul(Bmm):
    """The products of stacks of matrices whose leading dimensions are broadcast."""

    node_name = "UnsafeViewBackward0"
    samples = cases(shaped(*STACKS), named=False)


class UnsafeView(Op):
    """The rows of a product back in their stacks."""

    samples = through("", shaped(*((s, {"shape": (-1,)}) for s in (*SHAPES, (4, 2), (3, 1, 2)) if 0 not in s)))

    def forward(x, *, shape):
        return x.reshape(shape)

    def dx(g, x_shape):
        return g.reshape(x_shape)


class Mv(Product):
    """The product of a matrix and a vector.

    Shape: x (N, D), y (D,) → (N,)
    """

    tex = {"x": "y^\\top", "y": "x^\\top"}
    samples = shaped(*((x, x[1:]) for x, _ in MATRICES))

    def forward(x, y):
        return x @ y

    def dx(g, y):
        return g.reshape((-1, 1)) * y.reshape((1, -1))

    def dy(g, x):
        return x.T @ g


class Dot(Product):
    """The dot product of two vectors.

    Math: out = Σᵢ xᵢ yᵢ
    """

    tex = {"x": "y", "y": "x"}
    samples = shaped(*(((n,), (n,)) for n in (0, 1, 2, 3, 4, 5, 7, 10, 16, 33)))

    def forward(x, y):
        return x @ y

    def dx(g, y):
        return g * y

    def dy(g, x):
        return g * x


class Outer(Op):
    """The products of every pair of elements of two vectors."""

    node_name = "MulBackward0"
    tex = {"x": "y", "y": "x"}
    samples = shaped(*(((n,), (m,)) for n in (1, 2, 3, 0) for m in (1, 3, 4)))

    def forward(x, y):
        return x.reshape((-1, 1)) * y

    def dx(g, y):
        return g @ y

    def dy(g, x):
        return g.T @ x


def matmul(input, other, *, out: Any = None):
    """What `input @ other` is; NotImplemented where the other is no tensor, so that Python asks it too."""
    if not isinstance(other, Tensor):
        return NotImplemented
    if out is not None:
        return into(out, matmul(input, other), "matmul")
    if state.special and local.cast is not None:
        input, other = local.cast("matmul", (input, other))
    left, right = input._data.ndim, other._data.ndim
    if left == 0 or right == 0:
        raise RuntimeError(product_error(input._data, other._data))
    if left == 2 and right == 2:
        return Mm.call(input, other)
    if left == 2 and right == 1:
        return Mv.call(input, other)
    if left <= 1 and right <= 1:
        return Dot.call(input, other)
    if left == 1:  # the result is no view: a user may change it in place, and detach it
        return matmul(input.unsqueeze(0), other).squeeze_(-2)
    if right == 1:
        if input._data.shape[-1] != other._data.shape[0]:
            raise RuntimeError(product_error(input._data, other._data))
        return matmul(input, other.unsqueeze(-1)).squeeze_(-1)
    if right == 2:
        return in_rows(lambda rows: Mm.call(rows, other), input, UnsafeView)
    same = left == right == 3 and input._data.shape[0] == other._data.shape[0]
    return (Bmm if same else Matmul).call(input, other)


def in_rows(product: Any, input: Tensor, back: Any) -> Any:
    """Apply `product` to all rows of a stack at once, and put its rows back in the stack with the view op `back`."""
    shape = tuple(input._data.shape)
    count = -1 if shape[-1] else math.prod(shape[:-1])  # rows of nothing are not to be counted from their memory
    rows = product(View.call(input, shape=(count, shape[-1])))
    return back.call(rows, shape=(*shape[:-1], rows._data.shape[-1]))


def _rmatmul(self: Tensor, other: Any) -> Tensor:
    return matmul(wrap(other) if isinstance(other, np.ndarray) else other, self)


@public("matmul")
def matrix_product(input, other, *, out: Any = None):
    """The matrix product, for vectors, matrices and stacks of them.

    Shape: (…, N, D) @ (…, D, M) → (…, N, M); a vector counts as a row on the left, as a column on the right
    Raises: RuntimeError when the inner sizes or the dtypes differ, TypeError for what is no tensor.
    """
    found = matmul(input, other, out=out)
    if found is NotImplemented:
        raise TypeError(f"matmul(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    return found


Tensor.__matmul__ = matmul
Tensor.__rmatmul__ = _rmatmul


@public()
def mm(input, mat2, *, out: Any = None):
    """The product of two matrices."""
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    return into_out(out, Mm.call(input, mat2), "mm")


@public()
def bmm(input, mat2, *, out: Any = None):
    """The products of two stacks of matrices."""
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError(f"batch{1 + (input.ndim == 3)} must be a 3D tensor")
    return into_out(out, Bmm.call(input, mat2), "bmm")


@public()
def mv(input, vec, *, out: Any = None):
    """The product of a matrix and a vector."""
    return into_out(out, Mv.call(input, vec), "mv")


@public()
def dot(input, tensor, *, out: Any = None):
    """The dot product of two vectors.

    Raises: RuntimeError when they are not vectors.
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return into_out(out, Dot.call(input, tensor), "dot")


@public("outer", "ger")
def outer(input, vec2, *, out: Any = None):
    """The products of every pair of elements of two vectors."""
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return into_out(out, Outer.call(input, vec2), "outer")
