"""Matrices made of blocks."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import public
from nbautograd.ops.shape.joining import cat


@public(method=False)
def block_diag(*tensors):
    """A matrix with the given ones along its diagonal, and zeros elsewhere."""
    blocks: list[Any] = []
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x.ndim} dimensions"
            )
        blocks.append(x.reshape(1, -1) if x.ndim < 2 else x)
    width, start, rows = sum(b.shape[1] for b in blocks), 0, []
    for b in blocks:
        high, wide = b.shape
        zeros = [b.new_zeros((high, n)) for n in (start, width - start - wide)]
        rows.append(cat([zeros[0], b, zeros[1]], 1))
        start += wide
    return cat(rows, 0)
