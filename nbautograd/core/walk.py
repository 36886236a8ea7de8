"""Backward: walk the graph from the newest node to the oldest, adding up what every node is owed before passing it on.

NOTE [The walk]
Every gradient a node receives comes from a newer node, so a heap of nodes sorted newest first is all the bookkeeping
there is: no recursion, no dependency counts, any depth. Leaves are older than everything (see NOTE [A node is a list])
and so come last: when a rule or a hook fails, no `.grad` has been touched.

What a node is owed waits in the walk, not in the node. So passes in several threads, and those that hooks start inside
a pass, know nothing of each other; they meet at the leaves, where one at a time adds to `.grad`.

NOTE [Two loops in short]
Most nodes need no more than their `step`. So the loop is written out twice for them, with `held.take` in place of a
call: once for plain numbers, once where gradients are tensors or only some of them are wanted. What has no step, and
all nodes while somebody watches, go through `careful.step`.
"""

from __future__ import annotations

import functools
from heapq import heappop
from sys import getrefcount
from typing import Any

from . import careful, inplace
from .array import SOLE_HERE
from .held import check_saved, passable
from .leaves import bring
from .modes import is_grad_enabled, local, set_grad_mode, state
from .node import OP, ORDER, SAVED, Leaf, Node, is_nobodys, node_and_output
from .restored import restorer
from .steps import Sums, Waiting, add, add_tensors, recording_step, send
from .tensor import Tensor
from .ways import Nodes, reached_from, ways


def runs_on_tensors(create_graph: bool) -> bool:
    """Whether the rules get tensors: to be recorded, or to have tangents (see `core.forward`)."""
    return create_graph or bool(local.levels)


def current() -> Walk | None:
    """The innermost walk under way in this thread."""
    return local.walk


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
        self.targets: Nodes = {}
        self.needed: Nodes | None = None
        if wanted is not None:
            nodes = [node_and_output(x._node)[0] for x in wanted if not is_nobodys(x._node)]
            self.targets = {node[ORDER]: node for node in nodes}
            self.needed = ways([r._node for r in roots], self.targets)
        self.found: dict[tuple[int, int], Any] = {}
        self.observer = state.observer
        self.fresh: list[Any] | None = None
        """Where the observer wants leaves to be put that had no `.grad`."""
        self.heap: list[int] = []
        self.waiting: Waiting = {}
        self.sums: Sums = {}

    def run(self) -> dict[tuple[int, int], Any]:
        """Walk, and return the gradients of `wanted` by the order of their node and the number of its output."""
        outer, mode = local.walk, is_grad_enabled()
        error: BaseException | None = None
        try:
            local.walk = self
            self._all(self._begin())
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                self._leave(outer, mode, error)
            finally:  # an interrupt may have come in the middle
                self._leave(outer, mode, error)
        return self.found

    def _begin(self) -> bool:
        """Tell the observer that the pass begins, which says whether it wants to be told edge by edge."""
        if self.observer is None:
            return False
        begin = self.observer.backward_begin
        trail = begin(self.roots, self.seeds, self.kind, not self.free, self.create_graph)
        self.fresh = self.observer.fresh
        if trail is None:
            return self.observer.detailed
        trail.begin(self)
        return False

    def is_plain(self) -> bool:
        """Whether all that it takes is `in_short`."""
        return not (state.anomaly or self.tensors or self.needed is not None)

    def _leave(self, outer: Walk | None, mode: bool, error: BaseException | None) -> None:
        local.walk = outer
        set_grad_mode(mode)
        if self.observer is not None:
            self.observer.backward_end(error)

    def _all(self, watched: bool) -> None:
        for root, seed in zip(self.roots, self.seeds, strict=True):
            if self.needs(root._node):
                self.send(root._node, seed)
        if watched or state.anomaly or self.tensors:
            set_grad_mode(self.create_graph)
        if watched or state.anomaly:
            self._carefully()
        elif self.tensors or self.needed is not None:
            self._some_or_tensors()
        else:
            self.in_short()

    def needs(self, node: Node) -> bool:
        """Whether the way to something wanted leads through `node`."""
        return self.needed is None or node[ORDER] in self.needed

    def send(self, node: Node, c: Any) -> None:
        """Add the contribution `c` to what `node` has received."""
        send(node, c, self.heap, self.waiting, self.sums, self.add)

    @functools.cached_property
    def reached(self) -> Nodes:
        """The nodes that this walk comes to, by their orders."""
        return reached_from([root._node for root in self.roots]) if self.needed is None else self.needed

    # --- the loops: NOTE [Two loops in short] ---------------------------------------------------------------------

    def in_short(self) -> None:
        """Walk on, all gradients being numbers, and all of them wanted."""
        free, heap, waiting, sums = self.free, self.heap, self.waiting, self.sums
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
                    bring(self, node, g, sole)
                else:
                    careful.step(self, node, g)
                    last_change = inplace.last_change
                continue
            saved = node[SAVED]
            if saved is None:
                node = passable(node)
                saved = node[SAVED]
            if saved and op.frees:
                if -node[ORDER] < last_change:
                    check_saved(node)
                if free:
                    node[SAVED] = None
            step(node, g, saved, heap, waiting, sums)

    def _some_or_tensors(self) -> None:
        free, heap, waiting, sums = self.free, self.heap, self.waiting, self.sums
        tensors, needed, targets = self.tensors, self.needed, self.targets
        while heap:
            order = heappop(heap)
            node, g = waiting.pop(order), sums.pop(order)
            op = node[OP]
            if op.step is None or order in targets:
                careful.step(self, node, g)
                continue
            saved = node[SAVED]
            if saved is None:
                node = passable(node)
                saved = node[SAVED]
            if saved and op.frees:
                if -order < inplace.last_change:
                    check_saved(node)
                if free:
                    node[SAVED] = None
            way = node if needed is None else needed[order]
            if tensors:
                recording_step(op)(way, g, restorer(op)(node, saved), heap, waiting, sums)
            else:
                op.step(way, g, saved, heap, waiting, sums)

    def _carefully(self) -> None:
        while self.heap:
            order = heappop(self.heap)
            step = careful.step_in_anomaly_mode if state.anomaly else careful.step
            step(self, self.waiting.pop(order), self.sums.pop(order))
