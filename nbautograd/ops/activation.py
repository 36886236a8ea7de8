"""Activation functions, softmax, and dropout."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import is_cupy, place
from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arithmetic import Div, Mul
from nbautograd.ops.choice import between, kept
from nbautograd.ops.elementwise import Sigmoid, Tanh
from nbautograd.ops.random import keep_mask, numbers_of
from nbautograd.ops.samples import SHAPES, Make, cases, through, unary
from nbautograd.ops.special import NORMAL_COEFFICIENTS, fast_erf

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
    samples = unary()
    check = no_truth

    def forward(x):
        if x.__class__ is np.float32:  # between scalars a comparison costs a tenth of what a ufunc does
            return np.float32(0) if x <= 0 else x * 1.0
        return between(x, 0, None)

    def dx(g, out):
        return kept(g, out > 0)


class LeakyRelu(Op):
    """Each element, the negative ones made smaller.

    Math: out = max(x, 0) + slope · min(x, 0)
    """

    elementwise = True
    tex = {"x": "[x > 0] + slope \\, [x \\le 0]"}
    samples = cases(unary(), unary(negative_slope=0.3), unary(negative_slope=2.0))

    def forward(x, *, negative_slope=0.01):
        return (xp.maximum if negative_slope <= 1 else xp.minimum)(x, x * negative_slope)

    def dx(g, x, negative_slope):
        scaled = g * negative_slope
        return scaled + (g - scaled) * (x > 0)


class Elu(Op):
    """Each element; the negative ones bend towards −alpha.

    Math: out = max(x, 0) + alpha · (e^min(x, 0) − 1)
    """

    elementwise = True
    tex = {"x": "[x > 0] + \\alpha e^x [x \\le 0]"}
    samples = cases(unary(), unary(alpha=0.7))

    def forward(x, *, alpha=1.0):
        return xp.maximum(x, 0) + xp.expm1(xp.minimum(x, 0)) * alpha

    def dx(g, x, alpha):
        bent = g * xp.exp(xp.minimum(x, 0)) * alpha
        return bent if alpha == 1 else bent + g * (1 - alpha) * (x > 0)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


class Selu(Op):
    """`elu` with the numbers that keep mean 0 and variance 1 from layer to layer."""

    node_name = "EluBackward0"
    elementwise = True
    tex = {"x": "scale \\, ([x > 0] + \\alpha e^x [x \\le 0])"}
    samples = unary()

    def forward(x):
        return (xp.maximum(x, 0) + xp.expm1(xp.minimum(x, 0)) * SELU_ALPHA) * SELU_SCALE

    def dx(g, x):
        bent = g * xp.exp(xp.minimum(x, 0)) * (SELU_ALPHA * SELU_SCALE)
        return bent + g * (SELU_SCALE - SELU_ALPHA * SELU_SCALE) * (x > 0)


class Celu(Op):
    """Like `elu`, with a slope that is continuous for every alpha.

    Math: out = max(x, 0) + alpha · (e^(min(x, 0) / alpha) − 1)
    """

    elementwise = True
    tex = {"x": "e^{\\min(x, 0) / \\alpha}"}
    samples = cases(unary(), unary(alpha=0.7))

    def forward(x, *, alpha=1.0):
        return xp.maximum(x, 0) + xp.expm1(xp.minimum(x, 0) / alpha) * alpha

    def dx(g, x, alpha):
        return g * xp.exp(xp.minimum(x, 0) / alpha)


# --- smooth ones --------------------------------------------------------------------------------------------------

ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
ONE_OVER_ROOT_TWO_PI = 1 / math.sqrt(2 * math.pi)
CUBIC = 0.044715

# NOTE [Known slopes]
# The slope of gelu shares its costly part with its value, so forward computes both and saves the slope. The rule reads
# it through an op whose forward merely hands it on: in a first backward that costs nothing, and in a backward that
# records itself the op has a rule of its own, which knows the slope's slope.


class Gelu(Op):
    """Each element times the share of the normal distribution below it.

    Math: out = x · Φ(x)
    """

    elementwise = True
    tex = {"x": "\\Phi(x) + x \\varphi(x)"}
    aux = ("slope",)
    samples = unary()

    def forward(x, *, needs_slope=True):
        share = normal_share(x)
        out = x * share
        if not needs_slope:
            return out, None
        slope = x * x
        slope *= -0.5
        slope = xp.exp(slope)
        slope *= ONE_OVER_ROOT_TWO_PI
        slope *= x
        slope += share
        return out, slope

    def dx(g, x, slope):
        return g * xp.gelu_slope(x, slope)


class GeluSlope(Op):
    """The slope of `gelu`, computed already; see NOTE [Known slopes]."""

    elementwise = True
    samples = through(
        "",
        lambda make: ((make(*s), make.fixed(*s)) for s in SHAPES),
        numeric=False,
        second=False,
    )

    def forward(x, slope):
        return slope

    def dx(g, x):
        return g * density(x) * (2 - x * x)


class GeluTanh(Op):
    """`gelu`, approximated with tanh."""

    node_name = "GeluBackward0"
    elementwise = True
    aux = ("slope",)
    samples = through("gelu", unary(approximate="tanh"))

    def forward(x, *, needs_slope=True):
        square = x * x
        t = xp.tanh(x * (square * CUBIC + 1) * ROOT_TWO_OVER_PI)
        half = (t + 1) * 0.5
        if not needs_slope:
            return x * half, None
        slope = half + x * (1 - t * t) * (square * (3 * CUBIC) + 1) * (0.5 * ROOT_TWO_OVER_PI)
        return x * half, slope

    def dx(g, x, slope):
        return g * xp.gelu_tanh_slope(x, slope)


class GeluTanhSlope(Op):
    """The slope of `gelu` with tanh, computed already; see NOTE [Known slopes]."""

    elementwise = True
    samples = GeluSlope.samples

    def forward(x, slope):
        return slope

    def dx(g, x):
        square = x * x
        t = xp.tanh(x * (square * CUBIC + 1) * ROOT_TWO_OVER_PI)
        inner = (square * (3 * CUBIC) + 1) * ROOT_TWO_OVER_PI
        bend = inner - x * t * inner * inner + x * x * (3 * CUBIC * ROOT_TWO_OVER_PI)
        return g * (1 - t * t) * bend


def normal_share(x: Any) -> Any:
    """Φ(x), the share of the normal distribution below x."""
    share = fast_erf(x, NORMAL_COEFFICIENTS)
    share *= 0.5
    share += 0.5
    return share


def density(x: Any) -> Any:
    """φ(x), the density of the normal distribution."""
    return xp.exp(x * x * -0.5) * ONE_OVER_ROOT_TWO_PI


class Silu(Op):
    """Each element times its sigmoid.

    Math: out = x · σ(x)
    """

    elementwise = True
    tex = {"x": "\\sigma(x) (1 + x (1 - \\sigma(x)))"}
    samples = unary()

    def forward(x):
        return x / (xp.exp(-x) + 1)

    def dx(g, x):
        s = xp.sigmoid(x)
        return g * (s * (x * (1 - s) + 1))


class Softplus(Op):
    """A smooth relu.

    Math: out = ln(1 + e^(beta · x)) / beta
    """

    elementwise = True
    tex = {"x": "\\sigma(\\beta x)"}
    samples = cases(unary(), unary(beta=2.5), unary(-30, 30, threshold=8))

    def forward(x, *, beta=1.0, threshold=20.0):
        scaled = x * beta
        smooth = (xp.maximum(scaled, 0) + xp.log1p(xp.exp(-abs(scaled)))) / beta
        return smooth if threshold >= 20 else xp.where(scaled > threshold, x, smooth)

    def dx(g, x, beta, threshold):
        scaled = x * beta
        return g * (xp.sigmoid(scaled) if threshold >= 20 else xp.where(scaled > threshold, 1, xp.sigmoid(scaled)))


class Mish(Op):
    """Each element times the tanh of its softplus."""

    elementwise = True
    tex = {"x": "t + x (1 - t^2) \\sigma(x)"}
    samples = unary()

    def forward(x):
        return x * xp.tanh(xp.softplus(x))

    def dx(g, x):
        t = xp.tanh(xp.softplus(x))
        return g * (t + x * (1 - t * t) * xp.sigmoid(x))


class LogSigmoid(Op):
    """The logarithm of the sigmoid, exact where the sigmoid is tiny.

    Math: out = −ln(1 + e⁻ˣ)
    """

    name = "logsigmoid"
    elementwise = True
    tex = {"x": "\\sigma(-x)"}
    samples = unary()

    def forward(x):
        return xp.minimum(x, 0) - xp.log1p(xp.exp(-abs(x)))

    def dx(g, x):
        return g * xp.sigmoid(-x)


# --- straight pieces ----------------------------------------------------------------------------------------------


class Hardtanh(Op):
    """Each element brought between two numbers; no gradient at the bounds or beyond."""

    elementwise = True
    tex = {"x": "[min < x < max]"}
    samples = cases(unary(), unary(min_val=-0.5, max_val=0.8))

    def forward(x, *, min_val=-1.0, max_val=1.0):
        return between(x, min_val, max_val)

    def dx(g, x, min_val, max_val):
        return kept(g, (x > min_val) & (x < max_val))


class Hardsigmoid(Op):
    """A sigmoid of three straight pieces."""

    elementwise = True
    tex = {"x": "\\tfrac{1}{6} [-3 < x < 3]"}
    samples = unary(-4, 4)

    def forward(x):
        return xp.minimum(xp.maximum(x + 3, 0), 6) / 6

    def dx(g, x):
        return kept(g / 6, (x > -3) & (x < 3))


class Hardswish(Op):
    """Each element times its hard sigmoid."""

    elementwise = True
    tex = {"x": "\\tfrac{x}{3} + \\tfrac{1}{2}"}
    samples = unary(-4, 4)

    def forward(x):
        return x * xp.minimum(xp.maximum(x + 3, 0), 6) / 6

    def dx(g, x):
        inside = (x > -3) & (x < 3)
        return g * (xp.minimum(xp.maximum(x, -3), 3) / 3 + 0.5) * inside + g * (x >= 3)


class Softshrink(Op):
    """Each element brought closer to zero by lambd."""

    elementwise = True
    tex = {"x": "[|x| > \\lambda]"}
    samples = cases(unary(), unary(lambd=0.9))

    def forward(x, *, lambd=0.5):
        return x - xp.minimum(xp.maximum(x, -lambd), lambd)

    def dx(g, x, lambd):
        return kept(g, abs(x) > lambd)


class Hardshrink(Op):
    """Each element, or zero where it is not beyond ±lambd."""

    elementwise = True
    tex = {"x": "[|x| > \\lambda]"}
    samples = cases(unary(), unary(lambd=0.9))

    def forward(x, *, lambd=0.5):
        return x * (abs(x) > lambd)

    def dx(g, x, lambd):
        return kept(g, abs(x) > lambd)


class Threshold(Op):
    """Each element, or `value` where it is not above `threshold`."""

    elementwise = True
    tex = {"x": "[x > threshold]"}
    samples = unary(threshold=0.1, value=20)

    def forward(x, *, threshold, value):
        return xp.where(x > threshold, x, value)

    def dx(g, x, threshold):
        return kept(g, x > threshold)


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
        return xp.maximum(x, 0) + weight * xp.minimum(x, 0)

    def dx(g, x, weight):
        scaled = g * weight
        return scaled + (g - scaled) * (x > 0)

    def dweight(g, x):
        return g * (x * (x <= 0))


class RreluWithNoise(Op):
    """`leaky_relu` with slopes drawn at random, or in the middle of their range."""

    elementwise = True
    tex = {"x": "[x > 0] + noise \\, [x \\le 0]"}
    samples = through("", lambda make: ((make(*s), {"noise": make.fixed(*s, low=0.1, high=0.3)}) for s in SHAPES))

    def forward(x, *, noise):
        return xp.maximum(x, 0) + noise * xp.minimum(x, 0)

    def dx(g, x, noise):
        scaled = g * noise
        return scaled + (g - scaled) * (x > 0)


# --- over a dimension ---------------------------------------------------------------------------------------------


def _along(make: Make) -> Any:
    for shape, dim in (((), 0), ((4,), 0), ((4,), -1), ((2, 3), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3, 4), 1),
                       ((0, 3), 1), ((1,), 0), ((2, 1), -1), ((3, 2, 2), -3)):  # fmt: skip
        yield make(*shape), {"dim": dim}
    yield make(4, 3).T, {"dim": 1}


class Softmax(Op):
    """Positive numbers that add up to 1 along `dim`.

    Math: out = eˣ / Σ eˣ
    """

    tex = {"x": "out_i (\\delta_{ij} - out_j)"}
    samples = cases(_along)

    def forward(x, *, dim):
        out = xp.exp(x - largest(x, dim))
        out /= out.sum(axis=dim, keepdims=True)
        return out

    def dx(g, out, dim):
        return xp.softmax_backward(g, out, dim=dim)

    def refuse(x, dim):
        return dim_error(dim, x.ndim)


class LogSoftmax(Op):
    """The logarithm of `softmax`, without underflow.

    Math: out = x − ln Σ eˣ
    """

    tex = {"x": "\\delta_{ij} - e^{out_j}"}
    samples = cases(_along)

    def forward(x, *, dim):
        out = x - largest(x, dim)
        out -= xp.log(xp.exp(out).sum(axis=dim, keepdims=True))
        return out

    def dx(g, out, dim):
        return xp.log_softmax_backward(g, out, dim=dim)

    def refuse(x, dim):
        return dim_error(dim, x.ndim)


def largest(x: Any, dim: int) -> Any:
    """The largest element along `dim`, which is kept; an empty `dim` has none."""
    return x.max(axis=dim, keepdims=True) if x.shape == () or x.shape[dim] else x.sum(axis=dim, keepdims=True)


def _pairs_along(make: Make) -> Any:
    for (x,), settings in ((case[:-1], case[-1]) for case in _along(make)):
        yield x, make(*x.shape), settings


class SoftmaxBackward(Op):
    """The gradient that `softmax` passes on, computed in one buffer."""

    samples = through("", _pairs_along)

    def forward(g, out, *, dim):
        found = g * out
        share = found.sum(axis=dim, keepdims=True)
        found -= out * share
        return found

    def dg(h, out, dim):
        return xp.softmax_backward(h, out, dim=dim)

    def dout(h, g, out, dim):
        share = xp.sum(g * out, axis=dim, keepdims=True)
        return h * (g - share) - g * xp.sum(h * out, axis=dim, keepdims=True)


class LogSoftmaxBackward(Op):
    """The gradient that `log_softmax` passes on, computed in one buffer."""

    samples = through("", _pairs_along)

    def forward(g, out, *, dim):
        found = xp.exp(out)
        found *= g.sum(axis=dim, keepdims=True)
        return g - found

    def dg(h, out, dim):
        return h - xp.sum(h * xp.exp(out), axis=dim, keepdims=True)

    def dout(h, g, out, dim):
        return -h * xp.exp(out) * xp.sum(g, axis=dim, keepdims=True)


def dim_error(dim: int, ndim: int) -> Exception | None:
    """torch's error for a dimension that is not there."""
    span = max(ndim, 1)
    if -span <= dim < span:
        return None
    return IndexError(f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {dim})")


