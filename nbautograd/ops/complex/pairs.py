"""Complex numbers made of two real ones, and seen as two."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.complex.points import complex_ones, is_complex
from nbautograd.ops.samples import SHAPES, Make, binary, through


def _pairs_last(make: Make) -> Any:
    for shape in (*SHAPES, *SHAPES, (4, 3), (7,), (1, 2, 3)):
        yield (make(*shape, 2),)


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
