"""The parts of complex numbers, and their conjugates."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.complex.points import complex_ones, is_complex
from nbautograd.ops.samples import cases, through


class Conj(Op):
    """The complex conjugate of each element: the imaginary part with the other sign.

    Math: out = Re x − i Im x
    """

    elementwise = True
    conjugates = True
    samples = cases(complex_ones, numeric=False)

    def forward(x):
        return xp.conj(x)

    def dx(g):
        return xp.conj(g)


class ConjPhysical(Conj):
    """As `conj`."""

    def forward(x):
        return xp.conj(x) if x.dtype.kind == "c" else x.copy()


class Real(Op):
    """The real part of each element: a view, so that writing to it changes the complex number."""

    node_name = "SelectBackward0"
    title = "real"
    view = True
    samples = through("", complex_ones, numeric=False)

    def forward(x):
        return x.real

    def dx(g):
        return xp.complex(g, xp.zeros_like(g))


class Imag(Op):
    """The imaginary part of each element: a view, so that writing to it changes the complex number."""

    node_name = "SelectBackward0"
    title = "imag"
    view = True
    samples = through("", lambda make: (c for c in complex_ones(make) if is_complex(c[0])), numeric=False)

    def forward(x):
        return x.imag

    def dx(g):
        return xp.complex(xp.zeros_like(g), g)


# --- torch's signatures -------------------------------------------------------------------------------------------


@public(method=False)
def real(input):
    """The real part, as a view; a real tensor itself."""
    return Real.call(input) if input.dtype.is_complex else input


@public(method=False)
def imag(input):
    """The imaginary part, as a view.

    Raises: RuntimeError for real tensors.
    """
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return Imag.call(input)


@public()
def conj(input):
    """The complex conjugate; a real tensor itself."""
    return Conj.call(input) if input.dtype.is_complex else input


@public()
def resolve_conj(input):
    """The tensor itself: conjugates are never left for later."""
    return input


@public()
def resolve_neg(input):
    """The tensor itself: signs are never left for later."""
    return input


@public()
def is_conj(input):
    """False: conjugates are never left for later."""
    return False


@public()
def is_neg(input):
    """False: signs are never left for later."""
    return False


@public()
def adjoint(input):
    """The conjugate transpose of matrices."""
    if not input.ndim:
        return conj(input)
    if input.ndim < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {input.ndim}-D tensor."
        )
    return conj(input.mT)


def _matrix_adjoint(self: Tensor) -> Tensor:
    if self.ndim == 1:
        raise RuntimeError(f"tensor.mH is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return conj(self.mT) if self.ndim else conj(self)


def _adjoint(self: Tensor) -> Tensor:
    if self.ndim not in (0, 2):
        stacked = " For batches of matrices, consider using tensor.mH" if self.ndim > 2 else ""
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.{stacked}")
    return conj(self.mT) if self.ndim else conj(self)


def _set_part(part: Any) -> Any:
    return lambda self, value: part(self).copy_(value)


Tensor.real = property(real, _set_part(real))  # type: ignore[attr-defined]
Tensor.imag = property(imag, _set_part(imag))  # type: ignore[attr-defined]
Tensor.mH = property(_matrix_adjoint)  # type: ignore[attr-defined]
Tensor.H = property(_adjoint)  # type: ignore[attr-defined]

publish_op(ConjPhysical)
publish_in_place(ConjPhysical)
