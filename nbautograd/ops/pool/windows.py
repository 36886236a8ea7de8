"""Where the windows of a pool lie, what torch says of windows that cannot be, and samples."""

from __future__ import annotations

from typing import Any

import numpy as np

POOLED: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((1, 1, 4, 4), {"kernel_size": 2}),
    ((2, 3, 5, 4), {"kernel_size": 2}),
    ((2, 3, 5, 4), {"kernel_size": 2, "ceil_mode": True}),
    ((2, 2, 5, 6), {"kernel_size": (3, 2), "stride": 1}),
    ((2, 2, 5, 6), {"kernel_size": (3, 2), "stride": (2, 1)}),
    ((1, 2, 5, 5), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((1, 2, 5, 5), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ((2, 1, 6, 5), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((2, 1, 6, 5), {"kernel_size": 3, "stride": 3, "padding": (1, 0), "ceil_mode": True, "divisor_override": 3}),
    ((2, 1, 6, 4), {"kernel_size": 2, "stride": 3, "ceil_mode": True, "count_include_pad": False}),
    ((1, 2, 7, 6), {"kernel_size": 2, "dilation": (3, 2)}),
    ((1, 2, 7, 6), {"kernel_size": (3, 2), "dilation": 2, "stride": 1, "padding": 1}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
    ((2, 2, 3, 3), {"kernel_size": 3}),
    ((1, 1, 4, 3, 5), {"kernel_size": 2}),
    ((2, 1, 3, 4, 3), {"kernel_size": (1, 2, 3)}),
    ((2, 1, 3, 4, 3), {"kernel_size": 2, "stride": 1}),
    ((1, 2, 3, 3, 4), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((1, 2, 3, 3, 4), {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
    ((1, 1, 5, 4, 4), {"kernel_size": 2, "stride": (2, 1, 2), "ceil_mode": True}),
    ((1, 1, 5, 4, 4), {"kernel_size": 2, "dilation": (1, 2, 3)}),
    ((2, 3, 2, 4), {"kernel_size": 2}),
    ((1, 1, 4, 4, 2), {"kernel_size": 2, "padding": (1, 1, 0), "divisor_override": 5}),
    ((1, 1, 2, 2, 2), {"kernel_size": 2}),
)


def under_windows(x: Any, kernel: Any, stride: Any, dilation: Any, out: Any) -> Any:
    """What lies under each of `out` windows of `x` (rows, *size), as a view (rows, *out, *kernel)."""
    x = np.ascontiguousarray(x)
    row, *steps = x.strides
    moves, taps = ([a * b for a, b in zip(steps, by)] for by in (stride, dilation))
    return np.ndarray((x.shape[0], *out, *kernel), x.dtype, x, 0, (row, *moves, *taps))


def window_count(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows there are along a dimension; with `ceil_mode` also those that begin inside and end outside."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= n + padding else count
