"""Linear algebra: products of vectors and matrices, fused linear layers, and decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import SHAPES, Make, cases, shaped, through
from nbautograd.ops.shape import View


def _name(array: Any) -> str:
    return dtypes.of_numpy(array.dtype).tensor_type.lower()


def _product_error(x: Any, y: Any) -> str | None:
    """torch's text for two arrays that cannot be multiplied as matrices."""
    if x.ndim == 0 or y.ndim == 0:
        return f"both arguments to matmul need to be at least 1D, but they are {x.ndim}D and {y.ndim}D"
    if x.dtype != y.dtype:
        return f"expected m1 and m2 to have the same dtype, but got: {_name(x)} != {_name(y)}"
    if x.ndim == 2 and y.ndim == 2:
        hint = ""
        if x.shape[1] == y.shape[1]:
            hint = "\n  hint: the shapes match after a transpose: x @ y.T"
        elif x.shape[0] == y.shape[0]:
            hint = "\n  hint: the shapes match after a transpose: x.T @ y"
        return f"mat1 and mat2 shapes cannot be multiplied ({_by(x.shape)} and {_by(y.shape)}){hint}"
    if x.ndim == 1 and y.ndim == 1:
        return (
            f"inconsistent tensor size, expected tensor [{x.shape[0]}] and src [{y.shape[0]}] to have the same number "
            f"of elements, but got {x.shape[0]} and {y.shape[0]} elements respectively"
        )
    if x.ndim == 2 and y.ndim == 1:
        return f"size mismatch, got input ({x.shape[0]}), mat ({_by(x.shape)}), vec ({y.shape[0]})"
    return None


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


MATRICES = (((2, 3), (3, 4)), ((1, 1), (1, 1)), ((3, 1), (1, 2)), ((1, 3), (3, 1)), ((0, 2), (2, 3)),
            ((2, 0), (0, 3)), ((4, 4), (4, 4)), ((5, 2), (2, 1)), ((2, 5), (5, 3)), ((1, 2), (2, 4)))  # fmt: skip
