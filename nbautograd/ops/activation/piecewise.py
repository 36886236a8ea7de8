"""Activation functions of straight pieces."""

from __future__ import annotations

import math

import numpy as np

from nbautograd.core.op import Op
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.activation.rectifiers import activate, refuse_whole_numbers
from nbautograd.ops.elementwise.bounds import between, chosen, kept
from nbautograd.ops.samples import cases, unary


class Hardtanh(Op):
    """Each element brought between two numbers; no gradient at the bounds or beyond."""

    elementwise = True
    tex = {"x": "[min < x < max]"}
    samples = cases(unary(), unary(min_val=-0.5, max_val=0.8))

    def forward(x, *, min_val=-1.0, max_val=1.0):
        return between(x, min_val, max_val)

    def dx(g, x, min_val, max_val):
        return kept(g, ~((x <= min_val) | (x >= max_val)))


class Hardsigmoid(Op):
    """A sigmoid of three straight pieces."""

    elementwise = True
    tex = {"x": "\\tfrac{1}{6} [-3 < x < 3]"}
    samples = unary(-4, 4)

    def forward(x):
        return between(x * (1 / 6) + 0.5, 0, 1)

    def dx(g, x):
        return kept(g * (1 / 6), (x > -3) & (x < 3))


class Hardswish(Op):
    """Each element times its hard sigmoid."""

    elementwise = True
    tex = {"x": "\\tfrac{x}{3} + \\tfrac{1}{2}"}
    samples = unary(-4, 4)

    def forward(x):
        share = x * (1 / 6)
        share += 0.5
        share = between(share, 0, 1)
        share *= x
        return share

    def dx(g, x):
        return kept(g * (x * (1 / 3) + 0.5), (x > -3) & (x < 3)) + kept(g, ~(x < 3))


class Softshrink(Op):
    """Each element brought closer to zero by lambd."""

    elementwise = True
    tex = {"x": "[|x| > \\lambda]"}
    samples = cases(unary(), unary(lambd=0.9))

    def forward(x, *, lambd=0.5):
        return x - between(x, -lambd, lambd)

    def dx(g, x, lambd):
        return kept(g, ~(abs(x) <= lambd))


class Hardshrink(Op):
    """Each element, or zero where it is not beyond ±lambd."""

    elementwise = True
    tex = {"x": "[|x| > \\lambda]"}
    samples = cases(unary(), unary(lambd=0.9))

    def forward(x, *, lambd=0.5):
        return x * (abs(x) > lambd)

    def dx(g, x, lambd):
        return kept(g, ~(abs(x) <= lambd))


class Threshold(Op):
    """Each element, or `value` where it is not above `threshold`."""

    elementwise = True
    tex = {"x": "[x > threshold]"}
    samples = unary(threshold=0.1, value=20)

    def forward(x, *, threshold, value):
        return chosen(x <= threshold, value, x)

    def dx(g, x, threshold):
        return kept(g, ~(x <= threshold))


@public(top=False, method=False, functional=True)
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element brought between two numbers."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input._data.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
    return activate(Hardtanh, input, inplace, min_val=min_val, max_val=max_val)


@public(top=False, method=False, functional=True)
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element brought between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


@public(top=False, method=False, functional=True)
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """A sigmoid of three straight pieces."""
    return activate(Hardsigmoid, input, inplace)


@public(top=False, method=False, functional=True)
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element times its hard sigmoid."""
    return activate(Hardswish, input, inplace)


@public(top=False, method=False, functional=True)
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Each element brought closer to zero by `lambd`."""
    if lambd < 0:
        most = np.finfo(input._data.dtype).max if input._data.dtype.kind == "f" else math.inf
        raise RuntimeError(
            f"lambda must be in range [0, {most:g}] for input dtype {input.dtype.tensor_type}, but found {lambd:g}"
        )
    return Softshrink.call(input, lambd=lambd)


@public(functional=True)
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Each element, or zero where it is not beyond ±lambd."""
    refuse_whole_numbers(Hardshrink, input)
    return Hardshrink.call(input, lambd=lambd)


@public(method=False, functional=True)
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Each element, or `value` where it is not above `threshold`."""
    return activate(Threshold, input, inplace, threshold=threshold, value=value)
