"""What a trail says: the events of a pass of which only the nodes were kept that it came to.

The walk takes the newest node first, and a node sends to all its parents in order and is then freed. So the nodes alone
tell what happened, but for those that the walk takes in its general way, where custom functions and hooks have a say:
of these it was told which edges they sent along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbautograd.core import trail
from nbautograd.core.node import FITS, OP, ORDER, PARENTS, SAVED, Leaf, OutputSlot, op_of
from nbautograd.trace.model import Summary
from nbautograd.trace.notes import EventNote, PassNote, ValueNote

if TYPE_CHECKING:
    from nbautograd.trace.passes import Passes

Shape = tuple[Any, Any]
"""The shape and dtype of an array."""


class Trail:
    """Where a pass from `roots` went; the values of nodes older than `fence` are perhaps not known."""

    def __init__(self, roots: Sequence[Any], fence: int) -> None:
        self.roots: list[tuple[int, Shape]] = [(r._node[ORDER], (r._data.shape, r._data.dtype)) for r in roots]
        self.walked = trail.Trail(fence)
        self.told: dict[int, list[int]] = {}
        """Along which edges a node sent that the walk took in its general way, by the order of the node."""
        self.freed: set[int] = set()
        """Which of those were freed."""
        self.came: set[int] = set()
        """The orders of all nodes that the pass came to, when it has ended."""

    @property
    def nodes(self) -> dict[int, Any]:
        """Of the nodes that the pass came to, or would have come to without an error, those that are kept."""
        return self.walked.nodes

    def weight(self) -> int:
        """About how many events this stands for."""
        return 2 * len(self.nodes)

    def end(self) -> None:
        """The pass has ended."""
        self.walked.end()
        self.came = set(self.nodes)

    def keep(self, most: int, ops: set[int], since: float) -> int:
        """Keep `most` nodes, and of those younger than `since` the `ops`; returns how many edges of others there were.

        Nodes hold one another: the collector of garbage would go through those of a long pass again and again.
        """
        roots = {order for order, _ in self.roots}
        gone = [order for order in self.came - ops - roots if order < since]
        gone += sorted(self.came.difference(gone))[most:]
        edges = 0
        for order in gone:
            parents = self.nodes[order][PARENTS]
            edges += len(parents) - parents.count(None)
            del self.nodes[order]
        if gone:
            self.let_go()
        return edges

    def let_go(self) -> None:
        """Hold no values that ops have saved and may never free; a pass that is over has freed most."""
        bare = {order: _without_saved(node) for order, node in self.nodes.items()}
        for order, node in bare.items():
            parents = self.nodes[order][PARENTS]
            node[PARENTS] = tuple([p and (bare.get(p[ORDER]) or _without_saved(p)) for p in parents])
        self.nodes.update(bare)


def _without_saved(node: Any) -> list[Any]:
    """A copy of a node, which comes from nothing; what a leaf or one of several outputs has saved is not large."""
    saved = node[SAVED] if op_of(node) in (Leaf, OutputSlot) else None
    return [node[ORDER], node[OP], node[FITS], (), saved]


def follow(run: PassNote, recorder: Passes, most: int) -> None:
    """Let a pass that has a trail have its events, at most so many."""
    if run.trail is None or not run.events:
        return
    events = _Followed(run, recorder).events()
    run.events = events[:most]
    run.weight = len(run.events)
    run.dropped += len(events) - run.weight


class _Followed:
    def __init__(self, run: PassNote, recorder: Passes) -> None:
        assert run.trail is not None
        self._run = run
        self._recorder = recorder
        self._trail: Trail = run.trail
        self._found: list[EventNote] = []

    def events(self) -> list[EventNote]:
        """The events in their order."""
        run, mine, found = self._run, self._trail, self._found
        known = self._recorder.known
        run.roots = [known.node_value(mine.nodes[order], ValueNote("op", *shape)) for order, shape in mine.roots]
        found += [event for event in run.events if event.kind == "seed"]
        seeds = len(found)
        for event, value in zip(found, run.roots, strict=False):
            event.value = value
        came = [order for order in sorted(mine.nodes) if order not in mine.walked.left]
        for order in came:
            node = mine.nodes[order]
            if order in mine.told or order in mine.freed:
                for index in mine.told.get(order, ()):
                    self._flow(node, index)
                if order in mine.freed:
                    self._free(node)
            elif op_of(node).step is not None and (run.error is None or order != came[-1]):
                self._step(node)
        return found + run.events[seeds:]

    def _step(self, node: Any) -> None:
        """What the walk does with a node in its short way."""
        for index, parent in enumerate(node[PARENTS]):
            if parent is not None and parent[ORDER] in self._trail.came:
                self._flow(node, index)
        if op_of(node).frees and not self._run.retain_graph:
            self._free(node)

    def _flow(self, node: Any, index: int) -> None:
        recorder, parent = self._recorder, node[PARENTS][index]
        known = recorder.known
        if node[ORDER] not in known.ops:
            for each in node[PARENTS]:
                if each is not None and each[ORDER] in self._trail.walked.shapes:
                    known.node_value(each, self._like(each))
        event = recorder.edge(self._run, node, index, self._like(node), self._like(parent))
        if event is None:
            return
        assert event.op is not None
        assert event.value is not None
        target, outputs = event.value, event.op.outputs
        event.upstream = self._bare(outputs[0] if outputs else target)
        event.contribution = event.after = self._bare(target)
        if event.arrival > 1:
            event.before = event.after
        if node[FITS] is not None:
            event.reduced = reduced(node, event.upstream.shape, event.after.shape)
        event.passes_on()
        self._found.append(event)

    def _free(self, node: Any) -> None:
        note = self._recorder.known.ops.get(node[ORDER])
        if note is not None:
            self._found.append(EventNote("free", op=note))

    def _bare(self, value: ValueNote) -> Summary:
        return self._recorder.looks.bare(value, value.device)

    def _like(self, node: Any) -> Any:
        """Something of the shape and dtype of the gradient that a node received; () where it has several outputs."""
        shapes = self._trail.walked.shapes
        if node[ORDER] not in shapes:
            return ()
        shape, dtype = shapes[node[ORDER]]
        return ValueNote("op", shape, getattr(dtype, "numpy", dtype))


def reduced(node: Any, wide: Sequence[int], narrow: Sequence[int]) -> str | None:
    """The sum that undid a broadcast, in words."""
    if not op_of(node).elementwise or tuple(wide) == tuple(narrow):
        return None
    extra = len(wide) - len(narrow)
    axes = [i for i, n in enumerate(wide) if i < extra or narrow[i - extra] != n]
    plural = "axes" if len(axes) > 1 else "axis"
    return f"sum over {plural} {', '.join(map(str, axes))}: {tuple(wide)} → {tuple(narrow)}"
