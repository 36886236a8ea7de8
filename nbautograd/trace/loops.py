"""Loops, told from the bytecode: which of a function's loops an instruction is in, and when another round begins.

NOTE [Rounds of loops]
A jump backwards closes a loop; its target and itself are the loop's first and last instruction. So the nest of loops
round an instruction is a fact of the code. That execution went round is seen from where it was and where it is now: in
a loop's body but not deeper, and no further than before; or back in the loop after having left it (but see NOTE
[Repeats]). What a loop runs without an op in it is not seen, and a round without ops is not counted.
"""

from __future__ import annotations

import dis
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from nbautograd.trace.repeats import may_repeat

Range = tuple[int, int]
"""A loop's first and last instruction."""


@dataclass(slots=True, eq=False)
class Loop:
    """A loop of one running frame, and how many rounds it has made; `trains` is for the recorder to say."""

    line: int
    source: int
    rounds: int = 0
    trains: bool = False
    holds: bool = False
    """Whether a loop inside this one trains."""


Steps = tuple[tuple[Loop, int], ...]
"""The loops round a place, outermost first, each with the number of its round."""


def _loops_of(code: CodeType) -> tuple[Range, ...]:
    """The loops of a function, outer ones before those inside them; waiting and comprehensions are none."""
    ends: dict[int, int] = {}
    collecting: list[int] = []
    for i in dis.get_instructions(code):
        if i.opcode in dis.hasjrel and "NO_INTERRUPT" not in i.opname and i.argval <= i.offset:
            ends[i.argval] = max(i.offset, ends.get(i.argval, 0))
        elif i.opname in ("LIST_APPEND", "SET_ADD", "MAP_ADD") and (i.arg or 0) > 1:
            collecting.append(i.offset)
    loops = sorted(ends.items(), key=lambda r: (r[0], -r[1]))
    inner = {max((r for r in loops if r[0] <= at <= r[1]), default=None) for at in collecting}
    return tuple([r for r in loops if r not in inner and code.co_name != "<genexpr>"])


