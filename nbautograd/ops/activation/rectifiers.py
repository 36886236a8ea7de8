"""Rectifiers: the positive elements as they are, the negative ones bent or made smaller."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place
from nbautograd.core.tensor import Tensor
from nbautograd.ops.elementwise.bounds import between, kept
from nbautograd.ops.random.numbers import uniforms
from nbautograd.ops.samples import SHAPES, Make, cases, through, unary

# Masks multiply instead of choosing: NumPy's `where` is many times slower on a mask without a pattern. They are never
# multiplied by a Python number, which would make float64 of them.


def no_truth(x: Any) -> str | None:
    return "Boolean inputs not supported for relu" if x.dtype.kind == "b" else None


class Relu(Op):
    """Each element, but at least zero.

    Math: out = max(x, 0)
    """

    elementwise = True
    tex = {"x": "[x > 0]"}
    code = {"out": "xp.maximum(x, 0)", "x": "g * (out > 0)"}
    samples = unary()
    check = no_truth

    def forward(x):
        if x.__class__ is np.float32:  # between scalars a comparison costs a tenth of what a ufunc does
            return np.float32(0) if x <= 0 else x * 1.0
        return between(x, 0, None)

    def dx(g, out):
        passed = out != 0  # true for NaN, which torch lets gradients through
        if isinstance(g, Tensor):  # a function of `out`, if a constant one: torch lets it be differentiated
            return xp.where(passed, g, xp.sign(out))
        return kept(g, passed)


def above_zero(x: Any) -> Any:
    """Whether each element is positive, as a factor; for a tensor a function of it: torch lets it be differentiated."""
    if not isinstance(x, Tensor):
        return x > 0
    return xp.where(x > 0, 1, xp.where(x < 0, xp.sign(x), 0) * 0)


class LeakyRelu(Op):
    """Each element, the negative ones made smaller.

    Math: out = max(x, 0) + slope · min(x, 0)
    """

    elementwise = True
    tex = {"x": "[x > 0] + slope \\, [x \\le 0]"}
    code = {"out": "xp.where(x > 0, x, x * negative_slope)", "x": "xp.where(x > 0, g, g * negative_slope)"}
    samples = cases(unary(), unary(negative_slope=0.3), unary(negative_slope=2.0))

    def forward(x, *, negative_slope=0.01):
        return (xp.maximum if negative_slope <= 1 else xp.minimum)(x, x * negative_slope)

    def dx(g, x, negative_slope):
        if g.__class__ is np.ndarray and 0 <= negative_slope <= 1:  # in fewer passes
            return g * between((x > 0).astype(g.dtype), negative_slope, 1)
        scaled = g * negative_slope
        return scaled + (g - scaled) * above_zero(x)


class Elu(Op):
    """Each element; the negative ones bend towards −alpha.

    Math: out = max(x, 0) + alpha · (e^min(x, 0) − 1)
    """

    elementwise = True
    tex = {"x": "[x > 0] + \\alpha e^x [x \\le 0]"}
    samples = cases(unary(), unary(alpha=0.7))

    def forward(x, *, alpha=1.0):
        return between(x, 0, None) + xp.expm1(between(x, None, 0)) * alpha

    def dx(g, x, alpha):
        bent = g * xp.exp(xp.fmin(x, 0)) * alpha
        return bent if alpha == 1 else bent + g * (1 - alpha) * ~(x <= 0)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


class Selu(Op):
    """`elu` with the numbers that keep mean 0 and variance 1 from layer to layer."""

    node_name = "EluBackward0"
    elementwise = True
    tex = {"x": "scale \\, ([x > 0] + \\alpha e^x [x \\le 0])"}
    samples = unary()

    def forward(x):
        return (between(x, 0, None) + xp.expm1(between(x, None, 0)) * SELU_ALPHA) * SELU_SCALE

    def dx(g, x):
        bent = g * xp.exp(xp.fmin(x, 0)) * (SELU_ALPHA * SELU_SCALE)
        return bent + g * (SELU_SCALE - SELU_ALPHA * SELU_SCALE) * ~(x <= 0)


class Celu(Op):
    """Like `elu`, with a slope that is continuous for every alpha.

    Math: out = max(x, 0) + alpha · (e^(min(x, 0) / alpha) − 1)
    """

    elementwise = True
    tex = {"x": "e^{\\min(x, 0) / \\alpha}"}
    samples = cases(unary(), unary(alpha=0.7))

    def forward(x, *, alpha=1.0):
        return between(x, 0, None) + xp.expm1(between(x, None, 0) / alpha) * alpha

    def dx(g, x, alpha):
        return g * xp.exp(xp.fmin(x, 0) / alpha)


def _weights(make: Make) -> Any:
    for x, w in (((), ()), ((3,), (1,)), ((2, 3), (3,)), ((2, 3), (1,)), ((2, 3, 4), (3,)), ((0, 3), (3,)),
                 ((2, 0), (1,)), ((1, 1), (1,)), ((2, 3, 1, 2), (3,)), ((2, 2), (2,))):  # fmt: skip
        yield make(*x), make(*w)


class PreluKernel(Op):
    """`leaky_relu` with slopes that are learnt."""

    elementwise = True
    tex = {"x": "[x > 0] + w [x \\le 0]", "weight": "\\min(x, 0)"}
    samples = through("prelu", _weights)

    def forward(x, weight):
        return between(x, 0, None) + weight * between(x, None, 0)

    def dx(g, x, weight):
        scaled = g * weight
        return scaled + (g - scaled) * above_zero(x)

    def dweight(g, x):
        return g * (x * (x <= 0))


class RreluWithNoise(Op):
    """`leaky_relu` with slopes drawn at random, or in the middle of their range."""

    elementwise = True
    tex = {"x": "[x > 0] + noise \\, [x \\le 0]"}
    samples = through("", lambda make: ((make(*s), {"noise": make.fixed(*s, low=0.1, high=0.3)}) for s in SHAPES))

    def forward(x, *, noise):
        return between(x, 0, None) + noise * between(x, None, 0)

    def dx(g, x, noise):
        scaled = g * noise
        return scaled + (g - scaled) * above_zero(x)


def activate(op: type[Op], input: Tensor, inplace_: bool, **settings: Any) -> Tensor:
    refuse_whole_numbers(op, input)
    if inplace_:
        return inplace.apply(op, input, **settings)
    found = op.call(input, **settings)
    return found[0] if op.aux else found


def refuse_whole_numbers(op: type[Op], input: Tensor) -> None:
    """torch's refusal where its kernel is for numbers with fractions only; see `nbautograd.core.real_only`.

    Raises: NotImplementedError
    """
    if input._data.dtype.kind in "biu" and op.check is not None and (problem := op.check(input._data)) is not None:
        raise problem


@public(functional=True, hot=True)
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, but at least zero.

    Math: out = max(x, 0)
    """
    return activate(Relu, input, True) if inplace else Relu.call(input)


