"""Ops that have no part in any gradient: preparing data, and what modules do to their own parameters and buffers.

A cell that makes a network and trains it runs, besides what it is about, the drawing of each weight, the running means
of each batch norm, and the scaling of the data. Nothing of that was recorded for the way back: the graph that autograd
sees begins where the first tensor requires a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbautograd.trace.notes import OpNote, ValueNote


def without_bystanders(ops: Sequence[OpNote], wanted: Callable[[OpNote], bool]) -> list[OpNote]:
    """The ops that were recorded, and of the others those that have something to do with a gradient.

    That is: those that recorded ones or `wanted` ones come from, if they themselves come from a tensor that requires a
    gradient (inside `no_grad()`, say) or from a `.grad`. The result of any other is a constant of the graph.
    Where nothing was recorded at all, as in a cell about `no_grad`, every op stays.
    """
    if not any(op.recorded for op in ops):
        return list(ops)
    ops = _without_preparation(ops)
    needed: set[int] = set()
    kept: list[OpNote] = []
    for op in reversed(ops):
        if op.recorded or any(id(value) in needed for value in op.outputs) or wanted(op):
            kept.append(op)
            needed.update(map(id, op.inputs))
            needed.update(id(value.base) for value in (*op.inputs, *op.outputs) if value.base is not None)
    return kept[::-1]


def _without_preparation(ops: Sequence[OpNote]) -> list[OpNote]:
    """The ops that come, on some way, from what requires a gradient or is one."""
    touched: set[int] = set()
    kept: list[OpNote] = []
    for op in ops:
        if op.recorded or any(_matters(value) or id(value) in touched for value in op.inputs):
            kept.append(op)
            touched.update(map(id, op.outputs))
        else:
            for value in op.outputs:
                value.kind = "constant"
    return kept


def _matters(value: ValueNote) -> bool:
    return value.requires_grad or value.from_grad