def _lines_of(code: CodeType, loops: tuple[Range, ...]) -> dict[Range, int]:
    """The line of each `for` or `while`: where its first or last instruction stands, whichever is earlier."""
    lines = [line for line, *_ in code.co_positions()] if loops else []
    return {r: min((n for n in (lines[i // 2] for i in r) if n), default=code.co_firstlineno) for r in loops}


class Stop:
    """An instruction that a frame came to, in the loops `nest`, outermost first.

    `ahead` are those after it on the way to which no loop goes round.
    """

    __slots__ = ("ahead", "instruction", "nest")

    def __init__(self, instruction: int, nest: tuple[Range, ...]) -> None:
        self.instruction = instruction
        self.nest = nest
        self.ahead: dict[int, Stop] = {}


class Course:
    """What is known of a function's code: its loops with their lines, and where frames have stood."""

    __slots__ = ("_stops", "begin", "code", "lines", "loops")

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.loops = _loops_of(code)
        self.lines = _lines_of(code, self.loops)
        self._stops: dict[int, Stop] = {}
        self.begin = self.stop(-1)

    def stop(self, instruction: int) -> Stop:
        """The stop at an instruction."""
        found = self._stops.get(instruction)
        if found is None:
            nest = tuple([r for r in self.loops if r[0] <= instruction <= r[1]])
            found = self._stops.setdefault(instruction, Stop(instruction, nest))
        return found


course_of = lru_cache(maxsize=1024)(Course)


class Level:
    """One of the user's frames while it runs: where it is, and the rounds of its loops."""

    __slots__ = (
        "_again",
        "_beyond",
        "_course",
        "_loops",
        "_moves",
        "_nests",
        "_outside",
        "_within",
        "around",
        "callee",
        "code",
        "frame",
        "loops",
        "source",
        "stop",
    )

    def __init__(self, frame: Any, course: Course, source: int) -> None:
        self.frame: Any = frame
        self.code: CodeType = frame.f_code
        self.source = source
        self.callee: Any = None
        self._course = course
        self.stop = course.begin
        """Where it is."""
        self.around: Steps = ()
        """The loops round it, with those of the frames outside."""
        self.loops = bool(course.loops)
        """Whether there is anything to follow."""
        self._loops: dict[Range, Loop] = {}
        self._nests: dict[tuple[Range, ...], tuple[Loop, ...]] = {}
        self._outside: Steps = ()
        self._within: tuple[Loop, ...] = ()
        self._moves: dict[tuple[Stop, int], tuple[tuple[Loop, ...], list[Loop]]] = {}
        """From where to which instruction it is in which loops then, and which of those have made another round."""
        self._again: dict[int, tuple[Stop, Stop, Loop]] = {}
        """To which instruction, and from where, it comes when the innermost loop, and no other, makes another round."""
        self._beyond: Steps = ()
        """The loops round that one."""

    def again(self, frame: Any) -> bool:
        """Stand for another run of the same code from now on, if nothing is to be known of the one before."""
        if self.loops or frame.f_code is not self.code:
            return False
        self.frame, self.callee, self.stop = frame, None, self._course.begin
        return True

    def move(self, instruction: int, callee: Any) -> None:
        """The frame is at `instruction` of its code now, in a call of `callee`."""
        before, last = self.stop, self.callee
        self.callee = callee
        if instruction == before.instruction and callee is last:
            return
        stop = before.ahead.get(instruction)
        if stop is not None:
            self.stop = stop
        else:
            self.turn(instruction, callee)

    def turn(self, instruction: int, callee: Any) -> None:
        """The same where no instruction ahead is meant, or another call at the same one."""
        before = self.stop
        self.callee = callee
        again = self._again.get(instruction)
        if again is not None and again[0] is before:
            _, self.stop, loop = again
            loop.rounds = rounds = loop.rounds + 1
            self.around = (*self._beyond, (loop, rounds))
        else:
            self._move(before, instruction)

    def _move(self, before: Stop, instruction: int) -> None:
        """The frame is at an instruction to which it has not come from `before`, or not within one loop."""
        if instruction == before.instruction and may_repeat(self.frame, instruction):
            before.ahead[instruction] = before
            return
        stop = self.stop = self._course.stop(instruction)
        move = before, instruction
        loops, rounds = self._moves.get(move) or self._moves.setdefault(move, self._loops_at(before, stop))
        if loops is not self._within:
            self._within = loops
        elif not rounds:
            before.ahead[instruction] = stop
            return
        elif rounds == [loops[-1]]:
            self._again[instruction] = before, stop, loops[-1]
        for loop in rounds:
            loop.rounds += 1
        self._look_around()

    def outside(self, steps: Steps) -> None:
        """The frames outside are in the loops `steps`."""
        if steps is not self._outside:
            self._outside = steps
            self._look_around()

    def _look_around(self) -> None:
        self.around = (*self._outside, *[(loop, loop.rounds) for loop in self._within])
        self._beyond = self.around[:-1]

    def _loops_at(self, before: Stop, now: Stop) -> tuple[tuple[Loop, ...], list[Loop]]:
        """The loops that an instruction is in, and which of them have made another round since `before`."""
        nest, was = now.nest, before.instruction
        shared = max((r for r in nest if r[0] <= was <= r[1]), default=None)
        for r in nest:
            if r not in self._loops:  # its first round is 0
                self._loops[r] = Loop(self._course.lines[r], self.source, rounds=-1)
        loops = self._nests.setdefault(nest, tuple([self._loops[r] for r in nest]))
        back = now.instruction <= was
        return loops, [self._loops[r] for r in nest if not r[0] <= was <= r[1] or (r == shared and back)]

    def leave(self) -> None:
        """Let go of the frames."""
        self.frame = self.callee = None


def train(steps: Steps) -> None:
    """Say that of these loops the innermost is the one whose rounds are steps of training."""
    for loop, _ in steps:
        loop.holds = True
    steps[-1][0].holds, steps[-1][0].trains = False, True