def _halves(make: Make) -> Any:
    for shape, dim in (((4,), 0), ((4,), -1), ((2, 4), 1), ((2, 4), -1), ((4, 3), 0), ((2, 6, 3), 1), ((0, 2), 1),
                       ((2,), 0), ((2, 2), -2), ((3, 1, 4), 2)):  # fmt: skip
        yield make(*shape), {"dim": dim}


class Glu(Op):
    """One half of the elements along `dim` times the sigmoid of the other half.

    Math: out = a · σ(b)
    """

    tex = {"x": "\\sigma(b), \\; a \\, \\sigma'(b)"}
    samples = cases(_halves)

    def forward(x, *, dim):
        a, b = xp.split(x, 2, axis=dim)
        return a * sigmoid_of(b)

    def dx(g, x, dim):
        a, b = halves(x, dim)
        s = xp.sigmoid(b)
        return xp.concatenate((g * s, g * (a * s * (1 - s))), axis=dim)

    def refuse(x, dim):
        problem = dim_error(dim, x.ndim)
        if problem or x.ndim == 0:
            return problem or "glu does not support 0-dimensional tensors"
        return f"Halving dimension must be even, but dimension {dim % x.ndim} is size {x.shape[dim]}"


def halves(x: Any, dim: int) -> tuple[Any, Any]:
    """The first and the second half of `x` along `dim`."""
    index = (slice(None),) * (dim % x.ndim)
    middle = x.shape[dim] // 2
    return x[(*index, slice(None, middle))], x[(*index, slice(middle, None))]


