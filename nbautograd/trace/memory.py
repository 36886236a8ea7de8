"""What memory is held, and for what: tensors, gradients, and what graphs keep for a backward pass that may come."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core.inplace import storage
from nbautograd.core.node import ORDER, PARENTS, SAVED, Node, OutputSlot, is_leaf_node, op_of
from nbautograd.core.tensor import Tensor
from nbautograd.trace import provenance

SHOWN = 6


@dataclass
class Memory:
    """Bytes held now; `print(nb.memory())` says it in words."""

    tensors: int = 0
    """Of tensors that somebody holds, gradients not among them."""
    gradients: int = 0
    count: int = 0
    """The number of tensors and gradients."""
    ops: int = 0
    """The number of ops whose graph nodes are alive."""
    by_op: Counter[str] = field(default_factory=Counter[str])
    """What is kept for backward alone, by the op that needs it."""
    by_cell: Counter[str] = field(default_factory=Counter[str])
    """The same by the cell that ran the op."""
    by_name: Counter[str] = field(default_factory=Counter[str])
    """The same by the variable whose graph it is; a graph of two variables counts for both."""

    @property
    def saved(self) -> int:
        """What is kept for backward alone, all in all."""
        return self.by_op.total()

    def __str__(self) -> str:
        lines = [
            f"{in_words(self.tensors)} in tensors and {in_words(self.gradients)} in gradients ({self.count} of them)",
            f"{in_words(self.saved)} kept for backward by {self.ops} ops",
        ]
        for title, counts in (("op", self.by_op), ("cell", self.by_cell), ("variable", self.by_name)):
            parts = [f"{name} {in_words(size)}" for name, size in counts.most_common(SHOWN) if size]
            if parts:
                more = ", …" if len(counts) > SHOWN else ""
                lines.append(f"  by {title}: {', '.join(parts)}{more}")
        return "\n".join(lines)

    __repr__ = __str__


def memory(namespace: Mapping[str, Any] | None = None) -> Memory:
    """What is held in memory, by which op, by which cell, and by which variable of `namespace` (the caller's own).

    Example:
        >>> import nbautograd as nb
        >>> x = nb.ones(1000, requires_grad=True)
        >>> y = (x.exp() * 2).sum()
        >>> nb.memory({"y": y}).by_name["y"]
        4000
        >>> y.backward()
        >>> nb.memory({"y": y}).by_name["y"]
        0
    """
    if namespace is None:
        frame = sys._getframe(1)
        namespace = {**frame.f_globals, **frame.f_locals}
    return _Look(namespace).found


class _Look:
    """One look at all that is alive; every array counts once."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.found = Memory()
        self._counted: set[int] = set()
        tensors = [o for o in gc.get_objects() if issubclass(type(o), Tensor)]  # `isinstance` would ask lazy objects
        gradients = {id(t._grad) for t in tensors if t._grad is not None}
        for t in tensors:
            size = self._size(getattr(t, "_data", None))
            self.found.count += 1
            if id(t) in gradients:
                self.found.gradients += size
            else:
                self.found.tensors += size
        kept = self._nodes([t._node for t in tensors if t._node is not None])
        for name, value in namespace.items():
            if isinstance(value, Tensor) and value._node is not None and not value.is_leaf and not name.startswith("_"):
                self.found.by_name[name] = sum(kept.get(key, 0) for key in _reached([value._node]))

    def _nodes(self, roots: list[Node]) -> dict[int, int]:
        """Count what each node keeps; the bytes by the id of the node."""
        kept: dict[int, int] = {}
        # Oldest first: what several ops keep counts for the one that made it.
        for key, node in sorted(_reached(roots).items(), key=lambda item: -item[1][ORDER]):
            op = op_of(node)
            if is_leaf_node(node) or op is OutputSlot:
                continue
            self.found.ops += 1
            size = sum(map(self._size, _arrays(node[SAVED])))
            kept[key] = size
            self.found.by_op[op.title] += size
            work = provenance.builder(node)
            self.found.by_cell["elsewhere" if work is None else str(work)] += size
        return kept

    def _size(self, data: Any) -> int:
        if data is None:
            return 0
        owner = storage(data)
        if id(owner) in self._counted:
            return 0
        self._counted.add(id(owner))
        return int(owner.nbytes)


def _reached(roots: list[Node]) -> dict[int, Node]:
    """The nodes from which `roots` were computed, and they themselves, by their ids."""
    met: dict[int, Node] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if id(node) not in met:
            met[id(node)] = node
            stack.extend(p for p in node[PARENTS] if p is not None)
    return met


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [a for part in value for a in _arrays(part)]  # pyright: ignore[reportUnknownVariableType]
    return [value] if isinstance(value, np.ndarray) or arrays.is_cupy(value) else []


def in_words(size: int) -> str:
    """Bytes as a person reads them: `4.0 kB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
