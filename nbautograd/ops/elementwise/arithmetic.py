"""Sums, differences and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.refusals import no_truth_values
from nbautograd.ops.samples import binary, by_number, through, unary


class Add(Op):
    """The sum of two tensors, element by element.

    Math: out = x + y
    """

    elementwise = True
    tex = {"x": "1", "y": "1"}
    samples = binary()

    def forward(x, y):
        return x + y

    into = np.add

    def dx(g):
        return g

    def dy(g):
        return g


class AddScaled(Op):
    """The sum of `x` and `alpha` times `y`."""

    node_name = "AddBackward0"
    elementwise = True
    tex = {"x": "1", "y": "\\alpha"}
    samples = through("add", binary(alpha=3))

    def forward(x, y, *, alpha):
        return x + alpha * y

    def into(x, y, *, alpha, out):
        xp.add(x, alpha * y, out=out)

    def dx(g):
        return g

    def dy(g, alpha):
        return g * alpha


class Sub(Op):
    """The difference of two tensors, element by element.

    Math: out = x − y
    """

    elementwise = True
    tex = {"x": "1", "y": "-1"}
    samples = binary()
    check = no_truth_values

    def forward(x, y):
        return x - y

    into = np.subtract

    def dx(g):
        return g

    def dy(g):
        return -g


class SubScaled(Op):
    """`x` minus `alpha` times `y`."""

    node_name = "SubBackward0"
    elementwise = True
    tex = {"x": "1", "y": "-\\alpha"}
    samples = through("sub", binary(alpha=3))
    check = no_truth_values

    def forward(x, y, *, alpha):
        return x - alpha * y

    def into(x, y, *, alpha, out):
        xp.subtract(x, alpha * y, out=out)

    def dx(g):
        return g

    def dy(g, alpha):
        return g * -alpha


class Rsub(Op):
    """`y − x`: what Python asks of `x` in `1 - x`."""

    node_name = "RsubBackward1"
    elementwise = True
    tex = {"x": "-1", "y": "1"}
    samples = by_number(2, 0.5, -1)
    check = no_truth_values

    def forward(x, y):
        return y - x

    def dx(g):
        return -g


class Mul(Op):
    """The product of two tensors, element by element.

    Math: out = x · y
    """

    elementwise = True
    tex = {"x": "y", "y": "x"}
    samples = binary()

    def forward(x, y):
        return x * y

    into = np.multiply

    def dx(g, y):
        return g * y

    def dy(g, x):
        return g * x


class Neg(Op):
    """Minus each element.

    Math: out = −x
    """

    elementwise = True
    tex = {"x": "-1"}
    samples = unary()

    def forward(x):
        return -x

    def dx(g):
        return -g

    def refuse(x):
        return (
            "Negation, the `-` operator, on a bool tensor is not supported. "
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )


def _scaled(op: Any, input: Any, other: Any, alpha: Any) -> Tensor:
    """`op` with `alpha`, which is a whole number for whole numbers.

    Raises: RuntimeError in torch's words.
    """
    kinds = {x._data.dtype.kind if isinstance(x, Tensor) else type(x).__name__[0] for x in (input, other)}
    if isinstance(alpha, float) and kinds <= set("biu"):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if kinds == {"b"} and op is AddScaled:
        return Add.call(input, other) if alpha else input.clone()
    return op.call(input, other, alpha=alpha)


@public(hot=True)
def add(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Tensor:
    """`input + alpha · other`, element by element."""
    return into_out(out, Add.call(input, other) if alpha == 1 else _scaled(AddScaled, input, other, alpha), "add")


@public("sub", "subtract", hot=True)
def sub(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Tensor:
    """`input − alpha · other`, element by element."""
    return into_out(out, Sub.call(input, other) if alpha == 1 else _scaled(SubScaled, input, other, alpha), "sub")


@public(method=False)
def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """`other − alpha · input`, element by element."""
    return sub(other, input, alpha=alpha) if isinstance(other, Tensor) or alpha != 1 else Rsub.call(input, other)


@public()
def positive(input: Tensor) -> Tensor:
    """The tensor itself: what `+x` means."""
    if input._data.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


for _op, *_names in ((Mul, "mul", "multiply"), (Neg, "neg", "negative")):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)


@public("add_", top=False, hot=True)
def add_(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Add `alpha · other` to the tensor itself."""
    return inplace.apply(Add, self, other) if alpha == 1 else inplace.apply(AddScaled, self, other, alpha=alpha)


@public("sub_", "subtract_", top=False, hot=True)
def sub_(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """Subtract `alpha · other` from the tensor itself."""
    return inplace.apply(Sub, self, other) if alpha == 1 else inplace.apply(SubScaled, self, other, alpha=alpha)