def sigmoid_of(x: Any) -> Any:
    return Sigmoid.forward(x)


# --- public -------------------------------------------------------------------------------------------------------


def _activate(op: type[Op], input: Tensor, inplace_: bool, **settings: Any) -> Tensor:
    return inplace.apply(op, input, **settings) if inplace_ else op.call(input, **settings)


@public(functional=True)
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element, but at least zero.

    Math: out = max(x, 0)
    """
    return _activate(Relu, input, True) if inplace else Relu.call(input)


publish_in_place(Relu)


@public(top=False, method=False, functional=True)
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Each element, the negative ones times `negative_slope`."""
    return _activate(LeakyRelu, input, inplace, negative_slope=negative_slope)


@public(top=False, method=False, functional=True)
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element; the negative ones bend towards −alpha."""
    return _activate(Elu, input, inplace, alpha=alpha)


@public(method=False, functional=True)
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the numbers that keep mean 0 and variance 1 from layer to layer."""
    return _activate(Selu, input, inplace)


@public(method=False, functional=True)
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Like `elu`, with a slope that is continuous for every alpha."""
    return _activate(Celu, input, inplace, alpha=alpha)


@public(top=False, method=False, functional=True)
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Each element times the share of the normal distribution below it; `approximate="tanh"` is the older form."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    op = Gelu if approximate == "none" else GeluTanh
    return op.call(input, needs_slope=input._node is not None)[0]


@public(top=False, method=False, functional=True)
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element times its sigmoid; also called swish."""
    return _activate(Silu, input, inplace)


