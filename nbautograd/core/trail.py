"""What a walk leaves behind for an observer that wants no numbers: the nodes that it came to, and little more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .modes import local
from .node import Node

if TYPE_CHECKING:
    from .walk import Walk


class Trail:
    """The nodes of one walk by their order, and the shapes of what those received that are older than `fence`.

    NOTE [The fence]
    Whoever follows a walk knows the shapes of what was computed while he looked, but not of what was there before. So
    among the nodes the walk meets one that is as old as that moment, whose step walks on from there, noting shapes.
    """

    def __init__(self, fence: int) -> None:
        self.nodes: dict[int, Node] = _Stay()
        """Where the walk keeps its nodes."""
        self.shapes: dict[int, tuple[Any, Any]] = {}
        self.left: dict[int, Any] = {}
        """What was sent to nodes that the walk has not come to."""
        self._fence: Node = [fence, _Fence(self), None, (), ()]

    def begin(self, walk: Walk) -> None:
        """The walk begins."""
        walk.waiting, walk.sums = self.nodes, self.left
        if walk.is_plain():
            order = self._fence[0]
            walk.heap.append(order)
            self.nodes[order], self.left[order] = self._fence, None
        else:
            self.note_shapes(walk)

    def note_shapes(self, walk: Walk) -> None:
        """Note the shape of all that nodes have received from here on."""
        walk.sums = self.left = _Noting(self.left, self.shapes)

    def end(self) -> None:
        """The walk is over."""
        for kept in (self.nodes, self.left):
            if self._fence[0] in kept:
                del kept[self._fence[0]]
        self.left = dict.fromkeys(self.left)  # which nodes is enough: the gradients may be large
        self._fence = []  # it holds the trail, and the trail the graph


class _Stay(dict[int, Node]):
    """What waits stays where it is when its turn has come."""

    pop: Any = dict[int, Node].get


class _Noting(dict[int, Any]):
    def __init__(self, before: dict[int, Any], shapes: dict[int, tuple[Any, Any]]) -> None:
        super().__init__(before)
        self._shapes = shapes

    def pop(self, order: int) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        g = _pop(self, order)
        if g.__class__ is not dict:  # by the number of the output
            self._shapes[order] = g.shape, g.dtype
        return g


_pop: Any = dict[int, Any].pop


class _Fence:
    frees = False

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def step(self, node: Node, g: Any, saved: Any, heap: list[int], waiting: Any, sums: Any) -> None:
        walk = local.walk
        self._trail.note_shapes(walk)
        walk.in_short()
