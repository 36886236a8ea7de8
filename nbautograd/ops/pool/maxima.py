"""The largest element of every window, and what goes back to where it stood."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.ops.conv.kernels import steps
from nbautograd.ops.pool.windows import POOLED
from nbautograd.ops.resample.axes import bins
from nbautograd.ops.samples import Make, through

BLOCK = 1 << 15
"""How many windows are looked at together: what they need stays in the cache."""


def largest(x, kernel, stride, padding, dilation, out):
    """The largest element under each window, and its place in the flattened spatial dimensions."""
    lead, size = x.shape[: x.ndim - len(kernel)], x.shape[x.ndim - len(kernel) :]
    full = extended(x, stride, padding, dilation, kernel, out)
    full = full.reshape((math.prod(lead), *full.shape[len(lead) :]))
    taps = list(itertools.product(*(range(k) for k in kernel)))
    choice_type = "uint8" if len(taps) <= 256 else "int32"
    best = xp.empty((full.shape[0], *out), dtype=x.dtype)
    choice = xp.zeros(best.shape, dtype=choice_type)
    rows = max(1, BLOCK // max(1, math.prod(out)))
    for first in range(0, full.shape[0], rows):
        part = slice(first, first + rows)
        for number, tap in enumerate(taps):
            under = full[(part, *_starts(tap, stride, dilation, out))]
            _keep_larger(best[part], choice[part], xp.ascontiguousarray(under), number)
    index = xp.take(xp.asarray(_offsets(taps, size, dilation)), choice)
    index += xp.asarray(_origins(size, stride, padding, out))
    return best.reshape((*lead, *out)), index.reshape((*lead, *out))


def _keep_larger(best, choice, under, number):
    if number == 0:
        best[...] = under
        return
    larger = (under > best).astype(choice.dtype)
    xp.maximum(best, under, out=best)
    larger *= choice.dtype.type(number)
    xp.maximum(choice, larger, out=choice)  # numbers grow, so the last larger one wins


def _starts(tap, stride, dilation, out):
    """What lies under the tap `tap` of all windows."""
    return tuple(slice(t * d, t * d + (o - 1) * s + 1, s) for t, s, d, o in zip(tap, stride, dilation, out))


def _offsets(taps: Any, size: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """How far behind its window's first element each tap lies."""
    return np.asarray(taps) @ (np.asarray(steps(size)) * dilation)


def _origins(size: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], out: tuple[int, ...]) -> Any:
    """Where each window's first element lies; outside of the input if it is in the border."""
    places = [(np.arange(o) * s - p) * step for o, s, p, step in zip(out, stride, padding, steps(size))]
    return sum(np.ix_(*places))


def extended(x, stride, padding, dilation, kernel, out):
    """`x` with a border below all numbers, as wide as the windows reach."""
    size = x.shape[x.ndim - len(kernel) :]
    reach = [(o - 1) * s + d * (k - 1) + 1 for o, s, d, k in zip(out, stride, dilation, kernel)]
    if not any(padding) and all(r <= n for r, n in zip(reach, size)):
        return x
    lowest = -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    width = [max(r, n + p) for r, n, p in zip(reach, size, padding)]
    full = xp.full((*x.shape[: x.ndim - len(kernel)], *width), lowest, dtype=x.dtype)
    full[(..., *(slice(p, p + n) for p, n in zip(padding, size)))] = x
    return full


def flat_places(index, count):
    """Places within rows of `count` elements as places in the whole flattened array."""
    return (index + xp.arange(index.shape[0]).reshape((-1, 1)) * count).reshape(-1)


def rows_of(x, spatial):
    """`x` with its first dimensions made one."""
    return x.reshape((math.prod(x.shape[: x.ndim - spatial]), math.prod(x.shape[x.ndim - spatial :])))


def _pooled(*more: str) -> Any:
    def rows(make: Make, spatial: int) -> Any:
        for shape, settings in POOLED:
            known = {name: v for name, v in settings.items() if name in more}
            if len(shape) == spatial + 2:
                yield make.distinct(*shape), known
                yield make.distinct(*shape[1:]), known

    return rows


_KNOWN = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


class MaxPool2d(Op):
    """The largest element of every window; its gradient goes to that element alone.

    Shape: x (N, C, *size) → (N, C, *windows)
    """

    node_name = "MaxPool2DWithIndicesBackward0"
    title = "max pool"
    promote = "none"
    aux = ("index",)
    tex = {"x": "\\text{where it was largest}"}
    samples = through("max_pool2d", lambda make: _pooled(*_KNOWN)(make, 2))

    def forward(x, *, kernel, stride, padding, dilation, windows):
        return largest(x, kernel, stride, padding, dilation, windows)

    def dx(g, index, x_shape, kernel):
        return xp.put_at(g, index=index, size=tuple(x_shape[len(x_shape) - len(kernel) :]))


class MaxPool3d(MaxPool2d):
    """The largest element of every window of a volume."""

    node_name = "MaxPool3DWithIndicesBackward0"
    samples = through("max_pool3d", lambda make: _pooled(*_KNOWN)(make, 3))


def _places(make: Make) -> Any:
    for lead in ((1, 1), (2, 3), (3,), (0, 2)):
        for size, out in (((4,), (3,)), ((3, 3), (2, 2)), ((2, 3, 2), (1, 2, 2))):
            yield lead, size, out, make.ints(*lead, *out, high=math.prod(size))


class PutAt(Op):
    """Zeros to which `x` is added at `index`, which counts in the flattened last dimensions: back from a max pool."""

    title = "put at"
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
        xp.add.at(out, flat_places(rows_of(index, len(size)), count), x.reshape(-1))
        return out.reshape((*lead, *size))

    def dx(g, index, size):
        return xp.take_at(g, index=index, spatial=len(size))


class TakeAt(Op):
    """The elements at `index`, which counts in the flattened last dimensions."""

    title = "take at"
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


# --- windows of different sizes -----------------------------------------------------------------------------------


def largest_in_bins(x, out):
    """As `largest`, for windows that share the input evenly among them."""
    size = x.shape[x.ndim - len(out) :]
    if all(n % o == 0 for n, o in zip(size, out)):
        width = tuple(n // o for n, o in zip(size, out))
        return largest(x, width, width, (0,) * len(out), (1,) * len(out), out)
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
