"""From what a tape has noted to a program: straight-line Python that does the same to new numbers.

NOTE [Scalars as numbers]
A program of 0-d tensors computes with numbers, not with arrays: with NumPy's, as the ops do, so that a replay gives the
same digits; with Python's floats where all of them are float64, and NumPy's functions of those. With excess precision
float32 is computed with Python's floats as well, and with Python's functions, four times faster. That is closer to the
exact result than the ops are, which shows where digits cancel: `(1e8 + x) - 1e8` is x, not 0. Python's numbers raise
where NumPy's become infinite, and do not end where those of float32 do: then the replay gives up.
"""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np

from nbautograd.core.tensor import Tensor
from nbautograd.ops.random import Generator, default_generator
from nbautograd.replay.assembling import assembled
from nbautograd.replay.calls import Call, RefusalError, variables
from nbautograd.replay.expressions import Expressions, cannot_fail, is_number, is_scalar
from nbautograd.replay.families import in_families
from nbautograd.replay.naming import Names
from nbautograd.replay.order import ordered, used
from nbautograd.replay.tape import Tape
from nbautograd.replay.writing import Writer


class GivenUpError(Exception):
    """The program does not fit this call, and has changed nothing."""


class BusyError(Exception):
    """The program is running already."""


class FailedError(Exception):
    """The program has failed as the step would, and has changed what the step would have changed by then."""


class Program:
    """The compiled step: `source` is its text, `replay(tensors)` runs it."""

    _count = 0

    def __init__(
        self,
        tape: Tape,
        arguments: dict[int, str],
        result: Any,
        names: Names,
        watched: Callable[[Tensor], bool],
        excess_precision: bool,
    ) -> None:
        Program._count += 1
        self._running = Lock()
        calls = used(tape.calls, variables(result))
        uses = Counter(id(v) for c in calls for v in c.reads()) + Counter(id(v) for v in variables(result))
        calls = in_families(assembled(calls, uses), uses)
        parts, effects = ordered(calls)
        if any(c.kind in ("check", "shape") for part in parts[1:] for c in part):
            raise RefusalError("it decides by a number that it has changed")
        python = excess_precision or all(v.dtype == np.float64 for c in calls for v in c.outs if is_number(v))
        scalar = is_scalar(calls) and (not python or all(cannot_fail(c) for part in parts[1:] for c in part))
        self._generators = _generators(calls)
        self.length = len(calls)
        expressions = Expressions(names, scalar, python, excess_precision)
        expressions.numbers = {id(t) for t in tape.leaves.values() if isinstance(t._data, np.generic) and watched(t)}
        writer = Writer(names, expressions, uses)
        writer.program([names.parameter(t) for t in arguments], parts, effects, result)
        self._changing, self._updates = writer.changing, writer.updates
        self.source = "\n".join(writer.lines) + "\n"
        filename = f"<captured step {Program._count}>"
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(True), filename)
        exec(compile(self.source, filename, "exec"), names.space)
        self.run: Callable[..., Any] = names.space["step"]

    def change(self) -> str | None:
        """What has changed of the optimizers whose steps are written out, or None."""
        return next((what for update in self._updates if (what := update.unfit()) is not None), None)

    def replay(self, tensors: list[Tensor]) -> Any:
        """Run the program.

        Raises: GivenUpError where it does not fit this call, whatever that comes out by; nothing has happened then.
            FailedError is for what the step itself would raise after it has begun to change things.
        """
        if not self._running.acquire(blocking=False):  # its buffers are in use
            raise BusyError("the program is running already, in another thread or around this call")
        self._changing.clear()
        states = [(g, g.get_state()) for g in self._generators]
        try:
            return self.run(*tensors)
        except Exception as error:
            if self._changing:
                raise FailedError from error
            for generator, before in states:
                generator.set_state(before)
            raise GivenUpError(str(error)) from error
        finally:
            self._running.release()


def _generators(calls: list[Call]) -> list[Generator]:
    """The generators that a program draws from."""
    draws = [c for c in calls if c.kind == "draw"]
    return list({id(g): g for c in draws for g in (default_generator, *c.args) if isinstance(g, Generator)}.values())
