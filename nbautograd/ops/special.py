"""Special functions: erf and its kin, gamma and Bessel functions, by SciPy, which is imported when one is used."""

from __future__ import annotations

import importlib
import math
from typing import Any

from nbautograd.core import inplace
from nbautograd.core.array import is_cupy, ndarray
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arithmetic import no_derivative
from nbautograd.ops.samples import SHAPES, Make, binary, cases, through, unary

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_HALF = math.sqrt(0.5)


def special(name: str, x: Any, *more: Any) -> Any:
    """SciPy's (or for a GPU, CuPy's) special function `name`, in the precision of `x`."""
    library = importlib.import_module("cupyx.scipy.special" if is_cupy(x) else "scipy.special")
    result = getattr(library, name)(x, *more)
    return result.astype(x.dtype) if x.dtype.kind == "f" and result.dtype != x.dtype else result


# NOTE [Fast erf]
# SciPy's erf costs several times what tanh does. erf(x) = tanh(x p(x²)), and where float32 can tell the difference p is
# a polynomial of degree 6: fitted for the least largest error on [0, 3.9], within 2e-7 everywhere, p(0) = 2/√π. Beyond
# 3.9 it only grows, and tanh stays at 1.
ERF_COEFFICIENTS = (
    1.42974165e-07,
    -5.685526323e-06,
    8.771356994e-05,
    -0.0006198515527,
    -0.0001920481393,
    0.1027694128,
    1.128379167,
)
# The same for erf(x/√2): the coefficient of x^(2i+1) times √½^(2i+1).
NORMAL_COEFFICIENTS = tuple(c * 0.5 ** (6 - i + 0.5) for i, c in enumerate(ERF_COEFFICIENTS))


def fast_erf(x: Any, coefficients: tuple[float, ...] = ERF_COEFFICIENTS) -> Any:
    """erf (or with NORMAL_COEFFICIENTS erf(x/√2)), by NOTE [Fast erf] for float32 arrays."""
    if x.__class__ is not ndarray or x.ndim == 0 or x.dtype.char != "f":
        return special("erf", x if coefficients is ERF_COEFFICIENTS else x * ROOT_HALF)
    square = x * x
    p = square * coefficients[0]
    for coefficient in coefficients[1:-1]:
        p += coefficient
        p *= square
    p += coefficients[-1]
    p *= x
    return xp.tanh(p, out=p)


# --- the error function -------------------------------------------------------------------------------------------


class Erf(Op):
    """The error function: the share of a normal distribution within ±x√2 deviations.

    Math: out = 2/√π ∫₀ˣ e^(−t²) dt
    """

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{2}{\\sqrt\\pi} e^{-x^2}"}
    samples = unary()

    def forward(x):
        return fast_erf(x)

    def dx(g, x):
        return g * (xp.exp(-(x * x)) * TWO_OVER_ROOT_PI)


class Erfc(Op):
    """1 − erf(x), exact for large x."""

    elementwise = True
    promote = "float"
    tex = {"x": "-\\frac{2}{\\sqrt\\pi} e^{-x^2}"}
    samples = unary()

    def forward(x):
        return special("erfc", x)

    def dx(g, x):
        return g * (xp.exp(-(x * x)) * -TWO_OVER_ROOT_PI)


class Erfinv(Op):
    """The number whose error function is x."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{\\sqrt\\pi}{2} e^{\\operatorname{erfinv}(x)^2}"}
    samples = unary(-0.9, 0.9)

    def forward(x):
        return special("erfinv", x)

    def dx(g, x):
        root = xp.erfinv(x)
        return g * (xp.exp(root * root) / TWO_OVER_ROOT_PI)


class Erfcx(Op):
    """e^(x²) · erfc(x), which does not underflow."""

    node_name = "SpecialErfcxBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "2 x \\, out - \\frac{2}{\\sqrt\\pi}"}
    samples = unary()

    def forward(x):
        return special("erfcx", x)

    def dx(g, x, out):
        return g * (2 * x * out - TWO_OVER_ROOT_PI)


class LogNdtr(Op):
    """The logarithm of the normal distribution's share below x."""

    node_name = "SpecialLogNdtrBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{\\sqrt{2/\\pi}}{\\operatorname{erfcx}(-x/\\sqrt 2)}"}
    samples = unary()

    def forward(x):
        return special("log_ndtr", x)

    def dx(g, x):
        return g / xp.erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi)


