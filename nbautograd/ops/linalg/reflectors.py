"""Householder's reflectors: QR decompositions as LAPACK keeps them, and products with their Q."""

from __future__ import annotations

from nbautograd.core.call import wrap
from nbautograd.core.public import public
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.parts import identity_like
from nbautograd.ops.linalg.refusals import check_matrices
from nbautograd.ops.results import result
from nbautograd.ops.shape.joining import cat

GeqrfResult = result("geqrf", "a", "tau")


@public()
def geqrf(input):
    """The QR decomposition as LAPACK keeps it: R, below its diagonal the reflectors that make Q, and their factors."""
    check_matrices("geqrf", input, square=False, argument="input")
    return GeqrfResult(*map(wrap, kernels.geqrf(input._data)))


@public("orgqr")
def householder_product(input, tau):
    """The first columns of the product of the reflectors I − tau v vᴴ, whose v stand below the diagonal of `input`."""
    ones = wrap(identity_like(input._data))
    columns = ones
    for i in reversed(range(tau.shape[-1])):
        v = input[..., i, None].tril(-i - 1) + ones[..., i, None]
        columns = columns - tau[..., i, None, None] * (v @ (v.mH @ columns))
    return columns


@public()
def ormqr(input, tau, other, left: bool = True, transpose: bool = False):
    """`other` times the whole of the product of reflectors that `input` and `tau` hold (`transpose`: its adjoint)."""
    high = input.shape[-2]
    square = cat([input, input.new_zeros((*input.shape[:-1], high - input.shape[-1]))], -1)
    q = householder_product(square, tau)
    q = q.mH if transpose else q
    return q @ other if left else other @ q
