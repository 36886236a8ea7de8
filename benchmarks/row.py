"""What a row of the table is: one workload, the same mathematics written for each library."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, NamedTuple

from .libraries import CAPTURED, FAST, REFERENCE, SUBJECT, load


class Side(NamedTuple):
    """One library's form of the workload, ready to run."""

    step: Callable[[], object]  # what is timed
    read: Callable[[], Iterable[Any]]  # after a step: the arrays or numbers that must be torch's
    wait: Callable[[], object] = bool  # until all that steps have begun is done: a GPU works on its own time


@dataclass(frozen=True)
class AtMost:
    """A goal: at most `factor` times the time (or memory) of `library`, plus so many milliseconds."""

    factor: float
    library: str = REFERENCE
    plus_ms: float = 0.0
    of: str = SUBJECT  # whose time it is

    def __str__(self) -> str:
        if self.of != SUBJECT:
            times = "" if self.library == REFERENCE else f" × {self.library}"
            return f"{self.of} ≤ {self.factor:g}{times}"
        if self.library == REFERENCE:
            return f"≤ {self.factor:g}"
        times = "" if self.factor == 1 else f"{self.factor:g} × "
        plus = f" + {self.plus_ms:g} ms" if self.plus_ms else ""
        return f"≤ {times}{self.library}{plus}"


@dataclass
class Row:
    """A workload; `@row.of(library, …)` adds a function that takes the imported library and gives its Side."""

    name: str
    goals: tuple[AtMost, ...]
    repeats: int = 1  # how often one step does the thing that the name says
    rtol: float = 1e-4
    threads: int = 1
    device: str = "cpu"
    memory: bool = False  # told is the most memory that was held above import, not time
    sides: dict[str, Callable[[ModuleType], Side]] = field(default_factory=dict)

    def of(self, *libraries: str):
        def add(setup: Callable[[ModuleType], Side]):
            self.sides.update(dict.fromkeys(libraries, setup))
            return setup

        return add

    @property
    def clock(self) -> str:
        """What of a Sample is told. With threads or a GPU at work only elapsed time tells what a user waits for."""
        return "peak" if self.memory else "cpu" if self.threads == 1 and self.device == "cpu" else "wall"

    def __post_init__(self) -> None:
        if any(goal.of == CAPTURED for goal in self.goals):
            self.sides[CAPTURED] = self.captured
        if any(goal.of == FAST for goal in self.goals):
            self.sides[FAST] = self._fast

    def side(self, library: str) -> Side:
        return self.sides[library](load(library))

    def on_all_threads(self, *goals: AtMost) -> "Row":
        """The same with every library's threads at work, and goals for the time that passes."""
        row = replace(self, name=f"{self.name}, all threads", goals=goals, threads=os.cpu_count() or 1, sides={})
        row.sides |= {name: self.sides[name] for name in (SUBJECT, REFERENCE)}
        return row

    def _fast(self, nbautograd: ModuleType) -> Side:
        """Our side with the kernels at work."""
        nbautograd.fast.start()
        return self.sides[SUBJECT](nbautograd)

    def captured(self, nbautograd: ModuleType, **options: Any) -> Side:
        """Our side with its step captured: from the third step on it is replayed."""
        side = self.sides[SUBJECT](nbautograd)
        step = nbautograd.capture(side.step, **options)

        def read() -> Iterable[Any]:
            said = step.explain()
            assert "program of" in said or said.startswith("0 calls replayed, 1 run"), f"{self.name}: {said}"
            return side.read()

        return Side(step, read, side.wait)


def wanted(name: str, words: list[str]) -> bool:
    return not words or any(word.lower() in name.lower() for word in words)
