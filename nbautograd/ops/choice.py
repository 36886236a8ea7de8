"""Functions that choose between values: the larger, the smaller, what lies within bounds, what a mask says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.errors import broadcast_problem
from nbautograd.core.op import Op, tensors, xp
from nbautograd.core.public import into, public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arithmetic import no_derivative
from nbautograd.ops.samples import Make, Samples, binary, cases, forward_only, through, unary


class Maximum(Op):
    """The larger of two elements; equal ones share the gradient.

    Math: out = max(x, y)
    """

    elementwise = True
    tex = {"x": "[x > y]", "y": "[y > x]"}
    samples = binary()

    def forward(x, y):
        return xp.maximum(x, y)

    def dx(g, x, y):
        return shared(g, x == y, x < y)

    def dy(g, x, y):
        return shared(g, x == y, y < x)


class Minimum(Op):
    """The smaller of two elements; equal ones share the gradient.

    Math: out = min(x, y)
    """

    elementwise = True
    tex = {"x": "[x < y]", "y": "[y < x]"}
    samples = binary()

    def forward(x, y):
        return xp.minimum(x, y)

    def dx(g, x, y):
        return shared(g, x == y, x > y)

    def dy(g, x, y):
        return shared(g, x == y, y > x)


def shared(g: Any, tied: Any, lost: Any) -> Any:
    """`g` for the winner, half of it for each where two are tied, nothing for the loser."""
    return xp.where(lost, 0, xp.where(tied, g * 0.5, g))


class Fmax(Op):
    """The larger of two elements; a number wins over NaN."""

    elementwise = True
    tex = {"x": "[x \\ge y]", "y": "[y > x]"}
    samples = binary()

    def forward(x, y):
        return xp.fmax(x, y)

    def dx(g, x, y):
        return xp.where((x >= y) | (y != y), g, 0)

    def dy(g, x, y):
        return xp.where((x >= y) | (y != y), 0, g)


class Fmin(Op):
    """The smaller of two elements; a number wins over NaN."""

    elementwise = True
    tex = {"x": "[x \\le y]", "y": "[y < x]"}
    samples = binary()

    def forward(x, y):
        return xp.fmin(x, y)

    def dx(g, x, y):
        return xp.where((x <= y) | (y != y), g, 0)

    def dy(g, x, y):
        return xp.where((x <= y) | (y != y), 0, g)


# --- bounds -------------------------------------------------------------------------------------------------------


def between(x: Any, low: Any, high: Any) -> Any:
    """`x` brought between two numbers. NumPy does it fastest for two bounds of the dtype of `x`."""
    if x.size > 2000 and x.dtype.kind == "f":
        number = x.dtype.type
        return x.clip(number(-math.inf if low is None else low), number(math.inf if high is None else high))
    if low is not None:
        x = xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


def kept(g: Any, mask: Any) -> Any:
    """`g` where the mask is true and zero elsewhere, even where `g` is infinite or NaN (0 · ∞ would be NaN)."""
    if isinstance(g, np.ndarray) and g.dtype.kind == "f":  # its bits times the mask: ten times faster than where
        return (g.view(BITS[g.dtype.itemsize]) * mask).view(g.dtype)
    if isinstance(g, np.generic):
        return g if mask else g.dtype.type(0)
    return xp.where(mask, g, 0)


BITS = {size: np.dtype(f"i{size}") for size in (2, 4, 8)}
"""The integers as wide as a float."""


class Clamp(Op):
    """Each element brought between two numbers; no gradient where it was outside.

    Math: out = min(max(x, min), max)
    """

    node_name = "ClampBackward1"
    elementwise = True
    tex = {"x": "[min \\le x \\le max]"}
    samples = cases(unary(min=-0.5, max=1), unary(min=0), unary(max=0.3), unary(min=1, max=-1))

    def forward(x, *, min=None, max=None):
        return between(x, min, max)

    def dx(g, x, min, max):
        if min is None:
            return kept(g, x <= max)
        return kept(g, x >= min) if max is None else kept(g, (x >= min) & (x <= max))


class ClampMin(Op):
    """Each element, but at least `min`."""

    elementwise = True
    tex = {"x": "[x \\ge min]"}
    samples = unary(min=-0.3)

    def forward(x, *, min):
        return between(x, min, None)

    def dx(g, x, min):
        return kept(g, x >= min)


class ClampMax(Op):
    """Each element, but at most `max`."""

    elementwise = True
    tex = {"x": "[x \\le max]"}
    samples = unary(max=0.3)

    def forward(x, *, max):
        return between(x, None, max)

    def dx(g, x, max):
        return kept(g, x <= max)


class ClampMinTensor(Op):
    """Each element, but at least the one of `y`."""

    node_name = "ClampMinBackward1"
    elementwise = True
    tex = {"x": "[x \\ge y]", "y": "[x < y]"}
    samples = through("clamp_min", binary())

    def forward(x, y):
        return xp.maximum(x, y)

    def dx(g, x, y):
        return kept(g, x >= y)

    def dy(g, x, y):
        return kept(g, x < y)


class ClampMaxTensor(Op):
    """Each element, but at most the one of `y`."""

    node_name = "ClampMaxBackward1"
    elementwise = True
    tex = {"x": "[x \\le y]", "y": "[x > y]"}
    samples = through("clamp_max", binary())

    def forward(x, y):
        return xp.minimum(x, y)

    def dx(g, x, y):
        return kept(g, x <= y)

    def dy(g, x, y):
        return kept(g, x > y)


def _bounds(make: Make) -> Any:
    for a, b, c in (((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), (2, 1)), ((2, 3), (2, 1), ()), ((0,), (1,), (0,)),
                    ((2, 3), (), (3,)), ((2, 3), (2, 1), (3,)), ((2, 2, 2), (2,), (2,)),
                    ((5,), (1,), (5,))):  # fmt: skip
        yield make(*a), make(*b, low=-1, high=0.2), make(*c, low=0.3, high=1)
    yield make(4), make(4, low=0.5), make(4, high=-0.5)


class ClampTensor(Op):
    """Each element brought between those of two tensors."""

    node_name = "ClampBackward0"
    elementwise = True
    tex = {"x": "[min \\le x \\le max]", "min": "[x < min]", "max": "[x > max]"}
    samples = through("clamp", _bounds)

    def forward(x, min, max):
        return xp.minimum(xp.maximum(x, min), max)

    def dx(g, x, min, max):
        return kept(g, (x >= min) & (x <= max))

    def dmin(g, x, min, max):
        return kept(g, (min < max) & (x < min))

    def dmax(g, x, min, max):
        return kept(g, (x > max) | (max < min))


# --- masks --------------------------------------------------------------------------------------------------------


def _masked(make: Make) -> Any:
    for m, a, b in (((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), (2, 1)), ((3,), (2, 1), ()), ((0,), (1,), (0,)),
                    ((2, 1), (3,), (3,)), ((2, 3), (), (2, 3)), ((1,), (2, 3), (3,)),
                    ((2, 2, 2), (2,), (2, 1))):  # fmt: skip
        yield make.bools(*m), make(*a), make(*b)
    yield make.bools(3), make(3), 0.0
    yield make.bools(2, 3), 1.5, make(3)
    yield make.bools(3, 2).T, make(3, 2).T, make(6)[::2]


class Where(Op):
    """From `x` where the condition is true, from `y` elsewhere."""

    elementwise = True
    holds = ("condition",)
    tex = {"x": "[condition]", "y": "[\\lnot condition]"}
    samples = Samples(_masked)

    def forward(x, y, *, condition):
        return xp.where(condition, x, y)

    def dx(g, condition):
        return xp.where(condition, g, 0)

    def dy(g, condition):
        return xp.where(condition, 0, g)

    def refuse(x, y, condition):
        return broadcast_problem([condition, x, y])


class NanToNum(Op):
    """Numbers in place of NaN and infinities; no gradient there."""

    elementwise = True
    tex = {"x": "[x \\text{ finite}]"}
    samples = cases(
        unary(), lambda make: iter([(np.asarray([1.0, np.nan, np.inf, -np.inf], make.dtype),)]), second=False
    )

    def forward(x, *, nan=0.0, posinf=None, neginf=None):
        return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def dx(g, x):
        return xp.where(xp.isfinite(x), g, 0)


class Copysign(Op):
    """The size of `x` with the sign of `y`."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\pm 1", "y": "0"}
    samples = binary()

    def forward(x, y):
        return xp.copysign(x, y)

    def dx(g, x, out):
        return xp.where(x == 0, 0, g * (out / x))

    def dy(g):
        return xp.zeros_like(g)


