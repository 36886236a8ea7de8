"""What a recorder knows by sight: values by node or tensor, ops by node; the unknown is told from its node."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any
from weakref import ref

import numpy as np

from nbautograd.core.array import device_of, is_cupy, ndarray
from nbautograd.core.node import (
    FITS,
    OP,
    ORDER,
    PARENTS,
    OutputSlot,
    is_leaf_node,
    leaf_tensor,
    node_and_output,
    op_of,
    tick,
)
from nbautograd.core.pad import WIDTH
from nbautograd.core.tensor import Tensor
from nbautograd.trace import ledger
from nbautograd.trace.kept import Kept
from nbautograd.trace.notes import OpNote, Taken, ValueNote
from nbautograd.trace.where import Place

FLOAT32, INT64 = np.dtype(np.float32), np.dtype(np.int64)
FRESH = 50
"""So many ops are noted before those too many are let go of."""
NEAR = 200
"""So many ops are told before the root of a pass, when nobody looked at them."""


class Known:
    """The notes of the values and ops of one trace."""

    def __init__(self, kept: Kept, numbers: Callable[[Any], Any] | None, origin: Callable[[Any], str | None]) -> None:
        self.ops: dict[int, OpNote] = {}
        """The ops by the order of their node."""
        self._kept = kept
        self._numbers = numbers
        """What is kept of a value's numbers; None: nothing."""
        self._origin = origin
        self.by_order: dict[int, ValueNote] = {}
        """The values by the order of their node."""
        self.since = -math.inf
        """Younger nodes may be on rows that wait to be read; see NOTE [Jotting]."""
        self.read: Callable[[], None] | None = None
        self._by_tensor: dict[int, ValueNote] = {}

    def ran(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        params: dict[str, Any],
        outputs: tuple[Any, ...],
        place: Place,
        scope: Any,
    ) -> OpNote:
        """Note an op that has just run."""
        by_order, from_grad = self.by_order, False
        node = outputs[0]._node if outputs else None
        if node is not None and node[OP] is OutputSlot:
            (node,) = node[PARENTS]
        values: list[ValueNote] = []
        for x in inputs:
            if x is None:
                continue
            at = getattr(x, "_node", None)
            value = by_order.get(at[ORDER]) if at is not None else None
            if value is None:
                value = self.value(x)
            if value.from_grad:
                from_grad = True
            if node is not None:
                value.used = True
            values.append(value)
        results = [self.output(t, from_grad) for t in outputs]
        note = OpNote(
            op, -tick() if node is None else -node[ORDER], values, results, place, scope, node is not None, params
        )
        if len(values) < len(inputs):
            note.slots = [i for i, x in enumerate(inputs) if x is not None]
        if len(results) > 1:
            for i, value in enumerate(results):
                value.output = i
        self.keep(note)
        return note

    def output(self, t: Any, from_grad: bool) -> ValueNote:
        """The note of what an op has just put out."""
        value = self._new_value("op", t, from_grad)
        node = t._node
        if node is None:
            self._by_tensor[id(t)] = value
        else:
            self.by_order[node[ORDER]] = value
        return value

    def value(self, x: Any) -> ValueNote:
        """The note of a tensor or number that is an input."""
        if not isinstance(x, Tensor):
            dtype = FLOAT32 if isinstance(x, float) else INT64 if isinstance(x, int) else np.asarray(x).dtype
            constant = ValueNote("constant", (), dtype)
            constant.numbers = x
            return constant
        node = x._node
        found = self.by_order.get(node[ORDER]) if node is not None else self._by_tensor.get(id(x))
        if found is not None and (node is not None or found.tensor() is x):
            return found
        if node is None:
            value = self._new_value("constant", x, ledger.of_gradient(x) is not None)
            self._by_tensor[id(x)] = value
            return value
        return self.node_value(node, x._data)

    def _new_value(self, kind: Any, t: Any, from_grad: bool = False) -> ValueNote:
        """A note of the tensor `t` as it is now."""
        data, node = t._data, t._node
        note = ValueNote(kind, data.shape, data.dtype, node and node[ORDER], ref(t), from_grad)
        if data.__class__ is not ndarray and is_cupy(data):
            note.device = device_of(data)
        if self._numbers is not None:
            note.numbers = self._numbers(data)
        base = t._base
        if base is not None:
            note.base = self._by_tensor.get(id(base)) if base._node is None else self._noted(base._node)
        return note

    def _noted(self, node: Any) -> ValueNote | None:
        """The note of what `node` put out, if there is one; perhaps it is still on a row."""
        found = self.by_order.get(node[ORDER])
        if found is None and self.read is not None and node[ORDER] < self.since:
            self.read()
            found = self.by_order.get(node[ORDER])
        return found

    def node_value(self, node: Any, like: Any) -> ValueNote:
        """The note of what `node` put out, made from the node where this trace did not see it made."""
        found = self._noted(node)
        if found is not None:
            return found
        tensor = leaf_tensor(node) if is_leaf_node(node) else None
        if tensor is not None:
            value = self._new_value("leaf", tensor)
        else:
            kind = "leaf" if is_leaf_node(node) else "op"
            value = ValueNote(kind, like.shape, like.dtype)
        value.order, value.requires_grad = node[ORDER], True
        self.by_order[node[ORDER]] = value
        return value

    def unknown_op(self, node: Any, upstream: Any) -> OpNote:
        """The note of an op that ran outside this trace, told from its node."""
        note = OpNote(op_of(node), -node[ORDER], [], [], Place(None), None, True)
        several = isinstance(upstream, tuple | dict)
        output = self.by_order.get(node[ORDER])
        if output is None and not several:
            output = self.node_value(node, upstream)
        if output is not None:
            note.outputs = [output]
        for i, parent in enumerate(node[PARENTS]):
            if parent is None:
                note.inputs.append(ValueNote("constant", (), FLOAT32))
            else:
                shape = node[FITS][i][0] if node[FITS] is not None else None
                like = np.empty(shape or (), np.float32) if shape is not None or several else upstream
                note.inputs.append(self.node_value(parent, like))
        note.origin = self._origin(node)
        self.keep(note)
        return note

    def put(self, value: ValueNote, target: Any) -> None:
        """`value` is in the tensor `target` from here on."""
        value.tensor = ref(target)
        if target._node is None:
            self._by_tensor[id(target)] = value

    def renumber(self, before: int, now: int) -> None:
        """The node of that order has another now."""
        op, value = self.ops.pop(before, None), self.by_order.pop(before, None)
        if op is not None:
            self.ops[now], op.order = op, -now
        if value is not None:
            self.by_order[now], value.order = value, now

    def changed(self, tensor: Any) -> None:
        """A leaf that got other numbers before anything was computed from it is told with those: it was initialised."""
        if self._numbers is None or tensor._node is None:
            return
        value = self.by_order.get(tensor._node[ORDER])
        if value is not None and value.kind == "leaf" and not value.used:
            value.numbers = self._numbers(tensor._data)

    def note_near(self, roots: list[Any]) -> None:
        """Note the ops right before the roots of a pass, which ran while nobody looked."""
        heap = [node_and_output(root._node)[0] for root in roots]
        met = {node[ORDER] for node in heap}
        for _ in range(NEAR):
            if not heap:
                break
            node = heappop(heap)
            if node[ORDER] in self.ops or is_leaf_node(node):
                continue
            output = self.by_order.get(node[ORDER])
            self.unknown_op(node, np.empty(output.shape if output else (), np.float32))
            for parent in node[PARENTS]:
                if parent is not None and parent[ORDER] not in met:
                    met.add(parent[ORDER])
                    heappush(heap, node_and_output(parent)[0] if not is_leaf_node(parent) else parent)

    def keep(self, note: OpNote) -> None:
        """Keep an op, and forget those that go for it."""
        if note.recorded:
            self.ops[-note.order] = note
        self._kept.add(note)
        if self.read is None and len(self._kept.fresh) > FRESH * WIDTH:
            self.settle()

    def settle(self) -> None:
        """Forget the ops that are too many to be kept."""
        for _, _, gone, *_ in self._kept.settle():
            if isinstance(gone, OpNote):
                self.ops.pop(-gone.order, None)
                self._forget(gone.inputs, gone.outputs)
            elif isinstance(gone, Taken):
                self._forget(gone.inputs, () if gone.result is None else (gone.result,))

    def _forget(self, inputs: Sequence[ValueNote | None], outputs: Sequence[ValueNote]) -> None:
        for value in outputs:
            if value.order is not None:
                self.by_order.pop(value.order, None)
        for value in (*inputs, *outputs):
            if value is not None and value.tensor is not None and value.order is None:
                self._by_tensor.pop(id(value.tensor()), None)
