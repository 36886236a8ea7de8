"""Orthogonal polynomials of a degree n: by the recurrence that leads from two of them to the next; without gradients.

NOTE [Recurrences]
Each family has p₀ = 1 and p₁ = a first-degree polynomial, and pₖ₊₁ = (aₖ x + bₖ) pₖ − cₖ pₖ₋₁. All degrees up to the
largest one asked for are computed for all elements, and each element takes the one that is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.ops.samples import Make, forward_only

Step = Callable[[int], tuple[float, float, float]]
"""k → (aₖ, bₖ, cₖ)."""


def along_degrees(x: Any, n: Any, first: tuple[float, float], step: Step) -> Any:
    """The polynomial of degree n at x, where `first` holds the factors of p₁; 0 for negative degrees."""
    degree = xp.trunc(xp.asarray(n))
    slope, constant = first
    before, now = xp.ones_like(x * degree), slope * x + constant
    out = xp.where(degree == 0, before, xp.where(degree == 1, now, 0))
    for k in range(1, int(degree.max()) if degree.size else 0):
        a, b, c = step(k)
        before, now = now, (a * x + b) * now - c * before
        out = xp.where(degree == k + 1, now, out)
    return out.astype(xp.asarray(x).dtype)


def _points_and_degrees(make: Make) -> Any:
    for shape in ((), (1,), (5,), (0,), (2, 3), (2, 0), (2, 3, 2), (3, 1)):
        for top in (1, 4, 9):
            yield make(*shape), make.ints(*shape, low=-1, high=top).astype(make.dtype)
    yield make(4, 1), make.ints(3, high=6).astype(make.dtype)
    yield make(4, 3).T, make.ints(8, high=6).astype(make.dtype)[::2]


def _chebyshev(k: int) -> tuple[float, float, float]:
    return 2, 0, 1


def _shifted(k: int) -> tuple[float, float, float]:
    return 4, -2, 1


FAMILIES: dict[str, tuple[str, tuple[float, float], Step]] = {
    "chebyshev_polynomial_t": ("Chebyshev polynomials of the first kind, cos(n arccos x).", (1, 0), _chebyshev),
    "chebyshev_polynomial_u": ("Chebyshev polynomials of the second kind.", (2, 0), _chebyshev),
    "chebyshev_polynomial_v": ("Chebyshev polynomials of the third kind.", (2, -1), _chebyshev),
    "chebyshev_polynomial_w": ("Chebyshev polynomials of the fourth kind.", (2, 1), _chebyshev),
    "shifted_chebyshev_polynomial_t": ("Chebyshev polynomials of the first kind, at 2x − 1.", (2, -1), _shifted),
    "shifted_chebyshev_polynomial_u": ("Chebyshev polynomials of the second kind, at 2x − 1.", (4, -2), _shifted),
    "shifted_chebyshev_polynomial_v": ("Chebyshev polynomials of the third kind, at 2x − 1.", (4, -3), _shifted),
    "shifted_chebyshev_polynomial_w": ("Chebyshev polynomials of the fourth kind, at 2x − 1.", (4, -1), _shifted),
    "hermite_polynomial_h": ("Hermite polynomials, of physics.", (2, 0), lambda k: (2, 0, 2 * k)),
    "hermite_polynomial_he": ("Hermite polynomials, of probability.", (1, 0), lambda k: (1, 0, k)),
    "laguerre_polynomial_l": (
        "Laguerre polynomials.",
        (-1, 1),
        lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)),
    ),
    "legendre_polynomial_p": ("Legendre polynomials.", (1, 0), lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1))),
}


def _entry(name: str, about: str, first: tuple[float, float], step: Step) -> type[Op]:
    def forward(x, n):
        return along_degrees(x, n, first, step)

    facts = {
        "__doc__": about,
        "__module__": __name__,
        "name": name,
        "elementwise": True,
        "promote": "float",
        "samples": forward_only(_points_and_degrees),
        "forward": forward,
    }
    return type(name.title().replace("_", ""), (Op,), facts)


POLYNOMIALS = {name: _entry(name, *family) for name, family in FAMILIES.items()}
