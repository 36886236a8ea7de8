"""Finds chains of elementwise calls on large arrays, to be run together, block by block.

NOTE [Blocks]
An elementwise op on a large array waits for memory: it reads arrays that no cache holds, and writes one that the system
has to find room for. Several such ops in a row, run on a block that fits the cache, one after the other, wait once.
What depends on a chain but is not elementwise (a sum, say) is put off until after it, so that a chain forward and the
chain backward become one, unless the latter waits for the former.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from nbautograd.replay.calls import Call, Var

LARGE = 32_768
"""From so many elements on arrays are worth it."""
BLOCK = 16_384


class Group:
    """Elementwise calls on arrays of one shape."""

    def __init__(self, calls: list[Call], uses: Counter[int]) -> None:
        self.calls = calls
        self.uses = _reads_of(calls)
        """How often each variable is read here."""
        self.outputs = [c for c in calls if uses[id(c.outs[0])] != self.uses[id(c.outs[0])]]
        """The calls whose results are read elsewhere too."""
        own = {id(c.outs[0]) for c in calls}
        found = {id(a): a for c in calls for a in c.args if isinstance(a, Var) and id(a) not in own}
        self.inputs = list(found.values())
        size = calls[0].outs[0].size
        self.slices = [slice(i, min(i + BLOCK, size)) for i in range(0, size, BLOCK)]


def _reads_of(calls: list[Call]) -> Counter[int]:
    return Counter(id(v) for call in calls for v in call.reads())


def grouped(calls: list[Call], uses: Counter[int]) -> Iterator[Call | Group]:
    """The calls in an order that keeps to what depends on what, chains of elementwise ones put together.

    `uses` counts how often each variable is read in the whole program.
    """
    opened: list[Call] = []
    inside: set[int] = set()
    put_off: list[Call] = []
    waiting: set[int] = set()

    def close() -> Iterator[Call | Group]:
        if opened:
            yield opened[0] if len(opened) == 1 else Group(list(opened), uses)
        yield from put_off
        opened.clear()
        put_off.clear()
        inside.clear()
        waiting.clear()

    for call in calls:
        reads = {id(v) for v in call.reads()}
        if reads & waiting or (call.kind not in ("op", "rule", "sum", "fit", "seed", "read") and reads & inside):
            yield from close()
        shape = _fusable(call)
        if shape is not None and opened and shape != opened[0].outs[0].shape:
            yield from close()
        if shape is not None:
            opened.append(call)
            inside.add(id(call.outs[0]))
        elif reads & inside:
            put_off.append(call)
            waiting.update(id(v) for v in call.outs)
        else:
            yield call
    yield from close()


def _fusable(call: Call) -> tuple[int, ...] | None:
    """The shape of a call that may be run block by block."""
    if (call.entry is None and call.kind != "sum") or len(call.outs) != 1 or call.settings.keys() & {"out"}:
        return None
    out = call.outs[0]
    if out.shape is None or out.size < LARGE or out.dtype is None or out.dtype.kind != "f":
        return None
    for a in call.args:
        if isinstance(a, Var):
            if a.shape not in (out.shape, ()):
                return None
        elif not isinstance(a, int | float):
            return None
    return out.shape if not any(_has_array(v) for v in call.settings.values()) else None


def _has_array(value: Any) -> bool:
    return isinstance(value, Var) or hasattr(value, "shape")