STACKS = (((2, 2, 3), (1, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((1, 2, 3), (4, 3, 2)),
          ((2, 2, 2, 3), (2, 2, 3, 1)), ((3, 1, 2, 2), (1, 2, 2, 2)), ((2, 1, 1, 3), (2, 3, 1)),
          ((5, 2, 3), (1, 3, 3)), ((1, 1, 2, 2), (2, 2, 2)), ((2, 3, 1, 2), (2, 3, 2, 1)),
          ((1, 3, 2, 2), (2, 1, 2, 2)))  # fmt: skip


def _sums(make: Make) -> Any:
    for equation, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,ij->", (2, 3), (2, 3)), ("i,j->ij", (2,), (3,)), ("ij->ji", (2, 3)),
        ("ij->i", (2, 3)), ("ii->", (3, 3)), ("ii->i", (3, 3)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
        ("i,i->", (3,), (3,)),
        ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("ij,jk", (2, 3), (3, 2)),
        ("bhid,bhjd->bhij", (1, 2, 3, 2), (1, 2, 2, 2)), ("ij->", (2, 3)),
    ):  # fmt: skip
        yield equation, *(make(*shape) for shape in shapes)


def _invertible(make: Make) -> Any:
    for shape in ((1, 1), (2, 2), (3, 3), (4, 4), (2, 2, 2), (3, 1, 1), (1, 3, 3), (2, 1, 2, 2), (5, 5), (2, 3, 3)):
        yield (make(*shape) + 4 * np.eye(shape[-1], dtype=make.dtype),)


class Product(Op, abstract=True):
    """What the products of matrices have in common."""

    promote = "same"

    def refuse(x, y):
        return _product_error(x, y)


class Mm(Product):
    """The product of two matrices.

    Math: out = x y, ∂ℒ/∂x = g yᵀ, ∂ℒ/∂y = xᵀ g
    Shape: x (N, D), y (D, M) → (N, M)
    """

    tex = {"x": "y^\\top", "y": "x^\\top"}
    samples = shaped(*MATRICES)

    def forward(x, y):
        return x.dot(y)

    def dx(g, y):
        return g @ y.T

    def dy(g, x):
        return x.T @ g


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


class Addmm(Op):
    """A product added to a tensor.

    Math: out = b + x y
    """

    broadcasts = True
    tex = {"b": "1", "x": "y^\\top", "y": "x^\\top"}
    samples = shaped(*((b, x, y) for x, y in MATRICES for b in ((x[0], y[1]), (y[1],), ())))

    def forward(b, x, y):
        return b + x @ y

    def db(g):
        return g

    def dx(g, y):
        return g @ y.T

    def dy(g, x):
        return x.T @ g

    def refuse(b, x, y):
        return _product_error(x, y) if x.shape[-1:] != y.shape[:1] else None


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


def rows_by_columns(x, w):
    """x wᵀ. BLAS is a sixth slower with a transposed right operand: for long rows it pays to turn the result."""
    return xp.ascontiguousarray(w.dot(x.T).T) if x.shape[1] >= 512 else x.dot(w.T)


class Linear(Op):
    """A linear layer: a product and a bias in one node.

    Math: out = x wᵀ + b; ∂ℒ/∂x = g w, ∂ℒ/∂w = gᵀ x, ∂ℒ/∂b = Σ g
    Shape: x (N, D), w (M, D), b (M,) → (N, M)
    """

    node_name = "AddmmBackward0"
    title = "linear"
    promote = "same"
    tex = {"x": "w", "w": "x", "b": "1"}
    samples = shaped(*((x, y[::-1], y[1:]) for x, y in MATRICES))

    def forward(x, w, b):
        out = rows_by_columns(x, w)
        out += b
        return out

    def dx(g, w):
        return g @ w

    def dw(g, x):
        return g.T @ x

    def db(g):
        return xp.sum(g, axis=0)

    def refuse(x, w, b):
        if x.dtype != w.dtype:
            kinds = [dtypes.of_numpy(a.dtype).tensor_type for a in (x, w)]
            return f"mat1 and mat2 must have the same dtype, but got {kinds[0]} and {kinds[1]}"
        return f"mat1 and mat2 shapes cannot be multiplied ({_by(x.shape)} and {w.shape[1]}x{w.shape[0]})"


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


class Einsum(Op):
    """A sum of products over named dimensions."""

    variadic = True
    tex = {"xs": "\\text{the others}"}
    samples = cases(_sums, named=False)

    def forward(*xs, equation):
        out = xp.einsum(equation, *xs)
        return xp.array(out) if len(xs) == 1 else out  # of one array NumPy may give a view

    def dxs(g, xs, equation):
        inputs, out = equation.split("->")
        terms = inputs.split(",")
        return tuple(_einsum_share(g, xs, terms, out, i) for i in range(len(xs)))


def _einsum_share(g, xs, terms, out, i):
    """The gradient of operand `i`: the same sum, with the gradient in its place and its letters as the result."""
    term = terms[i]
    others = [t for j, t in enumerate(terms) if j != i]
    values = [x for j, x in enumerate(xs) if j != i]
    known = set(out).union(*others) if others else set(out)
    once = "".join(dict.fromkeys(c for c in term if c in known))
    share = xp.einsum(",".join([out, *others]) + "->" + once, g, *values)
    letters = "".join(dict.fromkeys(term))
    sizes = dict(zip(term, xs[i].shape))
    share = share.reshape(
        tuple(sizes[c] if c in once else 1 for c in letters) if _ordered(once, letters) else tuple(share.shape)
    )
    share = xp.broadcast_to(share, tuple(sizes[c] for c in letters))
    for place, c in enumerate(term):
        if c in term[:place]:  # a repeated letter took the diagonal: put it back on one
            share = xp.einsum(
                f"{letters},{c}#->{letters}#".replace("#", "Z"), share, xp.eye(sizes[c], dtype=share.dtype)
            )
            letters += "Z"
    return share


def _ordered(once: str, letters: str) -> bool:
    return [c for c in letters if c in once] == list(once)


class Inv(Op):
    """The inverse of a matrix.

    Math: ∂ℒ/∂x = −outᵀ g outᵀ
    """

    node_name = "LinalgInvExBackward0"
    promote = "float"
    samples = through("inverse", _invertible)

    def forward(x):
        return xp.linalg.inv(x)

    def dx(g, out):
        back = xp.swapaxes(out, -1, -2)
        return -xp.matmul(xp.matmul(back, g), back)


# --- torch's signatures -------------------------------------------------------------------------------------------


@public()
def matmul(input, other):
    """The matrix product, for vectors, matrices and stacks of them.

    Shape: (…, N, D) @ (…, D, M) → (…, N, M); a vector counts as a row on the left, as a column on the right
    Raises: RuntimeError when the inner sizes or the dtypes differ.
    """
    if not isinstance(other, Tensor):
        return NotImplemented
    left, right = input._data.ndim, other._data.ndim
    if left == 0 or right == 0:
        raise RuntimeError(_product_error(input._data, other._data))
    if left == 2 and right == 2:
        return Mm.call(input, other)
    if left == 2 and right == 1:
        return Mv.call(input, other)
    if left <= 1 and right <= 1:
        return Dot.call(input, other)
    if left == 1:
        return matmul(input.unsqueeze(0), other).squeeze(-2)
    if right == 1:
        return matmul(input, other.unsqueeze(-1)).squeeze(-1)
    if right == 2:
        return in_rows(lambda rows: Mm.call(rows, other), input, UnsafeView)
    same = left == right == 3 and input._data.shape[0] == other._data.shape[0]
    return (Bmm if same else Matmul).call(input, other)


def in_rows(product: Any, input: Tensor, back: Any) -> Any:
    """Apply `product` to all rows of a stack at once, and put its rows back in the stack with the view op `back`."""
    shape = tuple(input._data.shape)
    rows = product(View.call(input, shape=(-1, shape[-1])))
    return back.call(rows, shape=(*shape[:-1], rows._data.shape[-1]))


Tensor.__matmul__ = matmul


@public()
def mm(input, mat2):
    """The product of two matrices."""
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    return Mm.call(input, mat2)


@public()
def bmm(input, mat2):
    """The products of two stacks of matrices."""
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError(f"batch{1 + (input.ndim == 3)} must be a 3D tensor")
    return Bmm.call(input, mat2)


@public()
def mv(input, vec):
    """The product of a matrix and a vector."""
    return Mv.call(input, vec)


@public()
def dot(input, tensor):
    """The dot product of two vectors.

    Raises: RuntimeError when they are not vectors.
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    return Dot.call(input, tensor)


@public("inner")
def inner(input, other):
    """Dot products over the last dimensions."""
    if not input.ndim or not other.ndim:
        return input * other
    return tensordot(input, other, dims=([-1], [-1]))


@public("outer", "ger")
def outer(input, vec2):
    """The products of every pair of elements of two vectors."""
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return Outer.call(input, vec2)


@public()
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta · input + alpha · mat1 @ mat2."""
    if beta == alpha == 1 and mat1.ndim == mat2.ndim == 2:
        return Addmm.call(input, mat1, mat2)
    product = mat1 @ mat2
    return (input if beta == 1 else input * beta) + (product if alpha == 1 else product * alpha)


@public()
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta · input + alpha · mat @ vec."""
    return addmm(input, mat, vec, beta=beta, alpha=alpha)


@public()
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta · input + alpha · batch1 @ batch2."""
    return addmm(input, batch1, batch2, beta=beta, alpha=alpha)


@public()
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta · input + alpha · Σ batch1 @ batch2."""
    product = bmm(batch1, batch2).sum(0)
    return (input if beta == 1 else input * beta) + (product if alpha == 1 else product * alpha)


@public("linear", top=False, method=False, functional=True)
def linear(input, weight, bias=None):
    """A linear layer: `input @ weight.T + bias`.

    Shape: input (…, D), weight (M, D), bias (M,) → (…, M)
    """
    if not input.ndim or not weight.ndim:
        raise RuntimeError(
            f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and {weight.ndim}D"
        )
    if bias is None:
        return matmul(input, weight.t())
    if weight.ndim == 1:
        return matmul(input, weight) + bias
    if input._data.ndim == 2:
        return Linear.call(input, weight, bias)
    return in_rows(lambda rows: Linear.call(rows, weight, bias), input, View)


def _expanded(equation: str, tensors: tuple[Tensor, ...]) -> str:
    """The equation with its result spelled out and `...` replaced by letters."""
    equation = equation.replace(" ", "")
    inputs, arrow, out = equation.partition("->")
    terms = inputs.split(",")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXY" if c not in equation]
    most = max((t.ndim - len(term) + 3 for term, t in zip(terms, tensors, strict=True) if "..." in term), default=0)
    dots = "".join(free[:most])
    terms = [
        term.replace("...", dots[most - (t.ndim - len(term) + 3) :]) for term, t in zip(terms, tensors, strict=True)
    ]
    if not arrow:
        letters = "".join(terms)
        out = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return ",".join(terms) + "->" + out.replace("...", dots)


@public(method=False)
def einsum(equation, *operands):
    """A sum of products over named dimensions, such as `einsum('ij,jk->ik', a, b)`."""
    tensors = operands[0] if len(operands) == 1 and not isinstance(operands[0], Tensor) else operands
    return Einsum.call(*tensors, equation=_expanded(equation, tuple(tensors)))


@public(method=False)
def tensordot(a, b, dims: Any = 2):
    """Sums of products over several dimensions of two tensors."""
    if isinstance(dims, int):
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    left, right = [d % a.ndim for d in dims[0]], [d % b.ndim for d in dims[1]]
    rest_a = [d for d in range(a.ndim) if d not in left]
    rest_b = [d for d in range(b.ndim) if d not in right]
    count = 1
    for d in left:
        count *= a.shape[d]
    x = a.permute(*rest_a, *left).reshape(-1, count)
    y = b.permute(*right, *rest_b).reshape(count, -1)
    return (x @ y).reshape(*[a.shape[d] for d in rest_a], *[b.shape[d] for d in rest_b])


@public(method=False)
def kron(input, other):
    """The Kronecker product."""
    n = max(input.ndim, other.ndim)
    a = input.reshape((1,) * (n - input.ndim) + tuple(input.shape))
    b = other.reshape((1,) * (n - other.ndim) + tuple(other.shape))
    pairs = tuple(size for d in range(n) for size in (a.shape[d], 1))
    others = tuple(size for d in range(n) for size in (1, b.shape[d]))
    return (a.reshape(pairs) * b.reshape(others)).reshape(tuple(p * q for p, q in zip(a.shape, b.shape)))


@public("inverse")
def inverse(input):
    """The inverse of a matrix."""
    return Inv.call(input)
