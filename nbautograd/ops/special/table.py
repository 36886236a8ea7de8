"""The special functions by the names that `torch.special` gives them."""

from __future__ import annotations

from nbautograd.ops.special.bessel import I0, I1, I0e, I1e
from nbautograd.ops.special.gamma import Digamma, Igamma, Igammac, Lgamma, Zeta
from nbautograd.ops.special.logarithms import Entr, Xlog1py
from nbautograd.ops.special.more_bessel import BESSEL
from nbautograd.ops.special.normal import Erf, Erfc, Erfcx, Erfinv, LogNdtr, Ndtri
from nbautograd.ops.special.polynomials import POLYNOMIALS

SPECIAL = {
    "erf": Erf, "erfc": Erfc, "erfinv": Erfinv, "erfcx": Erfcx, "log_ndtr": LogNdtr, "ndtri": Ndtri, "gammaln": Lgamma,
    "digamma": Digamma, "psi": Digamma, "gammainc": Igamma, "gammaincc": Igammac, "zeta": Zeta, "i0": I0, "i0e": I0e,
    "i1": I1, "i1e": I1e, "entr": Entr, "xlog1py": Xlog1py,
    **BESSEL, **POLYNOMIALS,
}  # fmt: skip
"""What `torch.special` has as ops without settings."""
