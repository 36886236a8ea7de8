"""Smooth activation functions, and the gated linear unit."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.activation.gelu import GeluSlope, needs_slope
from nbautograd.ops.activation.rectifiers import activate, refuse_whole_numbers
from nbautograd.ops.elementwise.bounds import between
from nbautograd.ops.elementwise.division import Div
from nbautograd.ops.elementwise.exponential import Sigmoid
from nbautograd.ops.elementwise.hyperbolic import Tanh
from nbautograd.ops.refusals import dim_error
from nbautograd.ops.samples import Make, cases, unary


class Silu(Op):
    """Each element times its sigmoid.

    Math: out = x · σ(x)
    """

    elementwise = True
    tex = {"x": "\\sigma(x) (1 + x (1 - \\sigma(x)))"}
    code = {"out": "x * xp.sigmoid(x)", "x": "g * (xp.sigmoid(x) + out * (1 - xp.sigmoid(x)))"}
    aux = ("slope",)
    samples = unary()

    def forward(x, *, needs_slope=True):
        share = 1 / (xp.exp(-x) + 1)
        out = x * share
        if not needs_slope:
            return out, None
        slope = 1 - share
        slope *= out
        slope += share
        return out, slope

    def dx(g, x, slope):
        return g * xp.silu_slope(x, slope)


class SiluSlope(Op):
    """The slope of `silu`, computed already; see NOTE [Known slopes] at `gelu`."""

    elementwise = True
    samples = GeluSlope.samples

    def forward(x, slope):
        return slope

    def dx(g, x):
        s = xp.sigmoid(x)
        return g * (s * (1 - s) * (x * (1 - s * 2) + 2))


class Softplus(Op):
    """A smooth relu.

    Math: out = ln(1 + e^(beta · x)) / beta
    """

    elementwise = True
    tex = {"x": "\\sigma(\\beta x)"}
    samples = cases(unary(), unary(beta=2.5), unary(-30, 30, threshold=8))

    def forward(x, *, beta=1.0, threshold=20.0):
        scaled = x * beta
        smooth = (between(scaled, 0, None) + xp.log1p(xp.exp(-abs(scaled)))) / beta
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
        return between(x, None, 0) - xp.log1p(xp.exp(-abs(x)))

    def dx(g, x):
        return g * xp.sigmoid(-x)


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
        if x.shape[dim] % 2:
            raise ValueError("one half would be larger")
        a, b = halves(x, dim)
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


@public(top=False, method=False, functional=True)
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element times its sigmoid; also called swish."""
    return activate(Silu, input, inplace, needs_slope=needs_slope(input))


@public(top=False, method=False, functional=True)
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Each element times the tanh of its softplus."""
    return activate(Mish, input, inplace)


@public(top=False, method=False, functional=True)
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """A smooth relu: ln(1 + e^(beta · x)) / beta, and the element itself above `threshold`."""
    refuse_whole_numbers(Softplus, input)
    return Softplus.call(input, beta=beta, threshold=threshold)


@public(top=False, method=False, functional=True)
def logsigmoid(input: Tensor) -> Tensor:
    """The logarithm of the sigmoid."""
    return LogSigmoid.call(input)


@public(top=False, method=False, functional=True)
def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return Div.call(input, abs(input) + 1)


@public(top=False, method=False, functional=True)
def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh x."""
    return input - Tanh.call(input)


@public(top=False, method=False, functional=True)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """One half of the elements along `dim` times the sigmoid of the other half."""
    return Glu.call(input, dim=dim)
