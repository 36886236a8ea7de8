"""What memory is held, and for what: tensors, gradients, and what graphs keep for a backward pass that may come."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbautograd.core.inplace import storage
from nbautograd.core.node import ORDER, PARENTS, SAVED, Node, OutputSlot, is_leaf_node, op_of
from nbautograd.core.tensor import Tensor
from nbautograd.trace import provenance
from nbautograd.trace.holders import holders, is_array, is_container, is_tensor, led_to

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
    """What a variable leads to: tensors, their gradients, what their graphs keep. What two lead to counts for both."""

    @property
    def saved(self) -> int:
        """What is kept for backward alone, all in all."""
        return self.by_op.total()

    def __str__(self) -> str:
        total = in_words(self.tensors + self.gradients + self.saved)
        parts = f"{in_words(self.tensors)} in tensors, {in_words(self.gradients)} in gradients"
        lines = [f"{total} held: {parts}, {in_words(self.saved)} kept for backward", *_listed("variable", self.by_name)]
        if self.saved:
            lines.append(f"kept for backward, in graphs of {self.ops} ops")
            lines += [*_listed("op", self.by_op), *_listed("cell", self.by_cell)]
        return "\n".join(lines)

    __repr__ = __str__


def _listed(title: str, counts: Counter[str]) -> list[str]:
    """The largest of `counts` as a line, or no line."""
    parts = [f"{name} {in_words(size)}" for name, size in counts.most_common() if size]
    more = [f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []
    return [f"  by {title}: {', '.join(parts[:SHOWN] + more)}"] if parts else []


def memory(namespace: Mapping[str, Any] | None = None) -> Memory:
    """What is held in memory: by which variable of `namespace` (the caller's own), which op, and which cell.

    A variable holds what it leads to: a list its tensors, a loss its graph. `Out[3]` is what cell 3 showed; of a cell
    that ends with a semicolon IPython shows and keeps nothing.

    Example:
        >>> import nbautograd as nb
        >>> x = nb.ones(1000, requires_grad=True)
        >>> y = (x.exp() * 2).sum()
        >>> nb.memory({"y": y}).by_name["y"]  # what exp keeps, and y itself
        4004
        >>> y.backward()
        >>> nb.memory({"y": y}).by_name["y"]
        4
    """
    if namespace is None:
        frame = sys._getframe(1)
        namespace = {**frame.f_globals, **frame.f_locals}
    return _Look(namespace).found


class _Look:
    """One look at all that is alive; every array counts once."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        gc.collect()  # what is held by circles only is held by nobody
        self.found = Memory()
        self._counted: set[int] = set()
        tensors = [o for o in gc.get_objects() if is_tensor(o)]
        names = holders(namespace)
        nodes = [n for n in _reached(tensors).values() if not is_leaf_node(n) and op_of(n) is not OutputSlot]
        nodes.sort(key=lambda node: -node[ORDER])  # oldest first: what several ops keep counts for the one that made it
        saved = _saved(nodes, {id(t) for found in names.values() for t in found})
        inside = {id(part) for parts in saved for part in parts}
        self._count_tensors([t for t in tensors if id(t) not in inside])
        kept = self._count_nodes(nodes, saved)
        for name, found in names.items():
            graphs = sum(kept.get(key, 0) for key in _reached(found))
            self.found.by_name[name] = graphs + _size_of({*found, *[t._grad for t in found if t._grad is not None]})

    def _count_tensors(self, tensors: list[Tensor]) -> None:
        gradients = {id(t._grad) for t in tensors if t._grad is not None}
        self.found.count = len(tensors)
        for t in tensors:
            if id(t) in gradients:
                self.found.gradients += self._size(t)
            else:
                self.found.tensors += self._size(t)

    def _count_nodes(self, nodes: list[Node], saved: list[list[Any]]) -> dict[int, int]:
        """Count what each node keeps; the bytes by the id of the node."""
        kept: dict[int, int] = {}
        self.found.ops = len(nodes)
        for node, parts in zip(nodes, saved, strict=True):
            kept[id(node)] = size = sum(map(self._size, parts))
            if size:
                work = provenance.builder(node)
                self.found.by_op[op_of(node).title] += size
                self.found.by_cell["elsewhere" if work is None else str(work)] += size
        return kept

    def _size(self, part: Any) -> int:
        """The bytes of a tensor or an array, if they have not been counted yet."""
        owner = _owner(part)
        if owner is None or id(owner) in self._counted:
            return 0
        self._counted.add(id(owner))
        return int(owner.nbytes)


def _saved(nodes: list[Node], held: set[int]) -> list[list[Any]]:
    """For each node the arrays that it saved, and the tensors that a function of the user's or a checkpoint left there.

    Tensors that are `held` by variables are nobody else's, nor are parameters.
    """
    met = {*held, *map(id, nodes)}  # a function that saved its output knows its node, and by that the whole graph
    return [[part for value in node[SAVED] or () for part in _parts(value, met)] for node in nodes]


def _parts(value: Any, met: set[int]) -> list[Any]:
    if is_array(value) or not is_container(value):
        return [value] if is_array(value) else []
    return [p for p in led_to(value, met) if is_array(p) or (is_tensor(p) and not _is_parameter(p))]


def _is_parameter(tensor: Tensor) -> bool:
    return tensor._node is not None and is_leaf_node(tensor._node)


def _size_of(tensors: set[Tensor]) -> int:
    owners = {id(owner): owner for t in tensors if (owner := _owner(t)) is not None}
    return sum(int(owner.nbytes) for owner in owners.values())


def _owner(part: Any) -> Any:
    """What holds the memory of a tensor or an array."""
    data = getattr(part, "_data", None) if is_tensor(part) else part
    return None if data is None else storage(data)


def _reached(tensors: list[Tensor]) -> dict[int, Node]:
    """The nodes from which `tensors` were computed, and they themselves, by their ids."""
    met: dict[int, Node] = {}
    stack = [t._node for t in tensors if t._node is not None]
    while stack:
        node = stack.pop()
        if id(node) not in met:
            met[id(node)] = node
            stack.extend(p for p in node[PARENTS] if p is not None)
    return met


def in_words(size: int) -> str:
    """Bytes as a person reads them: `4.0 kB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
