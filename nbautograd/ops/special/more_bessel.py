"""Bessel and Airy functions that torch gives no gradient."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.ops.samples import forward_only, unary
from nbautograd.ops.special.library import special

BESSEL: dict[str, type[Op]] = {}
"""These functions by torch's names."""

for _name, _scipy, _about, _lowest in (
    ("airy_ai", "airy", "The Airy function Ai.", -2),
    ("bessel_j0", "j0", "The Bessel function of the first kind, of order 0.", -2),
    ("bessel_j1", "j1", "The Bessel function of the first kind, of order 1.", -2),
    ("bessel_y0", "y0", "The Bessel function of the second kind, of order 0.", 0.1),
    ("bessel_y1", "y1", "The Bessel function of the second kind, of order 1.", 0.1),
    ("modified_bessel_i0", "i0", "The modified Bessel function of the first kind, of order 0.", -2),
    ("modified_bessel_i1", "i1", "The modified Bessel function of the first kind, of order 1.", -2),
    ("modified_bessel_k0", "k0", "The modified Bessel function of the second kind, of order 0.", 0.1),
    ("modified_bessel_k1", "k1", "The modified Bessel function of the second kind, of order 1.", 0.1),
    ("scaled_modified_bessel_k0", "k0e", "exp(x) times the modified Bessel function of the second kind, order 0.", 0.1),
    ("scaled_modified_bessel_k1", "k1e", "exp(x) times the modified Bessel function of the second kind, order 1.", 0.1),
):

    def _forward(x, *, function=_scipy):
        return special(function, x)

    _facts = {
        "__doc__": _about,
        "__module__": __name__,
        "name": _name,
        "elementwise": True,
        "promote": "float",
        "samples": forward_only(unary(_lowest, 3)),
        "forward": _forward,
    }
    BESSEL[_name] = type(_name.title().replace("_", ""), (Op,), _facts)


class SphericalBesselJ0(Op):
    """The spherical Bessel function of order 0: sin(x) / x."""

    name = "spherical_bessel_j0"
    elementwise = True
    promote = "float"
    samples = forward_only(unary())

    def forward(x):
        return xp.where(x == 0, 1, xp.sin(x) / xp.where(x == 0, 1, x)).astype(x.dtype)


BESSEL["spherical_bessel_j0"] = SphericalBesselJ0
