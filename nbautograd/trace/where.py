"""Where in the user's code something happens: source, line and columns, and which step of which loop.

NOTE [Finding the line]
From the running frame outwards, the first frame that is not a library's belongs to the user. Its code object knows the
columns of every instruction (`co_positions`), so attribution needs no rewriting of the code, works inside functions and
comprehensions, and costs a walk over a few frames and a dictionary look-up.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from functools import lru_cache
from types import CodeType
from typing import Any

from nbautograd.core.errors import PACKAGE
from nbautograd.trace.frames import RESUMED, before_collections, has_ended
from nbautograd.trace.loops import Course, Level, Loop, Steps, course_of
from nbautograd.trace.model import Source, Span

_LIBRARIES = tuple(
    {os.path.realpath(p) for p in (PACKAGE, *sysconfig.get_paths().values()) if p} | {PACKAGE, "<frozen"}
)
_TESTS = os.path.join(os.path.dirname(PACKAGE), "tests")

labels: dict[str, tuple[str, str]] = {}
"""For the file name under which a cell was compiled: what a person calls the cell, and the notebook's id of it."""


def is_cell(filename: str) -> bool:
    """Whether IPython or its kernel gives this name to the code of a cell."""
    return filename.startswith("<ipython-input") or "ipykernel_" in filename


@lru_cache(maxsize=1024)
def _is_users(filename: str) -> bool:
    """Whether a file is none of Python's, of a library's or of this package's."""
    if filename.startswith("<"):
        return False
    real = os.path.realpath(filename)
    return real.startswith(_TESTS) or not real.startswith(_LIBRARIES)


class Place:
    """Where something ran: the place in the code, and the loops round it."""

    __slots__ = ("span", "steps")

    def __init__(self, span: Span | None, steps: Steps = ()) -> None:
        self.span = span
        self.steps = steps

    @property
    def step(self) -> tuple[Loop, int] | None:
        """The loop whose rounds are steps here, and which round; see `Recorder` on which loop that is."""
        return step_of(self.steps)


def step_of(steps: Steps) -> tuple[Loop, int] | None:
    """Which of the loops round a place has the rounds that are steps, and which round that is."""
    for loop, number in reversed(steps):
        if loop.trains:
            return loop, number
    return None if not steps or steps[0][0].holds else steps[0]