class Ndtri(Op):
    """The number below which the normal distribution has the share x."""

    node_name = "SpecialNdtriBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\sqrt{2\\pi} e^{out^2/2}"}
    samples = unary(0.1, 0.9)

    def forward(x):
        return special("ndtri", x)

    def dx(g, out):
        return g * (xp.exp(out * out * 0.5) * math.sqrt(2 * math.pi))


# --- gamma functions ----------------------------------------------------------------------------------------------


class Lgamma(Op):
    """The logarithm of the gamma function's absolute value."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\psi(x)"}
    samples = unary(0.2, 4)

    def forward(x):
        return special("gammaln", x)

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


# --- Bessel functions ---------------------------------------------------------------------------------------------


class I0(Op):
    """The modified Bessel function of order 0."""

    name = "i0"
    node_name = "I0Backward0"
    elementwise = True
    promote = "float"
    tex = {"x": "I_1(x)"}
    samples = unary()

    def forward(x):
        return special("i0", x)

    def dx(g, x):
        return g * xp.i1(x)


class I0e(Op):
    """e^(−|x|) · I₀(x)."""

    name = "i0e"
    node_name = "SpecialI0EBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\operatorname{i1e}(x) - \\operatorname{sign}(x) \\, out"}
    samples = unary()

    def forward(x):
        return special("i0e", x)

    def dx(g, x, out):
        return g * (xp.i1e(x) - xp.sign(x) * out)


class I1(Op):
    """The modified Bessel function of order 1."""

    name = "i1"
    node_name = "SpecialI1Backward0"
    elementwise = True
    promote = "float"
    tex = {"x": "I_0(x) - \\frac{out}{x}"}
    samples = unary(0.3, 3)

    def forward(x):
        return special("i1", x)

    def dx(g, x, out):
        away = xp.where(x == 0, 1, x)
        return g * xp.where(x == 0, 0.5, xp.i0(x) - out / away)


class I1e(Op):
    """e^(−|x|) · I₁(x)."""

    name = "i1e"
    node_name = "SpecialI1EBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\operatorname{i0e}(x) - out \\, (\\operatorname{sign}(x) + \\frac{1}{x})"}
    samples = unary(0.3, 3)

    def forward(x):
        return special("i1e", x)

    def dx(g, x, out):
        away = xp.where(x == 0, 1, x)
        return g * xp.where(x == 0, 0.5, xp.i0e(x) - out * (xp.sign(x) + 1 / away))


# --- logarithms with care -----------------------------------------------------------------------------------------


class Entr(Op):
    """The entropy −x ln x, 0 at zero."""

    node_name = "SpecialEntrBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "-\\ln x - 1"}
    samples = unary(0.2, 3)

    def forward(x):
        return special("entr", x)

    def dx(g, x):
        return g * (-xp.log(x) - 1)


class Xlogy(Op):
    """x ln y, 0 where x is zero."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\ln y", "y": "\\frac{x}{y}"}
    samples = binary(low=0.3)

    def forward(x, y):
        return xp.where(xp.isnan(y), y, xp.where(x == 0, 0, x * xp.log(y)))

    def dx(g, x, y):
        return g * xp.where((x == 0) & (y <= 0), 0, xp.log(y))

    def dy(g, x, y):
        return g * (x / y)


class XlogyOfNumber(Xlogy):
    """A number times ln y."""

    node_name = "XlogyBackward1"
    samples = through("xlogy", lambda make: ((2.5, make(*s, low=0.3)) for s in SHAPES))