class Heaviside(Op):
    """0 for negative elements, 1 for positive ones, and `y` at zero. torch gives it no gradient."""

    node_name = "NotImplemented"
    elementwise = True
    samples = forward_only(binary())

    def forward(x, y):
        return xp.heaviside(x, y)

    def dx(g):
        raise no_derivative("heaviside")

    def dy(g):
        raise no_derivative("heaviside")


class Nextafter(Op):
    """The next number after `x` on the way to `y`. torch gives it no gradient."""

    elementwise = True
    samples = forward_only(binary())

    def forward(x, y):
        return xp.nextafter(x, y)

    def dx(g):
        raise no_derivative("nextafter")

    def dy(g):
        raise no_derivative("nextafter")


# --- public -------------------------------------------------------------------------------------------------------

for _op in (Maximum, Minimum, Fmax, Fmin, Copysign, Heaviside, Nextafter):
    publish_op(_op)
for _op in (Copysign, Heaviside, Nextafter):
    publish_in_place(_op)


def _clamp(input: Tensor, min: Any, max: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The op for these bounds, with its inputs and settings.

    Raises: RuntimeError when both bounds are missing.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        numbers = {name: _number(input, n) for name, n in (("min", min), ("max", max)) if n is not None}
        return Clamp, (_fitting(input, min, max),), numbers
    return ClampTensor, (input, -math.inf if min is None else min, math.inf if max is None else max), {}


def _number(input: Tensor, number: Any) -> Any:
    return number.item() if isinstance(number, np.generic) else number


def _fitting(input: Tensor, *bounds: Any) -> Tensor:
    """`input` as floats if a bound is one."""
    floating = input._data.dtype.kind in "fc" or not any(isinstance(b, float) for b in bounds)
    return input if floating else input.to(dtype=_default_float())


def _default_float() -> Any:
    from nbautograd.core.dtype import get_default_dtype

    return get_default_dtype()


@public("clamp", "clip")
def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Any = None) -> Tensor:
    """Each element brought between `min` and `max`, which may be numbers or tensors; one of them may be left out."""
    op, inputs, settings = _clamp(input, min, max)
    result = op.call(*inputs, **settings)
    return result if out is None else into(out, result, "clamp")