@public(top=False, method=False, functional=True)
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element times the tanh of its softplus."""
    return _activate(Mish, input, inplace)


@public(top=False, method=False, functional=True)
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """A smooth relu: ln(1 + e^(beta · x)) / beta, and the element itself above `threshold`."""
    return Softplus.call(input, beta=beta, threshold=threshold)


@public(top=False, method=False, functional=True)
def logsigmoid(input: Tensor) -> Tensor:
    """The logarithm of the sigmoid."""
    return LogSigmoid.call(input)


@public(top=False, method=False, functional=True)
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element brought between two numbers."""
    return _activate(Hardtanh, input, inplace, min_val=min_val, max_val=max_val)


@public(top=False, method=False, functional=True)
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element brought between 0 and 6."""
    return _activate(Hardtanh, input, inplace, min_val=0.0, max_val=6.0)


@public(top=False, method=False, functional=True)
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """A sigmoid of three straight pieces."""
    return _activate(Hardsigmoid, input, inplace)


@public(top=False, method=False, functional=True)
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element times its hard sigmoid."""
    return _activate(Hardswish, input, inplace)


@public(top=False, method=False, functional=True)
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Each element brought closer to zero by `lambd`."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return Softshrink.call(input, lambd=lambd)


@public(functional=True)
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Each element, or zero where it is not beyond ±lambd."""
    return Hardshrink.call(input, lambd=lambd)


@public(method=False, functional=True)
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Each element, or `value` where it is not above `threshold`."""
    return _activate(Threshold, input, inplace, threshold=threshold, value=value)


