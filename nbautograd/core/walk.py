"""Backward: walk the graph from the newest node to the oldest, adding up what every node is owed before passing it on.

NOTE [The walk]
Every gradient a node receives comes from a newer node, so a heap of nodes sorted newest first is all the bookkeeping
there is: no recursion, no dependency counts, any depth. Leaves are older than everything (see NOTE [A node is a list])
and so come last: when a rule or a hook fails, no `.grad` has been touched.

What a node is owed waits in the walk, not in the node. So passes in several threads, and those that hooks start inside
a pass, know nothing of each other; they meet at the leaves, where one at a time adds to `.grad`.
"""

from __future__ import annotations

import functools
import threading
from heapq import heappop
from sys import getrefcount
from typing import Any

import numpy as np

from . import anomaly, errors, inplace
from . import array as arrays
from . import dtype as dtypes
from .array import SOLE_HERE, ndarray
from .call import wrap
from .calls import hook_values
from .held import passable
from .modes import _set as set_grad_mode
from .modes import is_grad_enabled, local, state
from .node import (
    OP,
    ORDER,
    PARENTS,
    SAVED,
    Hooked,
    Leaf,
    Node,
    OutputSlot,
    is_leaf_node,
    is_nobodys,
    leaf_tensor,
    node_and_output,
    op_of,
)
from .restored import as_tensors, restorer
from .saved import unpack
from .steps import Sums, Waiting, add, add_tensors, contributions, recording_step, send
from .tensor import Tensor
from .ways import Nodes, reached_from, ways

_adding = threading.RLock()
"""Held while something is added to a tensor's `.grad`."""


def runs_on_tensors(create_graph: bool) -> bool:
    """Whether the rules get tensors: to be recorded, or to have tangents (see `core.forward`)."""
    return create_graph or bool(local.levels)