class XlogyByNumber(Xlogy):
    """x times the logarithm of a number."""

    node_name = "XlogyBackward2"
    samples = through("xlogy", lambda make: ((make(*s), 2.5) for s in SHAPES))


class Xlog1py(Op):
    """x ln(1 + y), 0 where x is zero."""

    node_name = "SpecialXlog1PyBackward0"
    elementwise = True
    promote = "float"
    tex = {"x": "\\ln(1 + y)", "y": "\\frac{x}{1 + y}"}
    samples = binary(low=0.3)

    def forward(x, y):
        return xp.where(xp.isnan(y), y, xp.where(x == 0, 0, x * xp.log1p(y)))

    def dx(g, x, y):
        return g * xp.where((x == 0) & (y <= -1), 0, xp.log1p(y))

    def dy(g, x, y):
        return g * (x / (y + 1))


class Logit(Op):
    """ln(x / (1 − x)), the inverse of the logistic function; `eps` keeps x away from 0 and 1."""

    elementwise = True
    promote = "float"
    tex = {"x": "\\frac{1}{x (1 - x)}"}
    samples = cases(unary(0.1, 0.9), unary(0.1, 0.9, eps=0.2))

    def forward(x, *, eps=None):
        if eps is not None:
            x = xp.minimum(xp.maximum(x, eps), 1 - eps)
        return xp.log(x / (1 - x))

    def dx(g, x, eps):
        slope = 1 / (x * (1 - x))
        if eps is None:
            return g * xp.where((x < 0) | (x > 1), math.nan, slope)
        return g * (((x >= eps) & (x <= 1 - eps)) * slope)


# --- public -------------------------------------------------------------------------------------------------------

for _op in (Erf, Erfc, Erfinv, Lgamma, Digamma, I0, Igamma, Igammac):
    publish_op(_op)
    publish_in_place(_op)

SPECIAL = {
    "erf": Erf, "erfc": Erfc, "erfinv": Erfinv, "erfcx": Erfcx, "log_ndtr": LogNdtr, "ndtri": Ndtri, "gammaln": Lgamma,
    "digamma": Digamma, "psi": Digamma, "gammainc": Igamma, "gammaincc": Igammac, "zeta": Zeta, "i0": I0, "i0e": I0e,
    "i1": I1, "i1e": I1e, "entr": Entr, "xlog1py": Xlog1py,
}  # fmt: skip
"""What `torch.special` has as ops without settings."""


@public(method=False)
def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma.

    Raises: RuntimeError for a negative `n`.
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return Polygamma.call(input, n=n)


Tensor.polygamma = lambda self, n: polygamma(n, self)


@public("mvlgamma")
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension `p`.

    Raises: RuntimeError where an element is not greater than (p − 1) / 2.
    """
    if not (input._data > (p - 1) / 2).all():
        raise RuntimeError("All elements must be greater than (p-1)/2")
    return Mvlgamma.call(input, p=p)


@public()
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln(x / (1 − x)), the inverse of the sigmoid."""
    return Logit.call(input, eps=eps)


@public("logit_")
def logit_(self: Tensor, eps: float | None = None) -> Tensor:
    """Like `logit`, in place."""
    return inplace.apply(Logit, self, eps=eps)


@public("xlogy_", top=False)
def xlogy_(self: Tensor, other: Any) -> Tensor:
    """Like `xlogy`, in place."""
    return inplace.apply(Xlogy if isinstance(other, Tensor) else XlogyByNumber, self, other)


@public()
def xlogy(input: Any, other: Any) -> Tensor:
    """input · ln(other), 0 where `input` is zero."""
    if not isinstance(input, Tensor):
        return XlogyOfNumber.call(input, other)
    return (Xlogy if isinstance(other, Tensor) else XlogyByNumber).call(input, other)
