"""Gradients of a batch of starting gradients: `grad(..., is_grads_batched=True)`.

NOTE [One pass for a batch]
Where a pass is only about numbers, its graph has no hooks, and nothing else is unusual, one pass goes through the graph
with all gradients of the batch: each op's rules run once, on `Rows`, or row by row where they cannot. Else there is a
pass for each.
"""

from __future__ import annotations

from functools import cache
from heapq import heappop
from typing import Any

import numpy as np

from .array import library_of, ndarray, unbroadcast
from .backward import grad, unused
from .call import wrap
from .held import take
from .modes import state
from .node import FITS, OP, ORDER, PARENTS, SAVED, Leaf, Node, is_nobodys, node_and_output
from .op import TABLE, rebind, tensors
from .rows import Rows, lifted
from .rules import names_of
from .steps import Sums, Waiting, add, fit, send
from .tensor import Tensor
from .ways import Nodes, ways

MOST = 1 << 22
"""So many elements the batch of a gradient may have; larger batches are gone through in parts."""


def grad_of_batch(
    roots: list[Tensor],
    wanted: list[Tensor],
    batches: list[Any],
    retain: bool | None,
    create: bool,
    unused_too: bool | None,
    zeros: bool,
) -> tuple[Any, ...]:
    """`grad` for each of a batch of starting gradients; see NOTE [One pass for a batch].

    Raises: RuntimeError and ValueError in torch's words for what is no batch.
    """
    count = _batch_size(roots, batches)
    found = None if create or count < 2 else _together(roots, wanted, batches, count, not retain)
    if found is not None:
        return tuple([_result(i, x, found.get(x._node[ORDER]), count, unused_too, zeros) for i, x in enumerate(wanted)])
    rows = [
        grad(
            roots,
            wanted,
            [b[i] for b in batches],
            retain_graph=True if i + 1 < count else retain,
            create_graph=create,
            allow_unused=unused_too,
            materialize_grads=zeros,
        )
        for i in range(count)
    ]
    if not rows:
        return tuple([wrap(library_of(x._data).zeros((0, *x._data.shape), x._data.dtype)) for x in wanted])
    return tuple([None if column[0] is None else tensors.stack(list(column)) for column in zip(*rows, strict=True)])


def _result(i: int, x: Tensor, g: Any, count: int, unused_too: bool | None, zeros: bool) -> Tensor | None:
    """What `wanted[i]` has received."""
    if g is None and zeros:
        return wrap(np.zeros((count, *x._data.shape), x._data.dtype))
    if g is None and not unused_too:
        raise unused(i, x)
    return g


# --- one pass -----------------------------------------------------------------------------------------------------


