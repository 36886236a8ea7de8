"""Arithmetic and elementary functions, element by element, with broadcasting."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_in_place, publish_op
from nbautograd.core.tensor import Tensor

# ruff: noqa: N805  (inside an op's class, forward and rules are plain functions of arrays)


class Add(Op):
    """The sum of two tensors, element by element.

    Math: out = x + y
    """

    elementwise = True
    tex = {"x": "1", "y": "1"}

    def forward(x, y):
        return x + y

    def dx(g):
        return g

    def dy(g):
        return g


class Mul(Op):
    """The product of two tensors, element by element.

    Math: out = x · y
    """

    elementwise = True
    tex = {"x": "y", "y": "x"}

    def forward(x, y):
        return x * y

    def dx(g, y):
        return g * y

    def dy(g, x):
        return g * x


class Exp(Op):
    """e to the power of each element.

    Math: out = eˣ
    """

    elementwise = True
    promote = "float"
    tex = {"x": "e^{x}"}

    def forward(x):
        return xp.exp(x)

    def dx(g, out):
        return g * out


for _op, *_names in ((Mul, "mul", "multiply"), (Exp,)):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)

Tensor.__add__ = Tensor.__radd__ = Add.call
Tensor.__mul__ = Tensor.__rmul__ = Mul.call
