"""Ops that have no part in any gradient: what modules do to their own parameters and buffers.

A cell that makes a network and trains it runs, besides what it is about, the drawing of each weight and the running
means of each batch norm. Nothing of that was recorded for the way back, and nothing that was recorded comes from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbautograd.trace.notes import OpNote


def without_bystanders(ops: Sequence[OpNote], wanted: Callable[[OpNote], bool]) -> list[OpNote]:
    """The ops that were recorded, those that are `wanted` besides, and all that these come from.

    Where nothing was recorded at all, as in a cell about `no_grad`, every op stays.
    """
    if all(op.node is None for op in ops):
        return list(ops)
    needed: set[int] = set()
    kept: list[OpNote] = []
    for op in reversed(ops):
        if op.node is not None or any(id(value) in needed for value in op.outputs) or wanted(op):
            kept.append(op)
            needed.update(map(id, op.inputs))
            needed.update(id(value.base) for value in (*op.inputs, *op.outputs) if value.base is not None)
    return kept[::-1]
