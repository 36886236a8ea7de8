"""Ctrl-C at a moment of one's choice, for the tests of what it leaves behind."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from nbautograd.core.inference import Mark
from nbautograd.core.modes import local, state

COUNT = int(os.environ.get("NBAUTOGRAD_INTERRUPTS", "0"))
"""How many moments are tried; 0 leaves it to the test."""
MARKS = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers"),
    # An interrupt in a weak reference's callback is only told, not raised.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@contextmanager
def clock() -> Iterator[Callable[[Callable[[], object], float], bool]]:
    """Gives `interrupted(job, after)`: run `job`, interrupt it after so many seconds; whether that came through."""
    armed = False

    def interrupt(*_: object) -> None:
        if armed:
            raise KeyboardInterrupt

    def interrupted(job: Callable[[], object], after: float) -> bool:
        nonlocal armed
        try:
            armed = True
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, after))
            job()
        except KeyboardInterrupt:
            return True
        finally:
            armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        return False

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGALRM, before)


def duration(job: Callable[[], object]) -> float:
    """How long `job` takes when nothing disturbs it."""

    def once() -> float:
        begin = time.perf_counter()
        job()
        return time.perf_counter() - begin

    return min(once() for _ in range(5))


def alive_marks() -> int:
    """How many blocks of inference mode have tensors alive, each a lasting reason to leave the short path."""
    gc.collect()
    return sum(type(it) is Mark for it in gc.get_objects())


@contextmanager
def nothing_left() -> Iterator[None]:
    """What an interrupt leaves switched on is right there, and no affair of later tests: here it ends."""
    yield
    tally = local.tally
    vars(local).clear()
    local.tally = tally
    tally.count, state.special = 0, alive_marks()