@public(top=False, method=False, functional=True)
def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return Div.call(input, abs(input) + 1)


@public(top=False, method=False, functional=True)
def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh x."""
    return input - Tanh.call(input)


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
        drawn = numbers_of(None).uniform(lower, upper, input._data.shape).astype(input._data.dtype)
        noise = place(drawn, input.device) if input.is_cuda else drawn
    return _activate(RreluWithNoise, input, inplace, noise=noise)


def _implicit_dim(name: str, ndim: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=4,
    )
    return 0 if ndim in (0, 1, 3) else 1


def _float_input(input: Tensor, dim: int, dtype: Any, problem: str) -> Tensor:
    if dtype is not None:
        input = input.to(dtype)
    if input._data.dtype.kind != "f":
        problem += "_lastdim_kernel_impl" if dim in (-1, input._data.ndim - 1) else "_kernel_impl"
        raise NotImplementedError(f"\"{problem}\" not implemented for '{input.dtype.tensor_type}'")
    return input


@public(functional=True)
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Positive numbers that add up to 1 along `dim`.

    Math: out = eˣ / Σ eˣ
    Example:
        >>> import nbautograd as torch
        >>> torch.softmax(torch.tensor([0.0, 0.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    dim = _implicit_dim("softmax", input._data.ndim) if dim is None else dim
    return Softmax.call(_float_input(input, dim, dtype, "softmax"), dim=dim)


@public(functional=True)
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`, computed without underflow.

    Math: out = x − ln Σ eˣ
    """
    dim = _implicit_dim("log_softmax", input._data.ndim) if dim is None else dim
    return LogSoftmax.call(_float_input(input, dim, dtype, "log_softmax"), dim=dim)


