"""Draws from the gamma and the Dirichlet distribution that know how they depend on their parameters.

NOTE [Implicit gradients]
A draw with the cumulative probability F(x; a) moves with `a` so that F stays what it is: dx/da = −(∂F/∂a) / p(x; a).
There is no formula for ∂F/∂a, so it is the difference of F at two parameters close by; of the tail above `x` where that
is the smaller one, because a small number keeps its precision and one minus it does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import CPU, compact, device_of, place
from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.random.generators import Generator, numbers_of
from nbautograd.ops.samples import Make, through

STEP = 1e-4
"""Half the distance of the two parameters, relative to the parameter: truncation and rounding are both about 1e-8."""


_SHAPES = ((1,), (3,), (0, 3), (2, 3), (3, 2), (1, 1), (2, 3, 2), (1, 2, 1), (5,), (2, 2), (4, 1), (2, 1, 3), (7,))


def _gamma_drawn(make: Make) -> Any:
    for shape in ((), *_SHAPES):
        for low in (0.3, 2.0):
            yield make(*shape, low=low, high=low + 1), {"sample": make.fixed(*shape, low=0.1, high=4.0)}


def _dirichlet_drawn(make: Make) -> Any:
    for shape in _SHAPES:
        for low in (0.3, 2.0):
            sample = make.fixed(*shape, low=0.1, high=1.0)
            sample /= sample.sum(-1, keepdims=True) + 0.1 * (shape[-1] == 1)
            yield make(*shape, low=low, high=low + 1), {"sample": sample}


def quantile_slope(tails: Any, density: Any, below: Any, x: Any, a: Any, *others: Any) -> Any:
    """How the quantile `x` moves with the parameter `a`.

    `tails` are F and 1 − F as functions of (a, …, x), and `below` says where F is the smaller one.
    """
    lower, upper = tails
    change = np.empty_like(x)
    for tail, where, sign in ((lower, below, -1.0), (upper, ~below, 1.0)):
        at, *rest = (array[where] for array in (a, *others, x))
        step = STEP * at
        change[where] = sign * (tail(at + step, *rest) - tail(at - step, *rest)) / (2 * step)
    return np.divide(change, density, out=np.zeros_like(x), where=density > 0)


def gamma_slope(concentration: Any, sample: Any) -> Any:
    """dx/da of a draw `x` from the gamma distribution with concentration `a` and rate 1."""
    from scipy import special

    a, x = (np.asarray(place(array, CPU), np.float64) for array in (concentration, sample))
    logs = np.log(np.maximum(x, np.finfo(float).tiny))
    density = np.exp((a - 1) * logs - x - special.gammaln(a))
    slope = quantile_slope((special.gammainc, special.gammaincc), density, x < a, x, a)
    near = x * (special.digamma(a + 1) - logs) / a  # F is xᵃ/Γ(a + 1) close to zero
    slope = np.where(x < 1e-8, near, slope)
    return place(slope.astype(concentration.dtype), device_of(concentration))


def dirichlet_slope(concentration: Any, sample: Any) -> Any:
    """dx/da / (1 − x) of each component of a draw: it is beta distributed, with the rest of the concentration."""
    from scipy import special

    a, x = (np.asarray(place(array, CPU), np.float64) for array in (concentration, sample))
    b = a.sum(-1, keepdims=True) - a
    rest = np.maximum(1 - x, np.finfo(float).tiny)
    density = np.exp((a - 1) * np.log(x) + (b - 1) * np.log(rest) - special.betaln(a, b))
    slope = quantile_slope((special.betainc, special.betaincc), density, x < a / (a + b), x, a, b) / rest
    return place(slope.astype(concentration.dtype), device_of(concentration))


class GammaDraw(Op):
    """A draw from the gamma distribution with rate 1, and how it moves with the concentration.

    Math: ∂x/∂a = −(∂F(x; a)/∂a) / p(x; a)
    Source: Figurnov, Mohamed and Mnih 2018, *Implicit reparameterization gradients*.
    """

    node_name = "StandardGammaBackward0"
    samples = through("", _gamma_drawn, numeric=False, second=False)

    def forward(concentration, *, sample):
        return xp.asarray(sample)

    def dconcentration(g, concentration, out):
        return g * once("_standard_gamma_grad", gamma_slope, concentration, out)


class DirichletDraw(Op):
    """A draw from the Dirichlet distribution, and how it moves with the concentrations.

    Math: ∂xᵢ/∂aⱼ = (δᵢⱼ − xᵢ) · (∂xⱼ/∂aⱼ) / (1 − xⱼ), with xⱼ the quantile of Beta(aⱼ, Σa − aⱼ)
    """

    node_name = "DirichletBackward"
    samples = through("", _dirichlet_drawn, numeric=False, second=False)

    def forward(concentration, *, sample):
        return xp.asarray(sample)

    def dconcentration(g, concentration, out):
        slope = once("_dirichlet_grad", dirichlet_slope, concentration, out)
        return slope * (g - xp.sum(out * g, axis=-1, keepdims=True))


def once(name: str, slope: Any, concentration: Any, sample: Any) -> Any:
    """`slope` of arrays; of tensors it would have to be differentiable itself.

    Raises: RuntimeError in torch's words.
    """
    if isinstance(concentration, Tensor):
        raise RuntimeError(f"the derivative for '{name}' is not implemented.")
    return slope(concentration, sample)


def draw_gamma(concentration: Tensor, generator: Generator | None = None) -> Tensor:
    """A draw for each concentration, with rate 1."""
    a = np.asarray(place(concentration._data, CPU))
    drawn = np.maximum(numbers_of(generator, concentration.device).standard_gamma(a), np.finfo(a.dtype).tiny)
    return GammaDraw.call(concentration, sample=_like(drawn, concentration))


def draw_dirichlet(concentration: Tensor, generator: Generator | None = None) -> Tensor:
    """A draw for each row of concentrations; its components add up to one.

    Small concentrations are drawn by their logarithms: Gamma(a) is Gamma(a + 1) · U^(1/a), which may underflow.
    """
    a = np.asarray(place(concentration._data, CPU), np.float64)
    numbers = numbers_of(generator, concentration.device)
    logs = np.log(numbers.standard_gamma(a + 1)) - numbers.standard_exponential(a.shape) / a
    drawn = np.exp(logs - logs.max(-1, keepdims=True))
    drawn = drawn / drawn.sum(-1, keepdims=True)
    smallest = np.finfo(concentration._data.dtype).tiny
    return DirichletDraw.call(concentration, sample=_like(np.maximum(drawn, smallest), concentration))


@public("binomial", method=False)
def draw_binomial(count: Tensor, probability: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed."""
    n, p = (np.asarray(place(t._data, CPU)) for t in (count, probability))
    drawn = numbers_of(generator, probability.device).binomial(n.astype(np.int64), p)
    return wrap(compact(_like(drawn, probability)))


def _like(values: Any, tensor: Tensor) -> Any:
    return place(np.asarray(values, tensor._data.dtype), tensor.device)
