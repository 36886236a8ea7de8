"""Diagonals and triangles."""

from __future__ import annotations

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, public_in_place
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.elementwise.bounds import LARGE, chosen
from nbautograd.ops.samples import shaped, through
from nbautograd.ops.shape.orders import movedim
from nbautograd.ops.shape.views import writable

PLANES = (((3, 3), 0, 1), ((2, 4), 0, 1), ((2, 3, 3), 1, 2), ((3, 2, 3), 0, -1))


DIAGONALS = ((2, (2, 2), 0), (3, (3, 3), 0), (2, (3, 3), 1), (2, (3, 3), -1), (2, (2, 4), 2), (2, (4, 2), -2),
             (1, (1, 1), 0), (2, (2, 3), 0), (2, (3, 2), 0), (1, (2, 2), 1))  # fmt: skip


class Diagonal(Op):
    """The diagonal of two dimensions, as the last dimension."""

    view = True
    samples = shaped(*((shape, {"offset": k, "dim1": a, "dim2": b}) for shape, a, b in PLANES for k in (0, 1, -1)))

    def forward(x, *, offset=0, dim1=0, dim2=1):
        return writable(xp.diagonal(x, offset, dim1, dim2), x)

    def dx(g, x_shape, offset, dim1, dim2):
        return xp.diagonal_scatter(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2)


class DiagonalScatter(Op):
    """Zeros with `x` on the diagonal."""

    samples = through("", shaped(*(((n,), {"shape": shape, "offset": k}) for n, shape, k in DIAGONALS)))

    def forward(x, *, shape, offset=0, dim1=0, dim2=1):
        out = xp.zeros(shape, dtype=x.dtype)
        rows, columns = shape[dim1], shape[dim2]
        n = min(rows + min(offset, 0), columns - max(offset, 0))
        i = xp.arange(n)
        moved = xp.moveaxis(out, (dim1, dim2), (-2, -1))
        moved[..., i - min(offset, 0), i + max(offset, 0)] = x
        return out

    def dx(g, offset, dim1, dim2):
        return xp.diagonal_copy(g, offset=offset, dim1=dim1, dim2=dim2)


class DiagEmbed(DiagonalScatter):
    """A matrix with the vector as its diagonal."""

    samples = through("diag", shaped(*(((n,), {"diagonal": k}) for n in (1, 2, 3, 4) for k in (0, 1, -2))))


class Trace(Op):
    """The sum of the diagonal of a matrix."""

    tex = {"x": "I"}
    samples = shaped(
        *((shape,) for shape in ((2, 2), (2, 3), (3, 2), (1, 1), (4, 4), (1, 3), (3, 1), (5, 2), (2, 5), (3, 3)))
    )

    def forward(x):
        return xp.trace(x)

    def dx(g, x_shape):
        return g * xp.eye(*x_shape, dtype=g.dtype)


class DiagonalCopy(Diagonal):
    """As `diagonal`, under a name that gradient rules can use."""

    node_name = "DiagonalBackward0"
    samples = through(
        "", shaped(*((shape, {"offset": k, "dim1": a, "dim2": b}) for shape, a, b in PLANES for k in (0, 1, -1)))
    )


class Tril(Op):
    """The lower triangle of a matrix; zero above."""

    samples = shaped(*((shape, {"diagonal": k}) for shape in ((3, 3), (2, 4), (2, 3, 2), (0, 2)) for k in (0, 1, -1)))

    def forward(x, *, diagonal=0):
        return lower(x, diagonal)

    def dx(g, diagonal):
        return lower(g, diagonal)


class Triu(Op):
    """The upper triangle of a matrix; zero below."""

    samples = Tril.samples

    def forward(x, *, diagonal=0):
        return upper(x, diagonal)

    def dx(g, diagonal):
        return upper(g, diagonal)


def lower(x, k):
    """`tril`; a large one by bits, in half the time."""
    return chosen(below(x, k), x, 0) if is_large(x) else xp.tril(x, k)


def upper(x, k):
    """`triu`; a large one by bits, in half the time."""
    return chosen(below(x, k - 1), 0, x) if is_large(x) else xp.triu(x, k)


def below(x, k):
    """Which places of a matrix lie on a diagonal or below it."""
    return np.tri(x.shape[-2], x.shape[-1], k, dtype=bool)


def is_large(x):
    return x.__class__ is np.ndarray and x.size > LARGE


def _check_matrix(name, input):
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@public_in_place()
@public()
def tril(input, diagonal=0):
    """The lower triangle; zero above the diagonal."""
    _check_matrix("tril", input)
    return Tril.call(input, diagonal=diagonal)


@public_in_place()
@public()
def triu(input, diagonal=0):
    """The upper triangle; zero below the diagonal."""
    _check_matrix("triu", input)
    return Triu.call(input, diagonal=diagonal)


@public()
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The diagonal of two dimensions, as the last dimension."""
    return Diagonal.call(
        input, offset=offset, dim1=canonical_dim(dim1, input.ndim), dim2=canonical_dim(dim2, input.ndim)
    )


@public()
def diag(input, diagonal=0):
    """The diagonal of a matrix, or a matrix with the vector as its diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 2:
        return Diagonal.call(input, offset=diagonal)
    n = input.shape[0] + abs(diagonal)
    return DiagEmbed.call(input, shape=(n, n), offset=diagonal)


@public()
def diagflat(input, offset=0):
    """A matrix with all elements of `input` on its diagonal."""
    return diag(input.reshape(-1), offset)


@public(top=False)
def fill_diagonal_(self, fill_value, wrap=False):
    """One number on the whole diagonal, in place; `wrap` starts again below it in tall matrices.

    Raises: RuntimeError for less than two dimensions.
    """
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    rows, columns, count = self.shape[0], self.shape[-1], min(self.shape)
    if wrap and self.ndim == 2 and rows > columns + 1:
        count = -(-self.numel() // (columns + 1))
    strides = self.stride()
    self.as_strided((count,), (sum(strides),)).fill_(fill_value)
    return self


@public()
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices with the last dimension as their diagonals."""
    n = input.shape[-1] + abs(offset)
    out = DiagonalScatter.call(
        input, shape=(*input.shape[:-1], n, n), offset=offset, dim1=input.ndim - 1, dim2=input.ndim
    )
    return movedim(out, (-2, -1), (dim1, dim2))


@public()
def trace(input):
    """The sum of the diagonal of a matrix.

    Raises: RuntimeError for what is no matrix.
    """
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return Trace.call(input)