@public(top=False, method=False, functional=True)
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of minus the elements."""
    dim = _implicit_dim("softmin", input._data.ndim) if dim is None else dim
    return Softmax.call(-_float_input(input, dim, dtype, "softmax"), dim=dim)


@public(top=False, method=False, functional=True)
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample from the distribution with these logits, softened by `tau`; `hard` makes it one-hot going forward."""
    drawn = numbers_of(None).gumbel(size=logits._data.shape).astype(logits._data.dtype)
    noise = wrap(place(drawn, logits.device) if logits.is_cuda else drawn)
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    one_hot = soft.detach().clone().zero_().scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


@public(top=False, method=False, functional=True)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """One half of the elements along `dim` times the sigmoid of the other half."""
    return Glu.call(input, dim=dim)


# --- dropout ------------------------------------------------------------------------------------------------------


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _masked(input: Tensor, shape: Any, p: float, inplace_: bool) -> Tensor:
    mask = keep_mask(shape, p, input._data.dtype)
    factors = wrap(place(mask, input.device) if input.is_cuda else mask)
    return inplace.apply(Mul, input, factors) if inplace_ else Mul.call(input, factors)


@public(method=False, functional=True)
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability `p` and scale the others by 1 / (1 − p); nothing when not training."""
    _check_probability(p)
    if not training or p == 0:
        return input
    return _masked(input, input._data.shape, p, inplace)


def _channels(name: str, dims: tuple[int, ...]) -> None:
    def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        _check_probability(p)
        if not training or p == 0:
            return input
        shape = input._data.shape
        batched = len(shape) == dims[-1]
        kept = shape[: 2 if batched else 1]
        return _masked(input, kept + (1,) * (len(shape) - len(kept)), p, inplace)

    dropout.__name__ = dropout.__qualname__ = name
    dropout.__doc__ = "Set whole channels to zero with probability `p`; see `dropout`."
    public(name, top=False, method=False, functional=True)(dropout)


_channels("dropout1d", (2, 3))
_channels("dropout2d", (3, 4))
_channels("dropout3d", (4, 5))


@public(method=False, functional=True)
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for `selu`: dropped elements get its lowest value, and mean and variance stay what they were."""
    _check_probability(p)
    if not training or p == 0:
        return input
    low = -SELU_ALPHA * SELU_SCALE
    scale = ((1 - p) * (1 + p * low * low)) ** -0.5 if p < 1 else 0.0
    keep = keep_mask(input._data.shape, p, input._data.dtype) * (1 - p)
    shift = (1 - keep) * (low * scale) - scale * low * p
    on = (lambda a: wrap(place(a, input.device))) if is_cupy(input._data) else wrap
    result = input * on(keep * input._data.dtype.type(scale)) + on(shift.astype(keep.dtype))
    return input.copy_(result) if inplace else result
