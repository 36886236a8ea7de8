"""The table, as Markdown that also reads well in a terminal, and what it was measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy

from .libraries import CAPTURED, LIBRARIES, REFERENCE, SUBJECT, VARIANTS
from .measure import Sample
from .row import AtMost, Row

DISTRIBUTION = {"HIPS autograd": "autograd", "NumPy": "numpy", "JAX": "jax"}
WIDTHS = {
    "workload": 49,
    REFERENCE: 9,
    SUBJECT: 19,
    "wall": 5,
    "goal": 35,
    "reached": 13,
    **dict.fromkeys(VARIANTS, 22),
}

Samples = dict[str, list[Sample]]


def start(present: list[str], rounds: int, device: str = "cpu") -> list[str]:
    """Machine, versions, how to read the table, and its head."""
    if device == "cuda":
        present = [name for name in present if name in (REFERENCE, SUBJECT, CAPTURED)]
        return [
            f"Elapsed time on a GPU relative to PyTorch's: medians (and quartiles) of {rounds} interleaved rounds,",
            "every library in a process of its own; each round ends when the GPU is done. captured is nbautograd with",
            "the step under `nb.capture`: a CUDA graph. Results were compared with PyTorch's before timing.",
            "",
            f"- Machine: {gpu()}; {processor()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}",
            f"- Python {platform.python_version()}, "
            + ", ".join(f"{name} {version_of(name)}" for name in present if name not in VARIANTS),
            "",
            *head(present),
        ]
    versions = [f"{name} {version_of(name)}" for name in present if name not in VARIANTS]
    missing = [name for name in LIBRARIES if name not in present]
    return [
        f"CPU time relative to PyTorch's, one thread each: medians (and quartiles) of {rounds} interleaved rounds,",
        "every library in a process of its own; less is faster. `wall` is elapsed time, as are rows of all threads.",
        "Peak memory is the most that a process held, without what importing the library took.",
        "NumPy is the same arithmetic written by hand, without an engine; JAX and tinygrad run compiled steps;",
        "with numba is nbautograd with the kernels of `nbautograd.fast`, captured with the step under `nb.capture`,",
        "recorded with the step under `nb.trace`, without values.",
        "Results were compared with PyTorch's before timing. Settings for NumPy's BLAS (`OPENBLAS_…`) are left out.",
        "",
        f"- Machine: {processor()}, {os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, "
        f"load {os.getloadavg()[0]:.1f}",
        f"- Python {platform.python_version()}, {', '.join(versions)}",
        *([f"- Not measured: {', '.join(missing)}"] if missing else []),
        "",
        *head(present),
    ]


def gpu() -> str:
    import torch

    return torch.cuda.get_device_name()


def version_of(name: str) -> str:
    try:
        return version(DISTRIBUTION.get(name, name))
    except PackageNotFoundError:  # imported from the folder, not installed
        return "from this folder"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def head(present: list[str]) -> list[str]:
    names = columns(present)
    return [cells(names, names), cells(names, ["-" * width_of(name) for name in names])]


def columns(present: list[str]) -> list[str]:
    return ["workload", REFERENCE, SUBJECT, "wall", "goal", "reached", *others(present)]


def others(present: list[str]) -> list[str]:
    """The libraries beside torch and ours, in the table's order."""
    return [name for name in present if name not in (REFERENCE, SUBJECT)]


def line(row: Row, samples: Samples, present: list[str]) -> str:
    torchs = amount(row, median(samples, REFERENCE, row.clock))
    ours = quartiles(row, samples, SUBJECT) if SUBJECT in samples else ""
    wall = f"{ratio(samples, SUBJECT, 'wall')[1]:.2f}" if SUBJECT in samples and not row.memory else ""
    goal = ", ".join(str(goal) for goal in row.goals)
    beside = [cell(row, samples, name) for name in others(present)]
    return cells(columns(present), [row.name, torchs, ours, wall, goal, verdict(row, samples), *beside])


def cells(names: list[str], texts: list[str]) -> str:
    return "| " + " | ".join(f"{text:<{width_of(name)}}" for name, text in zip(names, texts, strict=True)) + " |"


def width_of(name: str) -> int:
    return WIDTHS.get(name, max(9, len(name)))


def cell(row: Row, samples: Samples, name: str) -> str:
    if name not in samples:
        return "–"
    if name in VARIANTS:
        return quartiles(row, samples, name)
    return f"{ratio(samples, name, row.clock)[1]:#.2g}".removesuffix(".")


def quartiles(row: Row, samples: Samples, name: str) -> str:
    low, middle, high = (f"{value:{'.2f' if value > 0.1 else '#.2g'}}" for value in ratio(samples, name, row.clock))
    return f"{middle} ({low}–{high})"


def ratio(samples: Samples, name: str, clock: str, to: str = REFERENCE) -> list[float]:
    """Quartiles of the ratios within each round."""
    pairs = zip(samples[name], samples[to], strict=True)
    return list(
        numpy.percentile([getattr(ours, clock) / getattr(theirs, clock) for ours, theirs in pairs], [25, 50, 75])
    )


def verdict(row: Row, samples: Samples) -> str:
    """Whether the goals that could be measured were reached, one word for each."""
    measured = [goal for goal in row.goals if {goal.library, goal.of} <= samples.keys()]
    return ", ".join("yes" if reached(goal, samples, row.clock) else "no" for goal in measured)


def reached(goal: AtMost, samples: Samples, clock: str) -> bool:
    plus = goal.plus_ms / 1000 / median(samples, goal.library, clock)
    return ratio(samples, goal.of, clock, goal.library)[1] <= goal.factor + plus


def median(samples: Samples, name: str, clock: str) -> float:
    return float(numpy.median([getattr(sample, clock) for sample in samples[name]]))


def amount(row: Row, value: float) -> str:
    return f"{value / 2**20:.3g} MiB" if row.memory else seconds(value / row.repeats)


def seconds(value: float) -> str:
    scale, unit = next((s, u) for s, u in ((1e-6, "µs"), (1e-3, "ms"), (1, "s")) if value < 1000 * s or u == "s")
    return f"{value / scale:.3g} {unit}"
