"""Complex numbers: made of two real ones and taken apart again; conjugates, lengths and angles.

See NOTE [Complex gradients] in `core/twins.py`. Conjugates are computed at once: no tensor is conjugated lazily.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.elementwise.signs import direction
from nbautograd.ops.samples import SHAPES, Make, binary, cases, through


def points(make: Make, *shape: int) -> Any:
    """Complex numbers away from zero, in all directions."""
    kind = np.result_type(make.dtype, np.complex64)
    return np.asarray(make(*shape, low=0.5) * np.exp(1j * make(*shape, low=-3, high=3)), kind)


def complex_ones(make: Make) -> Any:
    for shape in (*SHAPES, *SHAPES):
        yield (points(make, *shape),)
    yield (points(make, 4, 3).T,)
    yield (points(make, 7)[::2],)
    for shape in ((3,), (2, 3), ()):
        yield (make(*shape),)


def _pairs_last(make: Make) -> Any:
    for shape in (*SHAPES, *SHAPES, (4, 3), (7,), (1, 2, 3)):
        yield (make(*shape, 2),)


def is_complex(x: Any) -> bool:
    """Whether an array or a tensor holds complex numbers."""
    return getattr(x, "_data", x).dtype.kind == "c"


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


class Real(Op):
    """The real part of each element: a view, so that writing to it changes the complex number."""

    node_name = "SelectBackward0"
    view = True
    samples = through("", complex_ones, numeric=False)

    def forward(x):
        return x.real

    def dx(g):
        return xp.complex(g, xp.zeros_like(g))


class Imag(Op):
    """The imaginary part of each element: a view, so that writing to it changes the complex number."""

    node_name = "SelectBackward0"
    view = True
    samples = through("", lambda make: (c for c in complex_ones(make) if is_complex(c[0])), numeric=False)

    def forward(x):
        return x.imag

    def dx(g):
        return xp.complex(xp.zeros_like(g), g)


class Complex(Op):
    """Complex numbers from their real and imaginary parts.

    Math: out = x + i y
    """

    elementwise = True
    conjugates = True
    promote = "same"
    tex = {"x": "1", "y": "i"}
    samples = through("", binary())  # of half precision torch makes complex numbers that NumPy does not have

    def forward(x, y):
        out = xp.array(x + y, dtype=xp.result_type(x.dtype, "complex64"))
        out.real, out.imag = x, y
        return out

    def dx(g):
        return xp.real(g)

    def dy(g):
        return xp.imag(g)


class Polar(Op):
    """Complex numbers from their lengths and angles.

    Math: out = x (cos y + i sin y)
    """

    elementwise = True
    conjugates = True
    promote = "same"
    tex = {"x": "e^{i y}", "y": "i\\, out"}
    samples = binary(low=0.5)

    def forward(x, y):
        return xp.complex(x * xp.cos(y), x * xp.sin(y))

    def dx(g, y):
        return xp.real(g) * xp.cos(y) + xp.imag(g) * xp.sin(y)

    def dy(g, x, y):
        return x * (xp.imag(g) * xp.cos(y) - xp.real(g) * xp.sin(y))


class ViewAsReal(Op):
    """Each complex number as its real and imaginary part, in a new last dimension of size two.

    Shape: (…) → (…, 2)
    """

    view = True
    samples = through("", lambda make: (c for c in complex_ones(make) if is_complex(c[0])), numeric=False)

    def forward(x: Any):
        return xp.expand_dims(x, -1).view(x.real.dtype)

    def dx(g):
        return xp.view_as_complex(g)


class ViewAsComplex(Op):
    """Complex numbers from the real and imaginary parts in the last dimension.

    Shape: (…, 2) → (…)
    """

    view = True
    samples = through("", _pairs_last)

    def forward(x: Any):
        if x.strides[-1] != x.itemsize:
            x = xp.ascontiguousarray(x)
        return x.view(xp.result_type(x.dtype, "complex64"))[..., 0]

    def dx(g):
        return xp.view_as_real(g)


class Sgn(Op):
    """The direction of each element: x / |x|, and 0 for 0.

    Math: ∂ℒ/∂x = (g − Re(g conj(out)) out) / |x|
    """

    elementwise = True
    conjugates = True
    samples = cases(complex_ones)

    def forward(x):
        return direction(x) if x.dtype.kind == "f" else xp.sign(x)

    def dx(g, x, out):
        if not is_complex(x):
            return xp.zeros_like(g)
        size = xp.abs(x)
        nowhere = size == 0
        across = (g - xp.real(g * xp.conj(out)) * out) / xp.where(nowhere, xp.ones_like(size), size)
        return xp.where(nowhere, xp.zeros_like(across), across)


class Angle(Op):
    """The angle of each complex number with the positive real numbers; 0 or π for real ones.

    Math: out = atan2(Im x, Re x); ∂ℒ/∂x = g · i x / |x|²
    """

    elementwise = True
    conjugates = True
    promote = "float"
    samples = cases(complex_ones)

    def forward(x):
        return xp.angle(x) if is_complex(x) else xp.where(x < 0, x.dtype.type(np.pi), x * 0.0)

    def dx(g, x):
        if not is_complex(x):
            return xp.zeros_like(g)
        square = xp.real(x * xp.conj(x))
        nowhere = square == 0
        slope = xp.complex(-xp.imag(x), xp.real(x)) / xp.where(nowhere, xp.ones_like(square), square)
        return g * xp.where(nowhere, xp.zeros_like(slope), slope)


# --- torch's signatures -------------------------------------------------------------------------------------------


def _check_parts(x: Tensor, y: Tensor) -> None:
    if not (x.dtype.is_floating_point and y.dtype.is_floating_point):
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{x.dtype.tensor_type} and {y.dtype.tensor_type}"
        )
    if x.dtype is not y.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {x.dtype.tensor_type} but got scalar type {y.dtype.tensor_type} "
            "for second argument"
        )


@public("complex", method=False)
def complex_(real, imag):
    """Complex numbers from their real and imaginary parts.

    Example:
        >>> import nbautograd as torch
        >>> torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([0.0, -1.0]))
        tensor([1.+0.j, 2.-1.j])
    """
    _check_parts(real, imag)
    return Complex.call(real, imag)


@public(method=False)
def polar(abs, angle):
    """Complex numbers from their lengths and angles."""
    _check_parts(abs, angle)
    return Polar.call(abs, angle)


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


@public(method=False)
def view_as_real(input):
    """The real and imaginary parts in a last dimension of size two, as a view."""
    if not input.dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return ViewAsReal.call(input)


@public(method=False)
def view_as_complex(input):
    """Complex numbers from a last dimension of size two, as a view.

    Raises: RuntimeError when the last dimension has another size, or gaps between its elements.
    """
    problem = None
    if not input.dtype.is_floating_point:
        problem = (
            "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
            f"{input.dtype.tensor_type}"
        )
    elif not input.ndim:
        problem = "Input tensor must have one or more dimensions"
    elif input.shape[-1] != 2:
        problem = "Tensor must have a last dimension of size 2"
    elif input._data.size and input._data.strides[-1] != input._data.itemsize:
        problem = "Tensor must have a last dimension with stride 1"
    if problem:
        raise RuntimeError(problem)
    return ViewAsComplex.call(input)


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
    if input.ndim < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {input.ndim}-D tensor."
        )
    return conj(input.mT)


def _matrix_adjoint(self: Tensor) -> Tensor:
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mH is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return conj(self.mT)


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

for _op in (ConjPhysical, Sgn, Angle):
    publish_op(_op)
publish_in_place(ConjPhysical)
publish_in_place(Sgn)