@public("clamp_", "clip_")
def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Like `clamp`, in place."""
    op, inputs, settings = _clamp(self, min, max)
    return inplace.apply(op, self, *inputs[1:], **settings)


@public()
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Each element, but at least `min`."""
    return ClampMinTensor.call(input, min) if isinstance(min, Tensor) else ClampMin.call(_fitting(input, min), min=min)


@public()
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Each element, but at most `max`."""
    return ClampMaxTensor.call(input, max) if isinstance(max, Tensor) else ClampMax.call(_fitting(input, max), max=max)


@public()
def clamp_min_(self: Tensor, min: Any) -> Tensor:
    """Like `clamp_min`, in place."""
    return (
        inplace.apply(ClampMinTensor, self, min) if isinstance(min, Tensor) else inplace.apply(ClampMin, self, min=min)
    )


@public()
def clamp_max_(self: Tensor, max: Any) -> Tensor:
    """Like `clamp_max`, in place."""
    return (
        inplace.apply(ClampMaxTensor, self, max) if isinstance(max, Tensor) else inplace.apply(ClampMax, self, max=max)
    )


def where_tensors(condition: Any, x: Any, y: Any) -> Tensor:
    """`xp.where` for tensors."""
    return Where.call(x, y, condition=condition._data if isinstance(condition, Tensor) else condition)


tensors.numpy_names["where"] = where_tensors


@public(method=False)
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """From `input` where `condition` is true, else from `other`; with the condition alone, the places where it is true.

    Raises: RuntimeError when the condition is no truth value.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(condition, Tensor):
        raise TypeError(f"where(): argument 'condition' (position 1) must be Tensor, not {type(condition).__name__}")
    if condition._data.dtype.kind != "b" and condition._data.dtype != np.uint8:
        raise RuntimeError(
            "where expected condition to be a boolean tensor, "
            f"but got a tensor with dtype {condition.dtype.tensor_type}"
        )
    return where_tensors(condition, input, other)


Tensor.where = lambda self, condition, other: where(condition, self, other)


@public()
def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None, *, out: Any = None
) -> Tensor:
    """Numbers in place of NaN (0), and of the infinities (the largest and smallest that the dtype has)."""
    result = NanToNum.call(input, nan=nan or 0.0, posinf=posinf, neginf=neginf)
    return result if out is None else into(out, result, "nan_to_num")


@public()
def nan_to_num_(
    self: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Like `nan_to_num`, in place."""
    return inplace.apply(NanToNum, self, nan=nan or 0.0, posinf=posinf, neginf=neginf)