class Places:
    """Finds places for one trace, whose code was compiled as `filename`."""

    def __init__(self, filename: str, source: Source) -> None:
        self.sources = [source]
        self._by_file = {filename: 0}
        self._filename = filename
        self._codes: dict[int, tuple[CodeType, list[Any], dict[int, Span]]] = {}
        """Of each code by its id, so that it lives: the positions of its instructions, and the spans made of them."""
        self.users: dict[str, bool] = {filename: True}
        """Whether the code in a file is the user's, of the files met so far."""
        self._courses: dict[int, tuple[CodeType, Course]] = {}
        """Each code and its course, by its id: looking it up by the code itself takes as long as the code is."""
        self._chain: list[Level] = []
        self.level: Level | None = None
        """The innermost level, if its frame can be called by no other from one time to the next."""
        before_collections(self.let_go)

    def spot(self) -> tuple[CodeType, int] | None:
        """The instruction of the user's code that is running now, whatever loops are round it."""
        frame, _ = self._users_frame(sys._getframe(1))
        return None if frame is None else (frame.f_code, frame.f_lasti)

    def here(self, depth: int = 1) -> Place:
        """The place of the user's code that is running now; the frames below `depth` are none of it."""
        code, at, steps = self.stand(depth + 1)
        return Place(None if code is None else self.span(code, at), steps)

    def stand(self, depth: int) -> tuple[CodeType | None, int, Steps]:
        """Where the user's code stands, as its code and the number of an instruction; and the loops round that."""
        frame, below = self._users_frame(sys._getframe(depth))
        if frame is None:
            return None, 0, ()
        inner = self.level
        code, at = frame.f_code, frame.f_lasti
        if inner is None or (inner.frame is not frame and not self._runs_again(inner, frame)):
            return code, at, self._follow(frame, below)
        if inner.loops:  # as long as it runs, those round it stand where they stood
            inner.move(at, below)
        return code, at, inner.around

    def _runs_again(self, inner: Level, frame: Any) -> bool:
        """Whether `frame` is another run of the innermost function, called from where the run before was called."""
        outer = self._chain[-2] if len(self._chain) > 1 else None
        if outer is None or outer.code.co_flags & RESUMED or frame.f_code is not inner.code:
            return False
        if self._users_frame(frame.f_back)[0] is not outer.frame or not inner.again(frame):
            return False
        if outer.loops:
            outer.move(outer.frame.f_lasti, frame)
        inner.outside(outer.around)
        return True

    def _users_frame(self, frame: Any) -> tuple[Any, Any]:
        """The innermost of the user's frames, from `frame` outwards, and the one that it calls."""
        below, users = None, self.users
        while frame is not None:
            name = frame.f_code.co_filename
            if users[name] if name in users else self.is_users(name):
                break
            below, frame = frame, frame.f_back
        return frame, below

    def forget(self) -> None:
        """Let go of the frames."""
        self._drop(0)

    def let_go(self) -> None:
        """Let go of frames that have ended; see NOTE [Frames]."""
        for level in self._chain:
            if has_ended(level.callee):
                level.callee = level  # that call is none that comes again
            if has_ended(level.frame):
                level.leave()

    def _frames(self, frame: Any) -> tuple[int, list[Any]]:
        """How many levels stand where they stood, and the user's frames inside those, `frame` being the innermost.

        What called a frame stands still as long as that runs, unless it was a frame that others may resume.
        """
        frames: list[Any] = []
        while frame is not None:
            code = frame.f_code
            if self.is_users(code.co_filename):
                frames.append(frame)
                for i, level in enumerate(self._chain):
                    if level.frame is frame and not code.co_flags & RESUMED:
                        return i, frames[::-1]
                if code.co_filename == self._filename and code.co_name.startswith("<module"):
                    break
            frame = frame.f_back
        return 0, frames[::-1]

    def is_users(self, filename: str) -> bool:
        """Whether the code in that file is the user's, not a library's."""
        found = self.users.get(filename)
        if found is None:
            found = self.users[filename] = filename in labels or is_cell(filename) or _is_users(filename)
        return found

    def _follow(self, inner: Any, below: Any) -> Steps:
        """Move every level to where its frame is; `inner` is the innermost frame, in a call of `below`."""
        start, frames = self._frames(inner)
        chain = self._chain
        steps: Steps = chain[start - 1].around if start else ()
        for i, (frame, callee) in enumerate(zip(frames, [*frames[1:], below], strict=True), start):
            if i >= len(chain) or (chain[i].frame is not frame and not chain[i].again(frame)):
                self._drop(i)
                chain.append(self._level(frame))
            level = chain[i]
            level.outside(steps)
            if level.loops:
                level.move(frame.f_lasti, callee)
            steps = level.around
        self._drop(start + len(frames))
        self.level = None if not chain or inner.f_code.co_flags & RESUMED else chain[-1]
        return steps

    def _level(self, frame: Any) -> Level:
        code = frame.f_code
        found = self._courses.get(id(code))
        if found is None:
            found = self._courses[id(code)] = code, course_of(code)
        course = found[1]
        return Level(frame, course, self.source_of(code.co_filename) if course.loops else 0)

    def _drop(self, start: int) -> None:
        """Forget the levels from `start` on, and let go of their frames."""
        for level in self._chain[start:]:
            level.leave()
        del self._chain[start:]
        self.level = None

    def span(self, code: CodeType, instruction: int) -> Span:
        """The place of an instruction."""
        _, positions, spans = self._of_code(code)
        found = spans.get(instruction)
        if found is None:
            line, end_line, column, end_column = positions[instruction // 2]
            line = line or code.co_firstlineno
            function = None if code.co_name.startswith(("<module", "<cell")) else code.co_name
            found = spans[instruction] = Span(
                self.source_of(code.co_filename), line, column or 0, end_line or line, end_column or 0, function
            )
        return found

    def _of_code(self, code: CodeType) -> tuple[CodeType, list[Any], dict[int, Span]]:
        found = self._codes.get(id(code))  # code objects compare by all that is in them
        if found is None:
            found = self._codes[id(code)] = code, list(code.co_positions()), {}
        return found

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
