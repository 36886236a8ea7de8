"""Comparisons. Their results are truth values and have no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.modes import told
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.short import operator
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import SHAPES, Make, binary, by_number, forward_only

_pairs = forward_only(binary(), by_number(0.5, 1))


class Eq(Op):
    """Whether the elements of two tensors are equal."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x == y


class Ne(Op):
    """Whether the elements of two tensors differ."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x != y


class Lt(Op):
    """Whether the elements of `x` are less than those of `y`."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x < y


class Le(Op):
    """Whether the elements of `x` are less than those of `y` or equal to them."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x <= y


class Gt(Op):
    """Whether the elements of `x` are greater than those of `y`."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x > y


class Ge(Op):
    """Whether the elements of `x` are greater than those of `y` or equal to them."""

    elementwise = boolean = True
    samples = _pairs

    def forward(x, y):
        return x >= y


def _tolerance(make: Make) -> Any:
    for shape in SHAPES:
        x = make(*shape)
        yield x, np.asarray(x + 1e-9)
        yield x, np.asarray(x * 1.001)
        yield x, np.asarray(x * 1.001), {"rtol": 1e-2}
    yield np.asarray([np.nan, 1.0]), np.asarray([np.nan, 1.0]), {"equal_nan": True}
    yield np.asarray([np.inf, 1.0]), np.asarray([np.inf, np.inf])


class Isclose(Op):
    """Whether elements are equal up to a tolerance."""

    elementwise = boolean = True
    samples = forward_only(_tolerance)

    def forward(x, y, *, rtol=1e-5, atol=1e-8, equal_nan=False):
        return xp.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


for _op, *_names in (
    (Eq,),
    (Ne, "ne", "not_equal"),
    (Lt, "lt", "less"),
    (Le, "le", "less_equal"),
    (Gt, "gt", "greater"),
    (Ge, "ge", "greater_equal"),
):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)


@public()
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |input − other| ≤ atol + rtol · |other|, element by element.

    Raises: RuntimeError when the dtypes differ.
    """
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.tensor_type} did not match {other.dtype.tensor_type}")
    return Isclose.call(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@public()
@told
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are equal up to a tolerance."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._data.all())


@public()
@told
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    a, b = input._data, other._data
    return a.shape == b.shape and bool((a == b).all())


Tensor.__eq__ = operator(Eq)
Tensor.__ne__ = operator(Ne)
Tensor.__lt__ = operator(Lt)
Tensor.__le__ = operator(Le)
Tensor.__gt__ = operator(Gt)
Tensor.__ge__ = operator(Ge)
