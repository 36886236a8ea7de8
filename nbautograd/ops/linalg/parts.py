"""Parts of matrices, written for every namespace: gradient rules and forward functions are made of these."""

from __future__ import annotations

from nbautograd.core.op import xp


def turned(x):
    """The transpose of each matrix."""
    return xp.swapaxes(x, -1, -2)


def adjoint(x):
    """The conjugate transpose of each matrix."""
    return xp.conj(xp.swapaxes(x, -1, -2))


def identity_like(x):
    """Ones on the diagonal, in the shape of `x` and on its device."""
    return xp.tril(xp.triu(xp.ones_like(x)))


def lower_with_half_diagonal(x):
    """The lower triangle, of the diagonal one half: what differentiates a product of a triangle with its adjoint."""
    return xp.tril(x) - x * identity_like(x) * 0.5


def columns_scaled(x, scale):
    """Each column of the matrices times its own number."""
    return x * xp.expand_dims(scale, -2)


def rows_scaled(x, scale):
    """Each row of the matrices times its own number."""
    return x * xp.expand_dims(scale, -1)


def diagonal_of(x):
    """The diagonal of each matrix, as a vector."""
    return xp.diagonal_copy(x, dim1=-2, dim2=-1)
