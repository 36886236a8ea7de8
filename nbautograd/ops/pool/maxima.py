"""The largest element of every window, and what goes back to where it stood."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.op import Op, xp
from nbautograd.ops.conv.kernels import steps
from nbautograd.ops.index.meeting import add_at
from nbautograd.ops.pool.places import flat_places
from nbautograd.ops.pool.windows import POOLED, under_windows
from nbautograd.ops.samples import Make, forward_only, through

BLOCK = 1 << 15
"""How many windows are looked at together: what they need stays in the cache."""


def largest(x, kernel, stride, padding, dilation, out):
    """The largest element under each window, and which one under it that was (its number, row by row)."""
    lead = x.shape[: x.ndim - len(kernel)]
    full = extended(x, stride, padding, dilation, kernel, out)
    full = full.reshape((math.prod(lead), *full.shape[len(lead) :]))
    kind = np.dtype("uint8" if math.prod(kernel) <= 256 else "int32")
    if x.__class__ is ndarray and full.shape[0] * math.prod(out) <= FEW * math.prod(kernel):
        rows = under_windows(full, kernel, stride, dilation, out).reshape((-1, math.prod(kernel)))
        choice = rows.argmax(1)
        best = rows.reshape(-1).take(choice + np.arange(0, rows.size, rows.shape[1]))
        if (best == best).all():  # tap by tap, NaN is not chosen
            return best.reshape((*lead, *out)), choice.astype(kind).reshape((*lead, *out))
    best = xp.empty((full.shape[0], *out), dtype=x.dtype)
    choice = xp.zeros(best.shape, dtype=kind)
    for part in parts_of(best):
        for number, tap in enumerate(itertools.product(*(range(k) for k in kernel))):
            under = full[(part, *_starts(tap, stride, dilation, out))]
            _keep_larger(best[part], choice[part], xp.ascontiguousarray(under), number)
    return best.reshape((*lead, *out)), choice.reshape((*lead, *out))


FEW = 128
"""For less than so many windows for each element under one, each by itself is faster than all of them tap by tap."""


def parts_of(array: Any) -> list[slice]:
    """Slices along the first dimension, each of about `BLOCK` elements."""
    rows = max(1, BLOCK // max(1, math.prod(array.shape[1:])))
    return [slice(first, first + rows) for first in range(0, array.shape[0], rows)]


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


@cache  # without end: CUDA graphs read these where they lie
def _tables(asarray, size, kernel, stride, padding, dilation, out):
    """Where each window's first element lies, if only in the border, and how far behind it those under it lie."""
    taps = np.asarray(list(itertools.product(*(range(k) for k in kernel))))
    starts = [(np.arange(o) * s - p) * step for o, s, p, step in zip(out, stride, padding, steps(size))]
    return asarray(sum(np.ix_(*starts))), asarray(taps @ (np.asarray(steps(size)) * dilation))


def places_of(choice, size, kernel, stride, padding, dilation, out):
    """Chosen elements as places in the flattened spatial dimensions: torch's indices."""
    origins, offsets = _tables(xp.asarray, tuple(size), kernel, stride, padding, dilation, out)
    index = xp.take(offsets, choice)
    index += origins
    return index


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


_KNOWN = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


def _pooled(make: Make, spatial: int) -> Any:
    for shape, settings in POOLED:
        known = {name: v for name, v in settings.items() if name in _KNOWN}
        if len(shape) == spatial + 2:
            yield make.distinct(*shape), known
            yield make.distinct(*shape[1:]), known


def _chosen(make: Make) -> Any:
    for n in (1, 2, 3):
        for k in (1, 2, 3, 5):
            plain = {"stride": (k,) * n, "padding": (0,) * n, "dilation": (1,) * n, "windows": (2,) * n}
            choice = make.ints(2, *plain["windows"], high=k**n, dtype=np.uint8)
            yield choice, {"size": (2 * k,) * n, "kernel": (k,) * n, **plain}


class MaxPool2d(Op):
    """The largest element of every window; its gradient goes to that element alone.

    Shape: x (N, C, *size) → (N, C, *windows)
    """

    node_name = "MaxPool2DWithIndicesBackward0"
    title = "max pool"
    promote = "none"
    aux = ("choice",)
    tex = {"x": "\\text{where it was largest}"}
    samples = through("max_pool2d", lambda make: _pooled(make, 2))

    def forward(x, *, kernel, stride, padding, dilation, windows):
        return largest(x, kernel, stride, padding, dilation, windows)

    def dx(g, choice, x_shape, kernel, stride, padding, dilation, windows):
        where = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "windows": windows}
        return xp.max_pool2d_backward(g, choice=choice, size=tuple(x_shape[len(x_shape) - len(kernel) :]), **where)


class MaxPool3d(MaxPool2d):
    """The largest element of every window of a volume."""

    node_name = "MaxPool3DWithIndicesBackward0"
    samples = through("max_pool3d", lambda make: _pooled(make, 3))


class MaxPool2dBackward(Op):
    """The gradient of the largest element of every window: each one goes back to where that element stood."""

    node_name = "MaxPool2DWithIndicesBackwardBackward0"
    title = "max pool backward"
    tex = {"x": "\\text{taken from there}"}
    promote = "none"
    holds = ("choice",)

    def forward(x, *, choice, size, kernel, stride, padding, dilation, windows):
        lead = x.shape[: x.ndim - len(size)]
        rows, chosen = (a.reshape((math.prod(lead), *windows)) for a in (x, choice))
        out = xp.empty((*lead, *size), dtype=x.dtype)
        flat = out.reshape((math.prod(lead), math.prod(size)))
        for part in parts_of(rows):
            index = places_of(chosen[part], size, kernel, stride, padding, dilation, windows)
            flat[part] = 0
            places = flat_places(index.reshape((index.shape[0], -1)), flat.shape[1])
            add_at(flat[part].reshape(-1), places, rows[part].reshape(-1))
        return out

    def dx(g, choice, size, kernel, stride, padding, dilation, windows):
        where = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "windows": windows}
        return xp.max_pool2d_backward_backward(g, choice=choice, size=size, **where)


class MaxPool2dBackwardBackward(Op):
    """What stands where a max pool found the largest elements of another tensor."""

    title = "max pool elsewhere"
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    promote = "none"
    holds = ("choice",)

    def forward(x, *, choice, size, kernel, stride, padding, dilation, windows):
        index = places_of(choice, size, kernel, stride, padding, dilation, windows)
        return xp.take_at(x, index=index, spatial=len(size))

    def dx(g, choice, size, kernel, stride, padding, dilation, windows):
        where = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "windows": windows}
        return xp.max_pool2d_backward(g, choice=choice, size=size, **where)


class MaxPoolIndices(Op):
    """The elements that a max pool chose, as places in the flattened spatial dimensions."""

    title = "max pool indices"
    promote = "none"
    samples = forward_only(_chosen, name="")

    def forward(choice, *, size, kernel, stride, padding, dilation, windows):
        return places_of(choice, size, kernel, stride, padding, dilation, windows)
