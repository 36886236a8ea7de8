"""The mean of every window."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.ops.pool.bins import adapted
from nbautograd.ops.pool.windows import POOLED
from nbautograd.ops.resample.axes import AlongAxes
from nbautograd.ops.samples import Make, through


@lru_cache(256)
def divisors(size, kernel, stride, padding, out, include, divisor):
    """By what the sum of each window is divided: one number if it is the same for all of them."""
    if divisor is not None:
        return float(divisor)
    counts = []
    for n, k, s, p, o in zip(size, kernel, stride, padding, out):
        start = np.arange(o) * s - p
        end = np.minimum(start + k, n + p)
        counts.append(end - start if include else np.minimum(end, n) - np.maximum(start, 0))
    if all((c == k).all() for c, k in zip(counts, kernel)):
        return float(math.prod(kernel))
    return math.prod(np.ix_(*counts))


def divided(x, by):
    return x / by if isinstance(by, float) else x / xp.asarray(by, dtype=x.dtype)


def reach_of(size, kernel, stride, padding, out):
    """The sizes that the windows need, border included."""
    return [max((o - 1) * s + k, n + p) for n, k, s, p, o in zip(size, kernel, stride, padding, out)]


def along(axis, part):
    """The index that takes `part` of one of the last dimensions (`axis` < 0)."""
    return (..., part, *(slice(None),) * (-axis - 1))


def window_sums(x, kernel, stride, padding, out):
    """The sum under each window, one dimension after the other."""
    size = x.shape[x.ndim - len(kernel) :]
    reach = reach_of(size, kernel, stride, padding, out)
    if tuple(reach) != tuple(size):
        full = xp.zeros((*x.shape[: x.ndim - len(kernel)], *reach), dtype=x.dtype)
        full[(..., *(slice(p, p + n) for p, n in zip(padding, size)))] = x
        x = full
    for axis, (k, s, o) in enumerate(zip(kernel, stride, out), -len(kernel)):
        parts = [x[along(axis, slice(tap, tap + (o - 1) * s + 1, s))] for tap in range(k)]
        x = xp.array(parts[0])
        for part in parts[1:]:
            x += part
    return x


def window_spread(g, size, kernel, stride, padding, out):
    """Each element of `g` added to all elements under its window: the transpose of `window_sums`."""
    reach = reach_of(size, kernel, stride, padding, out)
    for axis, (k, s, o, n) in enumerate(zip(kernel, stride, out, reach), -len(kernel)):
        wide = xp.zeros((*g.shape[: g.ndim + axis], n, *g.shape[g.ndim + axis + 1 :]), dtype=g.dtype)
        for tap in range(k):
            wide[along(axis, slice(tap, tap + (o - 1) * s + 1, s))] += g
        g = wide
    return xp.ascontiguousarray(g[(..., *(slice(p, p + n) for p, n in zip(padding, size)))])


_KNOWN = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")


def _pooled(make: Make, spatial: int) -> Any:
    for shape, settings in POOLED:
        known = {name: v for name, v in settings.items() if name in _KNOWN}
        if len(shape) == spatial + 2:
            yield make(*shape), known
            yield make(*shape[1:]), known


class AvgPool2d(Op):
    """The mean of every window.

    Shape: x (N, C, *size) → (N, C, *windows)
    """

    node_name = "AvgPool2DBackward0"
    title = "avg pool"
    promote = "none"
    tex = {"x": "\\tfrac{1}{k}"}
    samples = through("avg_pool2d", lambda make: _pooled(make, 2))

    def forward(x, *, kernel, stride, padding, windows, include, divisor):
        size = x.shape[x.ndim - len(kernel) :]
        by = divisors(size, kernel, stride, padding, windows, include, divisor)
        return divided(window_sums(x, kernel, stride, padding, windows), by)

    def dx(g, x_shape, kernel, stride, padding, windows, include, divisor):
        where = {"stride": stride, "padding": padding, "windows": windows, "include": include, "divisor": divisor}
        return xp.avg_pool2d_backward(g, size=tuple(x_shape[len(x_shape) - len(kernel) :]), kernel=kernel, **where)


class AvgPool3d(AvgPool2d):
    """The mean of every window of a volume."""

    node_name = "AvgPool3DBackward0"
    samples = through("avg_pool3d", lambda make: _pooled(make, 3))


class AvgPool2dBackward(Op):
    """The gradient of the mean of every window: an equal share to each element under it."""

    node_name = "AvgPool2DBackwardBackward0"
    title = "avg pool backward"
    tex = {"x": "\\tfrac{1}{k}"}
    promote = "none"

    def forward(x, *, size, kernel, stride, padding, windows, include, divisor):
        by = divisors(size, kernel, stride, padding, windows, include, divisor)
        return window_spread(divided(x, by), size, kernel, stride, padding, windows)

    def dx(g, kernel, stride, padding, windows, include, divisor):
        where = {"stride": stride, "padding": padding, "windows": windows, "include": include, "divisor": divisor}
        return xp.avg_pool2d(g, kernel=kernel, **where)


class AdaptiveAvgPool2d(AlongAxes):
    """The mean of each of the given number of bins."""

    node_name = "AdaptiveAvgPool2DBackward0"
    title = "adaptive avg pool"
    samples = through("adaptive_avg_pool2d", lambda make: adapted(make, 2))


class AdaptiveAvgPool3d(AlongAxes):
    """The mean of each of the given number of bins of a volume."""

    node_name = "AdaptiveAvgPool3DBackward0"
    title = "adaptive avg pool"
    samples = through("adaptive_avg_pool3d", lambda make: adapted(make, 3))
