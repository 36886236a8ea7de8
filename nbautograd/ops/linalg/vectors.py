"""Vectors: products and distances of pairs of them, and the powers of their components."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.linalg.linear import publish_written
from nbautograd.ops.linalg.parts import turned
from nbautograd.ops.linalg.products import Product
from nbautograd.ops.reduce.norms import vector_norm
from nbautograd.ops.samples import Make, shaped, through
from nbautograd.ops.shape.joining import cat


def _crossed(make: Make) -> Any:
    for a, b, dim in (
        ((3,), (3,), -1), ((2, 3), (2, 3), -1), ((3, 2), (3, 2), 0), ((2, 3), (1, 3), 1), ((2, 1, 3), (1, 4, 3), -1),
        ((2, 3, 4), (2, 3, 4), 1), ((0, 3), (0, 3), -1), ((3, 0), (3, 0), 0),
    ):  # fmt: skip
        for _ in range(3):
            yield make(*a), make(*b), {"dim": dim}
    yield make(3, 2).T, make(4, 3)[::2]


class CrossProduct(Op):
    """The cross product of vectors with three components.

    Math: out = (x₂y₃ − x₃y₂, x₃y₁ − x₁y₃, x₁y₂ − x₂y₁)
    """

    node_name = "LinalgCrossBackward0"
    broadcasts = True
    tex = {"x": "y \\times g", "y": "g \\times x"}
    samples = through("linalg.cross", _crossed)

    def forward(x, y, *, dim=-1):
        if x.__class__ is np.ndarray:
            return crossed(x, y, dim)
        ahead = xp.roll(x, -1, dim) * xp.roll(y, 1, dim)
        return ahead - xp.roll(x, 1, dim) * xp.roll(y, -1, dim)

    def dx(g, y, dim):
        return xp.cross_product(y, g, dim=dim)

    def dy(g, x, dim):
        return xp.cross_product(g, x, dim=dim)


def crossed(x, y, dim):
    """The cross product, one component after the other."""
    out = np.empty(np.broadcast(x, y).shape, x.dtype)
    a, b, found = (v.swapaxes(0, dim) for v in (x, y, out))
    for i in range(3):
        found[i] = a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2]
    return out


class Vdot(Product):
    """The dot product of two vectors, of the first one's conjugate.

    Math: out = Σᵢ conj(xᵢ) yᵢ
    """

    conjugates = True
    tex = {"x": "y", "y": "x"}
    samples = shaped(*(((n,), (n,)) for n in (0, 1, 2, 3, 4, 5, 7, 10, 16, 33)))

    def forward(x, y):
        return xp.conj(x).dot(y)

    def dx(g, y):
        return xp.conj(g) * y

    def dy(g, x):
        return g * x


def _clouds(make: Make) -> Any:
    for a, b in (((2, 3), (4, 3)), ((1, 1), (1, 1)), ((3, 2), (3, 2)), ((2, 3, 2), (2, 1, 2)),
                 ((2, 1, 3, 2), (2, 4, 2)), ((0, 3), (2, 3)), ((2, 3), (0, 3)), ((5, 4), (2, 4))):  # fmt: skip
        for _ in range(3):
            yield make(*a), make(*b)
    yield make(3, 4).T, make(6, 3)[::2]


class EuclideanDist(Op):
    """The distances of each point in `x` from each point in `y`, by one product of matrices.

    Math: out = √(|xᵢ|² + |yⱼ|² − 2 xᵢ · yⱼ); where it is zero, its slope is taken to be zero
    Shape: x (…, P, D), y (…, R, D) → (…, P, R)
    """

    broadcasts = True
    samples = through("", _clouds)

    def forward(x, y):
        squares = xp.sum(x * x, axis=-1, keepdims=True) + turned(xp.sum(y * y, axis=-1, keepdims=True))
        return xp.sqrt(xp.maximum(squares - 2 * xp.matmul(x, turned(y)), 0))

    def dx(g, x, y, out):
        return away(over(g, out), x, y)

    def dy(g, x, y, out):
        return away(turned(over(g, out)), y, x)


def over(g, out):
    """`g / out`, zero where `out` is."""
    nowhere = out == 0
    ratio = g / xp.where(nowhere, xp.ones_like(out), out)
    return xp.where(nowhere, xp.zeros_like(ratio), ratio)


def away(share, x, y):
    """The sum over the points of `y` of what draws each point of `x` away from them."""
    return x * xp.sum(share, axis=-1, keepdims=True) - xp.matmul(share, y)


# --- torch's signatures -------------------------------------------------------------------------------------------


def cross(input, other, *, dim: int = -1):
    """The cross product of vectors with three components along `dim`.

    Raises: RuntimeError when there are not three.
    """
    if input.ndim != other.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions."
            f"\n  they have the shapes {tuple(input.shape)} and {tuple(other.shape)}"
        )
    at = canonical_dim(dim, input.ndim)
    if input.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[at]} and {other.shape[at]}"
        )
    return CrossProduct.call(input, other, dim=at)


@public("cross")
def top_cross(input, other, dim: int | None = None):
    """See `torch.linalg.cross`; without `dim`, along the first dimension of size three."""
    if dim is None:
        dim = next((d for d, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    return cross(input, other, dim=dim)


@public()
def vdot(input, other):
    """The dot product of two vectors, of the conjugate of the first one."""
    if input.ndim != 1 or other.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {other.ndim}D tensors")
    return Vdot.call(input, other)


def vecdot(x, y, *, dim: int = -1):
    """Dot products of the vectors along `dim`, of the conjugates of x."""
    if x.ndim == y.ndim == 1:
        return vdot(x, y)
    return (x.conj() * y).sum(dim)


@public(method=False)
def cdist(x1, x2, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary"):
    """The p-norm distance of each row of `x1` from each row of `x2`.

    Shape: x1 (…, P, D), x2 (…, R, D) → (…, P, R)
    """
    for i, x in enumerate((x1, x2), 1):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{i} got: {x.ndim}D")
        if not x.dtype.is_floating_point:
            raise RuntimeError(f"cdist only supports floating-point dtypes, X{i} got: {x.dtype.tensor_type}")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    many = max(x1.shape[-2], x2.shape[-2]) > 25 and compute_mode != "donot_use_mm_for_euclid_dist"
    if p == 2 and (many or compute_mode == "use_mm_for_euclid_dist"):
        return EuclideanDist.call(x1, x2)
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


@public(method=False, functional=True)
def pdist(input, p: float = 2.0):
    """The p-norm distance of each pair of rows."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not input.dtype.is_floating_point:
        raise RuntimeError("pdist only supports floating-point dtypes")
    first, second = xp.triu_indices(input.shape[0], 1)
    return vector_norm(input[first] - input[second], p, -1)


@public()
def renorm(input, p: float, dim: int, maxnorm: float):
    """The parts along `dim` whose p-norm is larger than `maxnorm` brought down to it."""
    at = canonical_dim(dim, input.ndim)
    norms = vector_norm(input, p, tuple(d for d in range(input.ndim) if d != at), keepdim=True)
    return input * (maxnorm / (norms + 1e-7)).where(norms > maxnorm, 1.0)


publish_written(renorm)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 … N − 1 of each element, in a new last dimension."""
    count = x.shape[-1] if N is None and x.ndim else N
    if count is None or count <= 1:
        raise RuntimeError("N must be greater than 1.")
    x = x if x._data.dtype.kind in "fcV" else x.long()
    ones = x.new_ones((*x.shape, 1))
    return cat([ones, x.unsqueeze(-1).expand(*x.shape, count - 1).cumprod(-1)], -1)
