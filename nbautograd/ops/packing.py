"""Sequences of unequal length without their padding, and with it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nbautograd.core.op import Op, xp
from nbautograd.ops.samples import Make, through

LENGTHS = ((3, 2, 1), (2, 2), (1,), (4, 1), (3, 3, 3), (5, 4, 1, 1), (2,), (1, 1, 1), (4, 3), (3, 1, 1, 1), (6, 2))


def positions(lengths: Any) -> tuple[np.ndarray, np.ndarray]:
    """(step, sequence) of every row of a packed sequence; `lengths` fall."""
    there = np.arange(max(lengths, default=0))[:, None] < np.asarray(lengths)
    step, sequence = np.nonzero(there)
    return step, sequence


def _padded(make: Make) -> Iterator[Any]:
    for lengths in LENGTHS:
        yield make(lengths[0], len(lengths), 2), {"index": positions(lengths)}
        yield make(lengths[0], len(lengths)), {"index": positions(lengths)}


def _packed(make: Make) -> Iterator[Any]:
    for lengths in LENGTHS:
        shape = (lengths[0], len(lengths), 2)
        yield make(sum(lengths), 2), {"index": positions(lengths), "shape": shape, "value": -1.0}


class PackPaddedSequence(Op):
    """The rows of padded sequences that are no padding: the first step of all, then the second, and so on.

    Shape: x (T, N, …) → (number of rows, …)
    """

    tex = {"x": "\\text{put back, 0 in the padding}"}
    samples = through("", _padded)

    def forward(x, *, index):
        return x[index]

    def dx(g, x_shape, index):
        return xp.pad_packed_sequence(g, index=index, shape=x_shape)


class PadPackedSequence(Op):
    """The rows of a packed sequence at their places, `value` elsewhere."""

    tex = {"x": "\\text{its rows of the gradient}"}
    samples = through("", _packed)

    def forward(x, *, index, shape, value=0.0):
        out = xp.full(shape, value, x.dtype)
        out[index] = x
        return out

    def dx(g, index):
        return xp.pack_padded_sequence(g, index=index)