publish_in_place(Relu)


@public(top=False, method=False, functional=True)
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Each element, the negative ones times `negative_slope`."""
    return activate(LeakyRelu, input, inplace, negative_slope=negative_slope)


@public(top=False, method=False, functional=True)
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element; the negative ones bend towards −alpha."""
    return activate(Elu, input, inplace, alpha=alpha)


@public(method=False, functional=True)
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the numbers that keep mean 0 and variance 1 from layer to layer."""
    return activate(Selu, input, inplace)


@public(method=False, functional=True)
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Like `elu`, with a slope that is continuous for every alpha."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return activate(Celu, input, inplace, alpha=alpha)


@public(functional=True)
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """`leaky_relu` with slopes that are learnt: one, or one per channel (dimension 1).

    Raises: RuntimeError when the number of slopes is neither.
    """
    if weight._data.size != 1:
        channels = input._data.shape[1] if input._data.ndim > 1 else 1
        if weight._data.size != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. "
                f"Found parameter numbers = {weight._data.size} and channel size = {channels}."
            )
    if input._data.ndim > 1:
        weight = weight.reshape((1, -1) + (1,) * (input._data.ndim - 2))
    elif weight._data.ndim > input._data.ndim:
        weight = weight.reshape(())
    return PreluKernel.call(input, weight)


@public(method=False, functional=True)
def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """`leaky_relu` with slopes drawn between `lower` and `upper`; their middle when not training."""
    noise: Any = (lower + upper) / 2
    if training:
        noise = uniforms(input._data.shape, input._data.dtype, None, input.device, lower, upper - lower)
    return activate(RreluWithNoise, input, inplace, noise=noise)
