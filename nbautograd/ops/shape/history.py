"""What a change through a view does to the history of its base."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import storage
from nbautograd.core.changeable import refuse_overlap
from nbautograd.core.op import TABLE, Op, xp
from nbautograd.core.views import follow, pull_back
from nbautograd.ops.samples import through


def _paths() -> Any:
    """Shapes of bases and of their parts, with the ways from one to the other."""
    for shape, steps in (
        ((4,), [("slice", {"index": (slice(1, 3),)})]),
        ((2, 3), [("select", {"index": (0,)})]),
        ((2, 3), [("t", {})]),
        ((2, 3), [("transpose", {"dim0": 0, "dim1": 1}), ("select", {"index": (1,)})]),
        ((6,), [("view", {"shape": (2, 3)})]),
        ((2, 3), [("view", {"shape": (6,)}), ("slice", {"index": (slice(0, 4, 2),)})]),
        ((3, 3), [("diagonal", {})]),
        ((2, 1, 3), [("squeeze", {"shape": (2, 3)}), ("select", {"index": (slice(None), 1)})]),
        ((3,), [("unsqueeze", {"shape": (1, 3)})]),
        (
            (2, 2, 2),
            [("permute", {"dims": (2, 0, 1)}), ("select", {"index": (1,)}), ("slice", {"index": (slice(0, 1),)})],
        ),
    ):
        path = tuple((TABLE[name], settings, None, False, 0) for name, settings in steps)
        yield shape, follow(path, np.empty(shape)).shape, path


class ViewScatter(Op):
    """`base` with the part that a view shows replaced by `part`: what a change through a view does to its base."""

    node_name = "CopySlices"
    frees = True  # torch lets go of how the part was changed
    samples = through("", lambda make: ((make(*s), make(*p), {"path": path}) for s, p, path in _paths()))

    def forward(base, part, *, path):
        out = xp.array(base, order="C")
        place = follow(path, out)
        if storage(place) is storage(out):
            place[...] = part
        else:  # a view of what lay in memory in another order
            out.reshape(-1)[follow(path, xp.arange(out.size).reshape(out.shape))] = part
        return out

    def dbase(g, part_shape, path):
        if any(op.broadcasts for op, *_ in path):  # only `fill_` and its like come here; torch refuses this late
            refuse_overlap(follow(path, np.empty(g.shape)))
        return xp.view_scatter(g, xp.zeros(part_shape, dtype=g.dtype), path=path)

    def dpart(g, path):
        return follow(path, g)


class AsStrided(Op):
    """The part of `x` that a path of view ops leads to: a view whose base was changed in place."""

    samples = through("", lambda make: ((make(*s), {"path": path}) for s, _, path in _paths()))

    def forward(x, *, path):
        return follow(path, x).copy()

    def dx(g, x_shape, path):
        return pull_back(path, g, x_shape)