def _together(
    roots: list[Tensor], wanted: list[Tensor], batches: list[Any], count: int, free: bool
) -> dict[int, Any] | None:
    """The gradients by the order of their nodes; None where a pass is more than numbers."""
    starts = [b._data for b in batches]
    nodes = [node_and_output(x._node)[0] if x._node is not None else None for x in wanted]
    if state.special or not all(b.__class__ is ndarray for b in starts):
        return None
    if any(x._node is None or is_nobodys(x._node) for x in (*roots, *wanted)):
        return None
    targets = {node[ORDER]: node for node in nodes if node is not None}
    needed = ways([root._node for root in roots], targets)
    if not all(node[OP] is Leaf or node[OP].step is not None for node in needed.values()):
        return None  # hooks, custom functions, ops with several results
    part = max(1, MOST // max(_sizes([x._data for x in (*roots, *wanted)], needed)))
    parts: list[dict[int, Any]] = []
    for at in range(0, count, part):
        own = [b[at : at + part] for b in starts]
        parts.append(_pass(roots, own, targets, needed, free and at + part >= count))
    return {order: wrap(np.concatenate([p[order] for p in parts])) for order in parts[0]}


def _sizes(ends: list[Any], needed: Nodes) -> list[int]:
    """How large the gradients on the way may be: as large as the ends, and as what was saved."""
    saved = [v for node in needed.values() if len(node) > SAVED and node[OP] is not Leaf for v in node[SAVED] or ()]
    return [1, *[getattr(v, "size", 1) for v in (*ends, *saved)]]


def _pass(roots: list[Tensor], starts: list[Any], targets: Nodes, needed: Nodes, free: bool) -> dict[int, Any]:
    """One walk, with batches for gradients."""
    heap: list[int] = []
    waiting: Waiting = {}
    sums: Sums = {}
    found: dict[int, Any] = {}
    for root, start in zip(roots, starts, strict=True):
        if root._node[ORDER] in needed:
            send(root._node, start, heap, waiting, sums, add)
    while heap:
        order = heappop(heap)
        node, g = waiting.pop(order), sums.pop(order)
        op, way = node[OP], needed[order]
        if order in targets:
            found[order] = g
        if op is Leaf or way[PARENTS].count(None) == len(way[PARENTS]):
            continue
        node, saved = take(node, op, free)
        for parent, c in _contributions(op, way, g, saved):
            send(parent, c, heap, waiting, sums, add)
    return found


def _contributions(op: Any, way: Node, g: Any, saved: Any) -> list[tuple[Node, Any]]:
    """(parent, batch of contributions) of every input that needs one."""
    shares: list[tuple[Node, Any]] = []
    for i, parent in enumerate(way[PARENTS]):
        if parent is None:
            continue
        fits = (None, None) if way[FITS] is None else way[FITS][i]
        c = _at_once(op, i, g, saved, fits)
        if c is None:
            c = _row_by_row(op, i, g, saved, fits)
        if c is not None:
            shares.append((parent, c))
    return shares


@cache
def _lifted_rule(op: Any, i: int) -> Any:
    """The rule of input `i` for batches, and the places of what it asks for; None where there is none."""
    if TABLE.get(op.name) is not op or op.variadic:  # a twin brackets its rules
        return None
    rule: Any = op.rules[i]
    return rebind(rule, lifted), [op.saves.index(name) for name in names_of(rule)[1:]]


def _at_once(op: Any, i: int, g: Any, saved: Any, fits: Any) -> Any:
    """The contributions of a batch by one run of the rule; None where that cannot be."""
    found = _lifted_rule(op, i)
    if found is None:
        return None
    rule, places = found
    try:
        c = rule(Rows(g), *[saved[k] for k in places])
    except MemoryError:
        raise
    except Exception:  # whatever a rule may do with its gradient that batches cannot
        return None
    return _fitted(c.data, fits) if isinstance(c, Rows) else None


def _fitted(c: Any, target: tuple[Any, Any]) -> Any:
    """`fit` for a batch."""
    shape, dtype = target
    if shape is not None and c.shape[1:] != shape:
        ones = (1,) * (c.ndim - 1 - len(shape))
        c = unbroadcast(c, (len(c), *ones, *shape)).reshape((len(c), *shape))
    return fit(c, (None, dtype))


def _row_by_row(op: Any, i: int, g: Any, saved: Any, fits: Any) -> Any:
    """The contributions of a batch, one after the other."""
    at = 0 if op.variadic else i
    rows = [op.pulls[at](row, saved) for row in g]
    rows = [row[i] for row in rows] if op.variadic else rows
    return None if rows[0] is None else np.stack([fit(row, fits) for row in rows])


def _batch_size(roots: list[Tensor], batches: list[Any]) -> int:
    """How many gradients there are for each root."""
    for i, (root, batch) in enumerate(zip(roots, batches, strict=True)):
        if batch is None:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs\n"
                "  hint: with is_grads_batched=True give a batch of gradients for each output"
            )
        if batch._data.shape[1:] != root._data.shape or not batch._data.ndim:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{i}] has a shape of {batch.shape[1:]} and "
                f"output[{i}] has a shape of {root.shape}. If you only want some tensors in `grad_output` to be "
                "considered batched, consider using vmap."
            )
    sizes = [batch._data.shape[0] for batch in batches]
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]
