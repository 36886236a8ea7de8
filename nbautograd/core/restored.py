"""What a node saved, as the tensors it was: with their places in the graph, and their tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from .call import new, slot, wrap
from .levels import put_tangents
from .modes import state
from .node import FITS, PARENTS, TANGENTS, Node
from .op import TABLE, Op
from .tensor import Tensor

OUT = -1


def as_tensors(node: Node, op: type[Op], saved: Any) -> tuple[Any, ...]:
    """What `node` saved, as tensors with their history: inputs from its parents, the result from the node itself."""
    values: list[Any] = []
    tangents = node[TANGENTS] if len(node) > TANGENTS else [[]] * len(saved)
    for (kind, where, _), value, moving in zip(op.plan, saved, tangents, strict=True):
        if value is None or kind in ("fact", "setting"):
            values.append(value)
        elif kind == "aux":
            values.append(wrap(value) if hasattr(value, "dtype") else value)
        elif op.variadic:
            parts = zip(value, node[PARENTS], moving or [[]] * len(value), strict=True)
            values.append(tuple([_known(v, p, m) for v, p, m in parts]))
        elif kind == "input":
            values.append(_restored(node, where, value, moving))
        elif op.outputs == 1:
            values.append(_known(value, node, moving))
        else:
            parts = zip(value, moving or [[]] * len(value), strict=True)
            values.append(tuple([_known(v, slot(node, nr), m) for nr, (v, m) in enumerate(parts)]))
    return tuple(values)


@cache
def restorer(op: type[Op]) -> Callable[[Node, Any], Sequence[Any]]:
    """`as_tensors` for the nodes of `op`, without detours for those that have no tangents and cast nothing."""
    kinds = [kind for kind, _, _ in op.plan]
    if op.outputs != 1 or op.variadic or "aux" in kinds:
        return lambda node, saved: as_tensors(node, op, saved)
    places = [
        (i, where if kind == "input" else OUT) for i, (kind, where, _) in enumerate(op.plan) if kind in ("input", "out")
    ]

    def restore(node: Node, saved: Any) -> Sequence[Any]:
        fits = node[FITS]
        if state.special or len(node) > TANGENTS or (fits is not None and any(dtype is not None for _, dtype in fits)):
            return as_tensors(node, op, saved)
        values = list(saved)
        for i, place in places:
            value = values[i]
            if hasattr(value, "dtype"):
                t = values[i] = new(Tensor)
                t._data = value
                t._node = node if place is OUT else node[PARENTS][place]
        return values

    return restore


def _known(value: Any, node: Node | None, tangents: list[Any]) -> Tensor:
    """A saved array as the tensor it was, with those of its `tangents` whose level is active."""
    tensor = wrap(value, node)
    put_tangents(tensor, tangents)
    return tensor


def _restored(node: Node, where: int, value: Any, tangents: list[Any]) -> Any:
    if not hasattr(value, "dtype"):
        return value
    fits = node[FITS]
    parent = node[PARENTS][where]
    cast_from = fits[where][1] if fits is not None else None
    if cast_from is None or (parent is None and not tangents):
        return _known(value, parent, tangents)
    return TABLE["to_copy"].call(_known(value.astype(cast_from), parent, tangents), dtype=value.dtype)
