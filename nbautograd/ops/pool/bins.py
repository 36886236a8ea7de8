"""The largest element of each of a given number of bins, which need not be of one size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.ops.conv.kernels import steps
from nbautograd.ops.pool.maxima import largest, places_of
from nbautograd.ops.resample.axes import bins
from nbautograd.ops.samples import Make, through


def largest_in_bins(x, out):
    """As `largest`, for windows that share the input evenly among them."""
    size = x.shape[x.ndim - len(out) :]
    if x.size and out == (1,) * len(out):
        lead = x.shape[: x.ndim - len(out)]
        places = x.reshape((*lead, math.prod(size)))
        winner = xp.expand_dims(xp.argmax(places, axis=-1), -1)
        found = xp.take_along_axis(places, winner, axis=-1)
        return found.reshape((*lead, *out)), winner.reshape((*lead, *out))
    if all(n % o == 0 for n, o in zip(size, out)):
        width = tuple(n // o for n, o in zip(size, out))
        where = (width, width, (0,) * len(out), (1,) * len(out), out)
        found, choice = largest(x, *where)
        return found, places_of(choice, size, *where)
    under = 0
    for d, (n, o, step) in enumerate(zip(size, out, steps(size))):
        start, end = bins(n, o)
        places = np.minimum(start[:, None] + np.arange((end - start).max()), end[:, None] - 1) * step
        shape = [1] * (2 * len(out))
        shape[d], shape[len(out) + d] = places.shape
        under = under + places.reshape(shape)
    return largest_of(x, xp.asarray(under.reshape((*out, -1))))


def largest_of(x, under):
    """The largest element of each group of places `under` (…, *out, group), and which place it was."""
    spatial = under.ndim - 1
    lead = x.shape[: x.ndim - spatial]
    values = x.reshape((*lead, math.prod(x.shape[len(lead) :])))[..., under]
    winner = xp.expand_dims(xp.argmax(values, axis=-1), -1)
    found = xp.take_along_axis(values, winner, axis=-1)[..., 0]
    index = xp.take_along_axis(xp.broadcast_to(under, values.shape), winner, axis=-1)[..., 0]
    return found, index


ADAPTED = (((1, 2, 4, 4), 2), ((2, 1, 5, 7), 3), ((2, 2, 6, 4), (2, 3)), ((2, 3, 5, 4), (None, 2)),
           ((1, 1, 3, 2), (4, 5)), ((0, 2, 3, 3), 2), ((2, 3, 5, 2), 1), ((1, 2, 7, 3), (1, 3)),
           ((1, 2, 3, 3), 3), ((2, 1, 4, 5, 3), 2), ((1, 2, 4, 2, 6), (3, 1, 4)), ((2, 1, 3, 4, 5), (2, 2, 3)),
           ((1, 1, 2, 4, 2), (2, 2, 1)), ((1, 2, 3, 3, 3), 2), ((2, 1, 5, 2, 2), (None, 2, None)),
           ((1, 1, 3, 5, 2), (2, 3, 2)), ((1, 1, 6, 2, 4), (3, 1, 2)))  # fmt: skip


def adapted(make: Make, spatial: int) -> Any:
    for shape, size in ADAPTED:
        if len(shape) == spatial + 2:
            yield make.distinct(*shape), size
            yield make.distinct(*shape[1:]), size


class AdaptiveMaxPool2d(Op):
    """The largest element of each of the given number of bins.

    Shape: x (N, C, *size) → (N, C, *out)
    """

    node_name = "AdaptiveMaxPool2DBackward0"
    title = "adaptive max pool"
    tex = {"x": "\\text{where it was largest}"}
    promote = "none"
    aux = ("index",)
    samples = through("adaptive_max_pool2d", lambda make: adapted(make, 2))

    def forward(x, *, bins):
        return largest_in_bins(x, bins)

    def dx(g, index, x_shape, bins):
        return xp.put_at(g, index=index, size=tuple(x_shape[len(x_shape) - len(bins) :]))


class AdaptiveMaxPool3d(AdaptiveMaxPool2d):
    """The largest element of each of the given number of bins of a volume."""

    node_name = "AdaptiveMaxPool3DBackward0"
    samples = through("adaptive_max_pool3d", lambda make: adapted(make, 3))