class Walk:
    """One backward pass."""

    def __init__(
        self,
        roots: list[Tensor],
        seeds: list[Any],
        retain_graph: bool | None,
        create_graph: bool,
        wanted: list[Tensor] | None,
        kind: str,
    ) -> None:
        self.roots = roots
        self.seeds = seeds
        self.create_graph = create_graph
        self.tensors = runs_on_tensors(create_graph)
        self.add = add_tensors if self.tensors else add
        self.free = not (create_graph if retain_graph is None else retain_graph)
        self.kind = kind
        self.targets = None
        self.needed = None
        if wanted is not None:
            nodes = [node_and_output(x._node)[0] for x in wanted if not is_nobodys(x._node)]
            self.targets = {node[ORDER]: node for node in nodes}
            self.needed = ways([r._node for r in roots], self.targets)
        self.found: dict[tuple[int, int], Any] = {}
        self.observer = state.observer

    def run(self) -> dict[tuple[int, int], Any]:
        """Walk, and return the gradients of `wanted` by the order of their node and the number of its output."""
        outer, mode = local.walk, is_grad_enabled()
        error: BaseException | None = None
        try:
            local.walk = self
            if self.observer is not None:
                self.observer.backward_begin(self.roots, self.seeds, self.kind, not self.free, self.create_graph)
            self._all()
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                self._leave(outer, mode, error)
            finally:  # an interrupt may have come in the middle
                self._leave(outer, mode, error)
        return self.found

    def _leave(self, outer: Walk | None, mode: bool, error: BaseException | None) -> None:
        local.walk = outer
        set_grad_mode(mode)
        if self.observer is not None:
            self.observer.backward_end(error)

    def _all(self) -> None:
        heap: list[int] = []
        waiting: Waiting = {}
        sums: Sums = {}
        for root, seed in zip(self.roots, self.seeds, strict=True):
            if self._needs(root._node):
                send(root._node, seed, heap, waiting, sums, self.add)
        watched = self.observer is not None and self.observer.detailed
        if watched or state.anomaly or self.tensors:
            set_grad_mode(self.create_graph)
        if watched or state.anomaly:
            self._general(heap, waiting, sums)
        elif self.tensors or self.needed is not None:
            self._short(heap, waiting, sums)
        else:
            self._fast(heap, waiting, sums)

    def _fast(self, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        free = self.free
        last_change = inplace.last_change  # rules change nothing; after hooks it is read again
        while heap:
            order = heappop(heap)
            node, g = waiting.pop(order), sums.pop(order)
            op = node[OP]
            step = op.step
            if step is None:
                saved = None  # those of the node before are free to go
                if op is Leaf:
                    sole = getrefcount(g) <= SOLE_HERE  # asked here: an argument being passed on counts as a holder
                    self._leaf(node, g, sole)
                else:
                    self._one(node, g, heap, waiting, sums)
                    last_change = inplace.last_change
                continue
            saved = node[SAVED]
            if saved is None:
                node = passable(node)
                saved = node[SAVED]
            if saved and op.frees:
                if -node[ORDER] < last_change:
                    inplace.check_saved(node)
                if free:
                    node[SAVED] = None
            step(node, g, saved, heap, waiting, sums)

    def _short(self, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        """As `_fast`, where gradients are tensors, and where only some of them are wanted."""
        free, tensors, needed, targets = self.free, self.tensors, self.needed, self.targets or ()
        while heap:
            order = heappop(heap)
            node, g = waiting.pop(order), sums.pop(order)
            op = node[OP]
            if op.step is None or order in targets:
                self._one(node, g, heap, waiting, sums)
                continue
            saved = node[SAVED]
            if saved is None:
                node = passable(node)
                saved = node[SAVED]
            if saved and op.frees:
                if -order < inplace.last_change:
                    inplace.check_saved(node)
                if free:
                    node[SAVED] = None
            way = node if needed is None else needed[order]
            if tensors:
                recording_step(op)(way, g, restorer(op)(node, saved), heap, waiting, sums)
            else:
                op.step(way, g, saved, heap, waiting, sums)

    def _general(self, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        outer = local.running
        while heap:
            order = heappop(heap)
            node, g = waiting.pop(order), sums.pop(order)
            if not state.anomaly:
                self._one(node, g, heap, waiting, sums)
                continue
            local.running = node
            try:
                self._one(node, g, heap, waiting, sums)
            except Exception:
                anomaly.tell(node)
                raise
            finally:
                local.running = outer

    def _one(self, node: Node, g: Any, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        """The general step: hooks, several outputs, captured gradients, observers, gradients of gradients."""
        op = op_of(node)
        hooks = node[OP] if node[OP].__class__ is Hooked else None
        if hooks is not None or op.outputs is None:
            set_grad_mode(self.create_graph)  # only hooks and custom functions ask
        if g.__class__ is dict and op.outputs is not None:
            g = tuple([g.get(nr) for nr in range(op.outputs)])
        if hooks is not None:
            g = self._hooks_before(hooks, g)
            if g is None:
                return
        if self.kind == "grad" and self.targets is not None and node[ORDER] in self.targets:
            for nr, part in enumerate(g) if isinstance(g, tuple) else g.items() if isinstance(g, dict) else [(0, g)]:
                if part is not None:
                    self.found[node[ORDER], nr] = part if isinstance(part, Tensor) else wrap(own(part))
            if not any(p is not None and self._needs(p) for p in node[PARENTS]):
                return
        if op is Leaf:
            self._leaf(node, g)
            for hook in list(hooks.after.values()) if hooks is not None else ():
                hook((), _as_tuple(g))
        elif op is OutputSlot:
            self._slot(node, g, heap, waiting, sums)
        else:
            self._node(node, op, g, heap, waiting, sums, hooks)

    def _node(
        self, node: Node, op: Any, g: Any, heap: list[int], waiting: Waiting, sums: Sums, hooks: Hooked | None
    ) -> None:
        saved = node[SAVED]
        if saved is None:
            node = passable(node)
            saved = node[SAVED]
        if op.frees and -node[ORDER] < inplace.last_change:
            inplace.check_saved(node)
        if hooks is not None and hooks.packed:
            saved = unpack(saved)
        pulls = op.pulls
        if self.tensors:
            pulls, saved = op.recording_pulls(), as_tensors(node, op, saved)
        way = node if self.needed is None else self.needed[node[ORDER]]
        sent = list(contributions(op, pulls, way, g, saved))
        if hooks is not None and hooks.after:
            sent = self._hooks_after(hooks, node, g, sent)
        if state.anomaly and state.check_nan:
            _check_finite(node, g, [c for _, c in sent])
        if self.observer is None:
            for parent, c in sent:
                if c is not None:
                    send(parent, c, heap, waiting, sums, self.add)
        else:
            self._watched(node, way, g, sent, heap, waiting, sums)
        if self.free and op.frees:
            op.release(node)
            if self.observer is not None:
                self.observer.freed(node)

    def _watched(
        self, node: Node, way: Node, g: Any, sent: list[Any], heap: list[int], waiting: Waiting, sums: Sums
    ) -> None:
        """Send what `node` has for its parents, and tell the observer what each held before and holds now."""
        observer: Any = self.observer
        upstream = _data(g)
        places = [i for i, p in enumerate(way[PARENTS]) if p is not None]
        for i, (parent, c) in zip(places, sent, strict=True):
            if c is not None:
                before = sums.get(parent[ORDER])
                before = before.copy() if isinstance(before, ndarray) else _data(before)
                send(parent, c, heap, waiting, sums, self.add)
                observer.flow(node, i, upstream, _data(c), before, _data(sums[parent[ORDER]]))

    @functools.cached_property
    def reached(self) -> Nodes:
        """The nodes that this walk comes to, by their orders."""
        return reached_from([root._node for root in self.roots]) if self.needed is None else self.needed

    def _needs(self, parent: Node) -> bool:
        return self.needed is None or parent[ORDER] in self.needed

    def _slot(self, node: Node, g: Any, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        parent, nr = node[PARENTS][0], node[SAVED][0]
        if parent[ORDER] not in sums:
            send(parent, {}, heap, waiting, sums, self.add)
        outputs = sums[parent[ORDER]]
        held = outputs.get(nr)
        outputs[nr] = g if held is None else held + g

    def _leaf(self, node: Node, g: Any, sole: bool = False) -> None:
        """Bring `g` to the leaf; `sole` says that nobody else holds the array."""
        tensor = leaf_tensor(node)
        if tensor is None or tensor._node is None or self.kind == "grad":
            return
        if tensor._node is not node and not is_leaf_node(tensor._node):
            raise RuntimeError("leaf variable has been moved into the graph interior")  # by `detach_()` and a change
        self._accumulate(tensor, g, sole)
        if node[OP].__class__ is Hooked:
            for hook in list(node[OP].after_accumulate.values()):
                hook(tensor)

    def _accumulate(self, tensor: Tensor, g: Any, sole: bool = False) -> None:
        with _adding:
            held = tensor._grad
            g = g if self.create_graph else _data(g)
            before = None
            if self.observer is not None and held is not None:
                before = np.array(_data(held), copy=True) if not arrays.is_cupy(held._data) else held._data.copy()
            if self.create_graph:
                tensor._grad = g.clone() if held is None else held + g  # `g` may go to other leaves too
            elif held is None:
                tensor._grad = wrap(arrays.compact(g) if sole and g.base is None else own(g))
            else:
                add_to(held, g)
            if self.observer is not None:
                self.observer.accumulate(tensor, _data(g), before, _data(tensor._grad))

    def _hooks_before(self, hooks: Hooked, g: Any) -> Any:
        for hook in list(hooks.on_gradient.values()):
            result = hook(g if isinstance(g, Tensor) else wrap(g))
            if result is not None:
                _check_replacement(hook, result, g)
                g = result if self.tensors else result._data
        if hooks.retain is not None:
            tensor = hooks.retain()
            if tensor is not None:
                self._accumulate(tensor, g)
        for hook in list(hooks.before.values()):
            given = _as_tuple(g)
            result = hook(given)
            if result is not None:
                g = _from_tuple(hook_values(hook, result, len(given)), g, self.tensors)
        return g

    def _hooks_after(self, hooks: Hooked, node: Node, g: Any, sent: list[Any]) -> list[Any]:
        by_parent = iter(sent)
        shares = [next(by_parent)[1] if p is not None and self._needs(p) else None for p in node[PARENTS]]
        for hook in list(hooks.after.values()):
            result = hook(tuple(None if s is None else _as_tensor(s) for s in shares), _as_tuple(g))
            if result is not None:
                result = hook_values(hook, result, len(shares))
                shares = [None if r is None else (r if self.tensors else r._data) for r in result]
        return [(p, s) for p, s in zip(node[PARENTS], shares, strict=True) if p is not None and self._needs(p)]


def _check_replacement(hook: Any, result: Any, g: Any) -> None:
    """Refuse what a tensor's hook returned if it cannot stand for the gradient `g`."""
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    old, new = _data(g), result._data
    name = getattr(hook, "__name__", repr(hook))
    if old.shape != new.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    if old.dtype != new.dtype:
        was, got = (f"torch.{dtypes.of_numpy(d.dtype).tensor_type}Tensor" for d in (old, new))
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {was} got {got})")


def _check_finite(node: Node, g: Any, shares: list[Any]) -> None:
    for i, share in enumerate(shares):
        if _has_nan(_data(share)):
            raise errors.not_a_number(node, i, anomaly.lines_of(node), _has_nan(_data(g)))


def _has_nan(data: Any) -> bool:
    return getattr(getattr(data, "dtype", None), "kind", "") in dtypes.INEXACT and bool((data != data).any())


def current() -> Walk | None:
    """The innermost walk under way in this thread."""
    return local.walk


def own(g: Any) -> Any:
    """`g` as numbers that nobody else can change."""
    if not arrays.is_cupy(g):
        return g if isinstance(g, np.generic) else arrays.compact(g.copy())
    with arrays.beside(g):
        return g.copy()


def add_to(held: Tensor, g: Any) -> None:
    """Add `g` to the numbers of the tensor `held`, in place as torch does."""
    if isinstance(held._data, np.generic):
        inplace.write(held, held._data + g)
    else:
        data = inplace.writable(held)
        if arrays.is_cupy(data):
            with arrays.beside(data):
                data += g
        else:
            data += g
        inplace.touched(held)


def _data(value: Any) -> Any:
    if isinstance(value, dict):
        return {nr: _data(v) for nr, v in value.items()}
    if isinstance(value, tuple):
        return tuple(_data(v) for v in value)
    return value._data if isinstance(value, Tensor) else value


def _as_tensor(g: Any) -> Any:
    return g if g is None or isinstance(g, Tensor) else wrap(g)


def _as_tuple(g: Any) -> tuple[Any, ...]:
    if isinstance(g, dict):
        g = tuple(g.get(nr) for nr in range(max(g) + 1))
    return tuple(_as_tensor(x) for x in g) if isinstance(g, tuple) else (_as_tensor(g),)


def _from_tuple(result: tuple[Any, ...], g: Any, tensors: bool) -> Any:
    values = tuple(r if tensors or r is None else r._data for r in result)
    return values if isinstance(g, tuple) else values[0]
