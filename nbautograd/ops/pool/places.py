"""Elements put at places that count in the flattened last dimensions, and taken from there."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.ops.index.meeting import add_at
from nbautograd.ops.samples import Make, through


def flat_places(index, count):
    """Places within rows of `count` elements as places in the whole flattened array."""
    return (index + xp.arange(index.shape[0]).reshape((-1, 1)) * count).reshape(-1)


def rows_of(x, spatial):
    """`x` with its first dimensions made one."""
    return x.reshape((math.prod(x.shape[: x.ndim - spatial]), math.prod(x.shape[x.ndim - spatial :])))


def _places(make: Make) -> Any:
    for lead in ((1, 1), (2, 3), (3,), (0, 2)):
        for size, out in (((4,), (3,)), ((3, 3), (2, 2)), ((2, 3, 2), (1, 2, 2))):
            yield lead, size, out, make.ints(*lead, *out, high=math.prod(size))


class PutAt(Op):
    """Zeros to which `x` is added at `index`, which counts in the flattened last dimensions: back from a max pool."""

    title = "put at"
    tex = {"x": "\\text{taken from there}"}
    promote = "none"
    holds = ("index",)
    samples = through(
        "",
        lambda make: ((make(*lead, *out), {"index": i, "size": size}) for lead, size, out, i in _places(make)),
    )

    def forward(x, *, index, size):
        count = math.prod(size)
        lead = x.shape[: x.ndim - len(size)]
        out = xp.zeros(math.prod(lead) * count, dtype=x.dtype)
        add_at(out, flat_places(rows_of(index, len(size)), count), x.reshape(-1))
        return out.reshape((*lead, *size))

    def dx(g, index, size):
        return xp.take_at(g, index=index, spatial=len(size))


class TakeAt(Op):
    """The elements at `index`, which counts in the flattened last dimensions."""

    title = "take at"
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    promote = "none"
    holds = ("index",)
    samples = through(
        "",
        lambda make: ((make(*lead, *size), {"index": i, "spatial": len(size)}) for lead, size, _, i in _places(make)),
    )

    def forward(x, *, index, spatial):
        count = math.prod(x.shape[x.ndim - spatial :])
        return xp.take(x.reshape(-1), flat_places(rows_of(index, spatial), count)).reshape(index.shape)

    def dx(g, x_shape, index, spatial):
        return xp.put_at(g, index=index, size=tuple(x_shape[len(x_shape) - spatial :]))
