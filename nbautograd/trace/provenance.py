"""Which cell built a graph: nodes are numbered by one clock, so a span of time on that clock is a cell's work."""

from __future__ import annotations

from collections import deque
from typing import Any

from nbautograd.core.node import ORDER, tick

KEEP = 1000


class Work:
    """What one execution of a cell made: every node numbered between its beginning and its end."""

    __slots__ = ("begin", "end", "label", "run")

    def __init__(self, label: str, run: int) -> None:
        self.label = label
        self.run = run
        self.begin = -tick()
        self.end: int | None = None

    def ends(self) -> None:
        """The cell has run."""
        self.end = -tick()

    def __str__(self) -> str:
        return self.label if self.run == 1 else f"{self.label} (run {self.run} of that cell)"


_works: deque[Work] = deque(maxlen=KEEP)


def begins(label: str, run: int = 1) -> Work:
    """A cell begins to run; call `ends()` of the result when it has run."""
    work = Work(label, run)
    _works.append(work)
    return work


def running() -> Work | None:
    """The work that goes on now."""
    return _works[-1] if _works and _works[-1].end is None else None


def builder(node: Any) -> Work | None:
    """The work in which the graph node `node` was made, if that was noted."""
    moment = -node[ORDER]
    for work in reversed(_works):
        if work.begin < moment and (work.end is None or moment < work.end):
            return work
    return None
