"""The table, as Markdown that also reads well in a terminal, and what it was measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy

from .libraries import CAPTURED, FAST, LIBRARIES, REFERENCE, SUBJECT, installed
from .measure import Sample
from .row import AtMost, Row

DISTRIBUTION = {"HIPS autograd": "autograd", "NumPy": "numpy"}
OTHERS = [name for name in LIBRARIES if name not in (REFERENCE, SUBJECT)]
WIDTHS = [34, 9, 19, 5, 24, 7, *(19 if name == FAST else max(7, len(name)) for name in OTHERS)]

Samples = dict[str, list[Sample]]


def conditions(rounds: int) -> list[str]:
    """Machine, versions and how to read the table."""
    present = installed()
    versions = [f"{name} {version_of(name)}" for name in present if name not in (CAPTURED, FAST)]
    missing = [name for name in LIBRARIES if name not in present]
    return [
        f"CPU time relative to PyTorch's, one thread each: medians (and quartiles) of {rounds} interleaved rounds;",
        "less is faster. `wall` is elapsed time. NumPy is the same arithmetic written by hand, without an engine;",
        "with numba is nbautograd with the kernels of `nbautograd.fast`, captured with the step under `nb.capture`.",
        "Results were compared with PyTorch's before timing.",
        "",
        f"- Machine: {processor()}, {os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, "
        f"load {os.getloadavg()[0]:.1f}",
        f"- Python {platform.python_version()}, {', '.join(versions)}",
        *([f"- Not installed here: {', '.join(missing)}"] if missing else []),
    ]


def version_of(name: str) -> str:
    try:
        return version(DISTRIBUTION.get(name, name))
    except PackageNotFoundError:  # imported from the folder, not installed
        return "from this folder"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def head() -> list[str]:
    names = ["workload", REFERENCE, SUBJECT, "wall", "goal", "reached", *OTHERS]
    return [cells(names), cells("-" * width for width in WIDTHS)]


def line(row: Row, samples: Samples) -> str:
    torchs = seconds(median(samples, REFERENCE) / row.repeats)
    ours, wall = (
        (quartiles(samples), f"{ratio(samples, SUBJECT, 'wall')[1]:.2f}") if SUBJECT in samples else ("missing", "")
    )
    goal = ", ".join(str(goal) for goal in row.goals)
    return cells([row.name, torchs, ours, wall, goal, verdict(row, samples), *others(row, samples)])


def cells(texts) -> str:
    return "| " + " | ".join(f"{text:<{width}}" for text, width in zip(texts, WIDTHS, strict=True)) + " |"


def others(row: Row, samples: Samples) -> list[str]:
    def cell(name: str) -> str:
        if name == FAST and name in samples:
            return quartiles(samples, FAST)
        if name in samples:
            return f"{ratio(samples, name)[1]:#.2g}".removesuffix(".")
        return "missing" if name in row.sides else "–"

    return [cell(name) for name in OTHERS]


def quartiles(samples: Samples, name: str = SUBJECT) -> str:
    low, middle, high = ratio(samples, name)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def ratio(samples: Samples, name: str, clock: str = "cpu", to: str = REFERENCE) -> list[float]:
    """Quartiles of the ratios within each round."""
    pairs = zip(samples[name], samples[to], strict=True)
    return list(
        numpy.percentile([getattr(ours, clock) / getattr(theirs, clock) for ours, theirs in pairs], [25, 50, 75])
    )


def verdict(row: Row, samples: Samples) -> str:
    measured = [goal for goal in row.goals if {goal.library, goal.of} <= samples.keys()]
    if not measured:
        return ""
    return "yes" if all(reached(goal, samples) for goal in measured) else "no"


def reached(goal: AtMost, samples: Samples) -> bool:
    plus = goal.plus_ms / 1000 / median(samples, goal.library)
    return ratio(samples, goal.of, to=goal.library)[1] <= goal.factor + plus


def median(samples: Samples, name: str) -> float:
    return float(numpy.median([sample.cpu for sample in samples[name]]))


def seconds(value: float) -> str:
    scale, unit = next((s, u) for s, u in ((1e-6, "µs"), (1e-3, "ms"), (1, "s")) if value < 1000 * s or u == "s")
    return f"{value / scale:.3g} {unit}"
