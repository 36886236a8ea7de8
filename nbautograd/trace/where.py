"""Where in the user's code something happens: source, line and columns, and which step of which loop.

NOTE [Finding the line]
From the running frame outwards, the first frame that is not a library's belongs to the user. Its code object knows the
columns of every instruction (`co_positions`), so attribution needs no rewriting of the code, works inside functions and
comprehensions, and costs a walk over a few frames and a dictionary look-up.

NOTE [Steps of loops]
A frame in which execution comes back to an instruction it has passed is in a loop. For each of the user's frames we
keep
the last instruction seen and the frame it had called (the library's, for the innermost): going back to an earlier
instruction, or to the same one with a new
callee, begins another step. The places it came back to and came from bound the loop, so what ran in the frame before
and
after the loop is told apart from its steps. The outermost loop counts.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from dataclasses import dataclass, field
from typing import Any

from nbautograd.core.errors import PACKAGE
from nbautograd.trace.model import Source, Span

_LIBRARIES = tuple(
    {os.path.realpath(p) for p in (PACKAGE, *sysconfig.get_paths().values()) if p} | {PACKAGE, "<frozen"}
)
_TESTS = os.path.join(os.path.dirname(PACKAGE), "tests")

labels: dict[str, tuple[str, str]] = {}
"""For the file name under which a cell was compiled: what a person calls the cell, and the notebook's id of it."""


@dataclass(slots=True, eq=False)
class Level:
    """One of the user's frames while it runs."""

    frame: Any
    instruction: int
    callee: Any
    count: int = 0
    loop: Loop | None = None


@dataclass(slots=True, eq=False)
class Loop:
    """The loop of one frame: the instructions it spans, and how many steps it has made."""

    first: int
    last: int
    line: int
    source: int
    steps: int = 0


@dataclass(slots=True)
class Place:
    """Where an op ran."""

    span: Span | None
    marks: tuple[tuple[Level, int, int], ...] = field(default=())
    """For each of the user's frames, outermost first: the level, its instruction, and its count of steps so far."""


class Places:
    """Finds places for one trace, whose code was compiled as `filename`."""

    def __init__(self, filename: str, source: Source) -> None:
        self.sources = [source]
        self._by_file = {filename: 0}
        self._filename = filename
        self._spans: dict[tuple[int, int], tuple[Any, Span]] = {}
        self._positions: dict[int, tuple[Any, list[Any]]] = {}
        self._users: dict[str, bool] = {filename: True}
        self._chain: list[Level] = []

    def here(self) -> Place:
        """The place of the user's code that is running now."""
        frame = sys._getframe(1)
        frames: list[Any] = []
        users = self._users
        below = None
        while frame is not None:
            name = frame.f_code.co_filename
            mine = users.get(name)
            if mine is None:
                mine = users[name] = self._is_users(name)
            if not mine:
                below = below if frames else frame
            else:
                frames.append(frame)
                if name == self._filename and frame.f_code.co_name.startswith("<module"):
                    break
            frame = frame.f_back
        if not frames:
            return Place(None)
        span = self._span(frames[0])
        frames.reverse()
        return Place(span, self._follow(frames, below))

    def forget(self) -> None:
        """Let go of the frames."""
        self._drop(0)

    def _is_users(self, filename: str) -> bool:
        if filename in labels or filename.startswith("<ipython-input") or "ipykernel_" in filename:
            return True
        if filename.startswith("<"):
            return False
        real = os.path.realpath(filename)
        return real.startswith(_TESTS) or not real.startswith(_LIBRARIES)

    def _follow(self, frames: list[Any], below: Any) -> tuple[tuple[Level, int, int], ...]:
        chain = self._chain
        marks: list[tuple[Level, int, int]] = []
        fresh = False
        for i, frame in enumerate(frames):
            instruction = frame.f_lasti
            callee = frames[i + 1] if i + 1 < len(frames) else below
            if fresh or i >= len(chain) or chain[i].frame is not frame:
                if not fresh:
                    self._drop(i)
                    fresh = True
                chain.append(Level(frame, instruction, callee))
            else:
                level = chain[i]
                again = instruction == level.instruction and callee is not level.callee
                if instruction < level.instruction or again:
                    level.count += 1
                    self._came_back(level, instruction, frame)
                level.instruction, level.callee = instruction, callee
            marks.append((chain[i], instruction, chain[i].count))
        self._drop(len(frames))
        return tuple(marks)

    def _drop(self, start: int) -> None:
        """Forget the levels from `start` on, and let go of their frames."""
        for level in self._chain[start:]:
            level.frame = level.callee = None
        del self._chain[start:]

    def _came_back(self, level: Level, instruction: int, frame: Any) -> None:
        if level.loop is None:
            span = self._span(frame)
            level.loop = Loop(instruction, level.instruction, span.line, span.source)
        loop = level.loop
        loop.first, loop.last = min(loop.first, instruction), max(loop.last, level.instruction)
        loop.steps = level.count + 1

    def _span(self, frame: Any) -> Span:
        code, instruction = frame.f_code, frame.f_lasti
        key = (id(code), instruction)
        found = self._spans.get(key)
        if found is None:
            found = self._spans[key] = (code, self._make_span(code, instruction, frame.f_lineno))
        return found[1]

    def _make_span(self, code: Any, instruction: int, lineno: int) -> Span:
        held = self._positions.get(id(code))
        if held is None:
            held = self._positions[id(code)] = (code, list(code.co_positions()))
        index = instruction // 2
        line, end_line, column, end_column = held[1][index] if index < len(held[1]) else (lineno, lineno, 0, 0)
        line = line or lineno
        name = code.co_name
        function = None if name.startswith(("<module", "<cell")) else name
        return Span(self.source_of(code.co_filename), line, column or 0, end_line or line, end_column or 0, function)

    def source_of(self, filename: str) -> int:
        """The number of the source that `filename` is, added when it is new."""
        found = self._by_file.get(filename)
        if found is None:
            label, cell = labels.get(filename, (os.path.basename(filename), None))
            if "ipykernel_" in filename and filename not in labels:
                label = "another cell"
            found = self._by_file[filename] = len(self.sources)
            self.sources.append(Source(label, "".join(linecache.getlines(filename)), cell))
        return found
