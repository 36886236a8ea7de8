"""The larger and the smaller of two elements."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import publish_op
from nbautograd.ops.samples import binary


class Maximum(Op):
    """The larger of two elements; equal ones share the gradient.

    Math: out = max(x, y)
    """

    elementwise = True
    tex = {"x": "[x > y]", "y": "[y > x]"}
    samples = binary()

    def forward(x, y):
        return xp.maximum(x, y)

    def dx(g, x, y):
        return shared(g, x == y, x < y)

    def dy(g, x, y):
        return shared(g, x == y, y < x)


class Minimum(Op):
    """The smaller of two elements; equal ones share the gradient.

    Math: out = min(x, y)
    """

    elementwise = True
    tex = {"x": "[x < y]", "y": "[y < x]"}
    samples = binary()

    def forward(x, y):
        return xp.minimum(x, y)

    def dx(g, x, y):
        return shared(g, x == y, x > y)

    def dy(g, x, y):
        return shared(g, x == y, y > x)


def shared(g: Any, tied: Any, lost: Any) -> Any:
    """`g` for the winner, half of it for each where two are tied, nothing for the loser."""
    return xp.where(lost, 0, xp.where(tied, g * 0.5, g))


class Fmax(Op):
    """The larger of two elements; a number wins over NaN."""

    elementwise = True
    tex = {"x": "[x \\ge y]", "y": "[y > x]"}
    samples = binary()

    def forward(x, y):
        return xp.fmax(x, y)

    def dx(g, x, y):
        return xp.where((x >= y) | (y != y), g, 0)

    def dy(g, x, y):
        return xp.where((x >= y) | (y != y), 0, g)


class Fmin(Op):
    """The smaller of two elements; a number wins over NaN."""

    elementwise = True
    tex = {"x": "[x \\le y]", "y": "[y < x]"}
    samples = binary()

    def forward(x, y):
        return xp.fmin(x, y)

    def dx(g, x, y):
        return xp.where((x <= y) | (y != y), g, 0)

    def dy(g, x, y):
        return xp.where((x <= y) | (y != y), 0, g)


for _op in (Maximum, Minimum, Fmax, Fmin):
    publish_op(_op)
