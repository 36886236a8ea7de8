"""Timing side by side: A B C, A B C, …, so that whatever slows the machine slows everybody."""

import gc
import resource
import sys
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

ROUND_SECONDS = 0.2  # a library's share of a round, so that the clock's grain does not count
STATUS = Path("/proc/self/status")
STEPS = 4  # to compare, and to warm up: a captured step is replayed from the third on


class Sample(NamedTuple):
    """Seconds per step in one round, and the most memory that the process has held by then."""

    cpu: float
    wall: float
    peak: float = 0.0


def calls_per_round(step: Callable[[], object], wait: Callable[[], object]) -> int:
    for _ in range(STEPS):
        step()
    return max(1, round(ROUND_SECONDS / sample(step, wait, 1).wall))


def sample(step: Callable[[], object], wait: Callable[[], object], calls: int) -> Sample:
    """Time `calls` steps with the collector at work, as in a notebook: a graph that is a circle has to be collected.

    What is alive already is frozen: modules are no garbage, and a program with more of them pays no more for it.
    """
    gc.collect()
    gc.freeze()
    wait()
    wall, cpu = time.perf_counter(), cpu_seconds()
    for _ in repeat(None, calls):
        step()
    wait()
    taken = Sample((cpu_seconds() - cpu) / calls, (time.perf_counter() - wall) / calls, peak_memory())
    gc.unfreeze()
    return taken


def cpu_seconds() -> float:
    """CPU time of this process and of those it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_memory() -> int:
    """The most memory that this process has held, in bytes.

    Linux's `ru_maxrss` begins with what the parent held, so its status file is asked instead.
    """
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
