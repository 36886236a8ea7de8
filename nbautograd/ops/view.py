"""Views and what a change through one does to its base."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.views import follow


class ViewScatter(Op):
    """`base` with the part that a view shows replaced by `part`: what a change through a view does to its base."""

    node_name = "CopySlices"

    def forward(base, part, *, path):
        out = base.copy()
        follow(path, out)[...] = part
        return out

    def dbase(g, part_shape, path):
        return xp.view_scatter(g, xp.zeros(part_shape, dtype=g.dtype), path=path)

    def dpart(g, path):
        return follow(path, g)


class AsStrided(Op):
    """The part of `x` that a path of view ops leads to: a view whose base was changed in place."""

    def forward(x, *, path):
        return follow(path, x).copy()

    def dx(g, x_shape, path):
        return xp.view_scatter(xp.zeros(x_shape, dtype=g.dtype), g, path=path)
