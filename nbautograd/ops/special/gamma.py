"""Gamma functions and the zeta function."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op, put_method
from nbautograd.core.tensor import Tensor
from nbautograd.ops.refusals import no_derivative
from nbautograd.ops.samples import Make, cases, unary
from nbautograd.ops.special.library import special


class Lgamma(Op):
    """The logarithm of the gamma function's absolute value."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\psi(x)"}
    samples = unary(0.2, 4)

    def forward(x):
        out = special("gammaln", x)
        return xp.where(xp.isinf(x), xp.abs(x), out)  # SciPy gives −∞ for −∞

    def dx(g, x):
        return g * xp.digamma(x)


class Digamma(Op):
    """The derivative of the logarithm of the gamma function."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\psi'(x)"}
    samples = unary(0.2, 4)

    def forward(x):
        return special("digamma", x)

    def dx(g, x):
        return g * xp.polygamma(x, n=1)


def _orders(make: Make) -> Any:
    for shape in ((), (1,), (3,), (0,), (2, 3), (2, 1, 2)):
        for n in (1, 2):
            yield n, make(*shape, low=0.3, high=4)


class Polygamma(Op):
    """The n-th derivative of digamma."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\psi^{(n+1)}(x)"}
    samples = cases(_orders)

    def forward(x, *, n):
        if n == 0:
            return special("digamma", x)
        return special("zeta", x.dtype.type(n + 1), x) * ((-1.0) ** (n + 1) * math.factorial(n))

    def dx(g, x, n):
        return g * xp.polygamma(x, n=n + 1)


class Mvlgamma(Op):
    """The logarithm of the multivariate gamma function."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\sum_{j<p} \\psi(x - j/2)"}
    samples = cases(unary(2.2, 5, p=1), unary(2.2, 5, p=3))

    def forward(x, *, p):
        return sum(special("gammaln", x - j / 2) for j in range(p)) + p * (p - 1) / 4 * math.log(math.pi)

    def dx(g, x, p):
        return g * sum(xp.digamma(x - j / 2) for j in range(p))


def _orders_and_places(make: Make) -> Any:
    for a, x in (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((0,), (1,)), ((2, 1), (1, 3)), ((), (3,)),
                 ((2, 3), ()), ((1,), (2, 2, 2)), ((2, 0), (1,))):  # fmt: skip
        yield make.fixed(*a, low=1.2, high=3), make(*x, low=0.5, high=3)


class Igamma(Op):
    """The regularised lower incomplete gamma function."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{x^{a-1} e^{-x}}{\\Gamma(a)}"}
    samples = cases(_orders_and_places)

    def forward(a, x):
        return special("gammainc", a, x)

    def da(g):
        raise no_derivative("igamma: input")

    def dx(g, a, x):
        return g * xp.exp((a - 1) * xp.log(x) - x - xp.lgamma(a))


class Igammac(Op):
    """The regularised upper incomplete gamma function."""

    elementwise = True
    promote = "float"
    tex = {"x": "-\\frac{x^{a-1} e^{-x}}{\\Gamma(a)}"}
    samples = cases(_orders_and_places)

    def forward(a, x):
        return special("gammaincc", a, x)

    def da(g):
        raise no_derivative("igammac: input")

    def dx(g, a, x):
        return -g * xp.exp((a - 1) * xp.log(x) - x - xp.lgamma(a))


class Zeta(Op):
    """The Hurwitz zeta function."""

    node_name = "SpecialZetaBackward0"
    elementwise = True
    promote = "float"
    tex = {"q": "-x \\zeta(x + 1, q)"}
    samples = cases(_orders_and_places)

    def forward(x, q):
        return special("zeta", x, q)

    def dx(g):
        raise no_derivative("special_zeta")

    def dq(g, x, q):
        return g * (-x * xp.zeta(x + 1, q))


for _op in (Lgamma, Digamma, Igamma, Igammac):
    publish_op(_op)
    publish_in_place(_op)


@public(method=False)
def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma.

    Raises: RuntimeError for a negative `n`.
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return Polygamma.call(input, n=n)


put_method("polygamma", lambda self, n: polygamma(n, self))


@public("mvlgamma")
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension `p`."""
    return Mvlgamma.call(input, p=p)
