"""Rounding, and what it takes away."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import into, public, publish_in_place, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.refusals import fractions_only, numbers_only
from nbautograd.ops.samples import through, unary


class Floor(Op):
    """Each element rounded down. It is constant between its steps: its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("floor_vml_cpu")

    def forward(x):
        return xp.floor(x)

    def dx(g):
        return xp.zeros_like(g)


class Ceil(Op):
    """Each element rounded up; its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("ceil_vml_cpu")

    def forward(x):
        return xp.ceil(x)

    def dx(g):
        return xp.zeros_like(g)


class Trunc(Op):
    """Each element rounded towards zero; its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("trunc_vml_cpu")

    def forward(x):
        return xp.trunc(x)

    def dx(g):
        return xp.zeros_like(g)


class Frac(Op):
    """What rounding towards zero takes away."""

    elementwise = True
    check = fractions_only("frac_cpu")
    tex = {"x": "1"}
    samples = unary()

    def forward(x):
        return x - xp.trunc(x if x.dtype.kind in "fV" else x * 1.0)  # floats of whole numbers: `check` is asked

    def dx(g):
        return g


class Round(Op):
    """Each element rounded to the nearest integer, halves to the even one; its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = unary()
    check = numbers_only("round_vml_cpu")

    def forward(x):
        return xp.rint(x) if x.dtype.kind in "fc" else x.copy()

    def dx(g):
        return xp.zeros_like(g)


class RoundDecimals(Op):
    """Each element rounded to some decimal places; its gradient is zero."""

    node_name = "RoundBackward1"
    elementwise = True
    tex = {"x": "0"}
    samples = through("round", unary(decimals=1), unary(-200, 200, decimals=-1))
    check = fractions_only("round_cpu")

    def forward(x, *, decimals):
        return xp.round(x, decimals)

    def dx(g):
        return xp.zeros_like(g)


for _op, *_names in ((Floor,), (Ceil,), (Trunc, "trunc", "fix"), (Frac,)):
    publish_op(_op, *_names)
    publish_in_place(_op, *_names)


publish_in_place(Round)


@public("round")
def round_(input: Tensor, *, decimals: int = 0, out: Any = None) -> Tensor:
    """Each element rounded to the nearest integer (halves to the even one), or to some `decimals`."""
    if decimals and (problem := RoundDecimals.check(input._data)) is not None:
        raise problem  # what is whole already would pass unseen
    result = RoundDecimals.call(input, decimals=decimals) if decimals else Round.call(input)
    return result if out is None else into(out, result, "round")


Tensor.__round__ = lambda self, decimals=0: round_(self, decimals=decimals)
