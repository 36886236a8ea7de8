"""Views and what a change through one does to its base."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.views import follow


class ViewScatter(Op):
    """`base` with the part that a view shows replaced by `part`: what a change through a view does to its base."""

    node_name = "CopySlices"

    def forward(base, part, *, path):  # type: ignore[no-untyped-def]
        out = base.copy()
        follow(path, out)[...] = part
        return out

    def dbase(g, part_shape, path):  # type: ignore[no-untyped-def]
        return xp.view_scatter(g, xp.zeros(part_shape, dtype=g.dtype), path=path)

    def dpart(g, path):  # type: ignore[no-untyped-def]
        return follow(path, g)
