"""What a trail says: the events of a pass of which only the nodes were noted that it came to.

A trail (`core.observer.Trail`) holds `(node, shape, dtype)` for each node and what it received. Between those stand
notes of seeds and leaves, and what the walk told of nodes that it takes in its general way: `(node, index)` for an edge
and `(node,)` for one that was freed. What the others did follows: they sent to each parent that the pass came to, in
order, and were freed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nbautograd.core.node import FITS, OP, PARENTS, op_of
from nbautograd.trace.model import Summary
from nbautograd.trace.notes import EventNote, PassNote, ValueNote

if TYPE_CHECKING:
    from nbautograd.trace.passes import Passes


def weight(run: PassNote) -> int:
    """How many events a trail stands for."""
    return sum([_weight(e[0]) if e.__class__ is tuple and len(e) == 3 else 1 for e in run.events])


def _weight(node: Any) -> int:
    op = node[OP]
    return 0 if op.step is None else len(node[PARENTS]) - node[PARENTS].count(None) + op.frees


def follow(run: PassNote, recorder: Passes, most: int) -> None:
    """Let a pass that has a trail have its events, at most so many."""
    events = list(_Trail(run, recorder).events())
    run.events = events[:most]
    run.weight = len(run.events)
    run.dropped += len(events) - run.weight


class _Trail:
    def __init__(self, run: PassNote, recorder: Passes) -> None:
        self._run = run
        self._recorder = recorder
        noted = [e for e in run.events if e.__class__ is tuple]
        self._shapes = {id(e[0]): e[1:] for e in noted if len(e) == 3}
        self._told = {id(e[0]) for e in noted if len(e) < 3}
        """The nodes that the walk took in its general way."""
        self._reached = {*self._shapes, *map(id, run.left)}

    def events(self) -> Iterator[EventNote]:
        """The events in their order."""
        for entry in self._run.events:
            match entry:
                case (node, index):
                    yield from self._flow(node, index)
                case (node,):
                    yield from self._free(node)
                case (node, _, _):
                    if id(node) not in self._told and op_of(node).step is not None:
                        yield from self._step(node)
                case _:
                    yield entry

    def _step(self, node: Any) -> Iterator[EventNote]:
        """What the walk does with a node in its short way."""
        for index, parent in enumerate(node[PARENTS]):
            if parent is not None and id(parent) in self._reached:
                yield from self._flow(node, index)
        if op_of(node).frees and not self._run.retain_graph:
            yield from self._free(node)

    def _flow(self, node: Any, index: int) -> Iterator[EventNote]:
        recorder, parent = self._recorder, node[PARENTS][index]
        known = recorder.known
        if id(node) not in known.ops:
            for each in node[PARENTS]:
                if id(each) in self._shapes:
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
        yield event

    def _free(self, node: Any) -> Iterator[EventNote]:
        note = self._recorder.known.ops.get(id(node))
        if note is not None:
            yield EventNote("free", op=note)

    def _bare(self, value: ValueNote) -> Summary:
        return self._recorder.looks.bare(value, value.device)

    def _like(self, node: Any) -> Any:
        """Something of the shape and dtype of the gradient that a node received; () where it has several outputs."""
        shape, dtype = self._shapes.get(id(node), (None, None))
        return () if shape is None else ValueNote("op", shape, getattr(dtype, "numpy", dtype))


def reduced(node: Any, wide: Sequence[int], narrow: Sequence[int]) -> str | None:
    """The sum that undid a broadcast, in words."""
    if not op_of(node).elementwise or tuple(wide) == tuple(narrow):
        return None
    extra = len(wide) - len(narrow)
    axes = [i for i, n in enumerate(wide) if i < extra or narrow[i - extra] != n]
    plural = "axes" if len(axes) > 1 else "axis"
    return f"sum over {plural} {', '.join(map(str, axes))}: {tuple(wide)} → {tuple(narrow)}"
