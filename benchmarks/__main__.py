"""Command line: measure all rows and write RESULTS.md, or measure the named rows only."""

import argparse
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy

from . import chart, report, untraced
from .libraries import LIBRARIES, REFERENCE, SUBJECT, installed
from .report import Samples
from .row import Row, wanted
from .rows import EVERY, ROWS
from .worker import Results, Worker

RESULTS = Path(__file__).with_name("RESULTS.md")
CUDA_RESULTS = Path(__file__).with_name("RESULTS-CUDA.md")
CHART = Path(__file__).with_name("results.svg")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help="words of the rows, such as `mlp` or `0-d`; without them all rows")
    parser.add_argument("--rounds", type=int, default=7, help="rounds over the libraries; 3 for a quick look")
    parser.add_argument("--only", nargs="+", metavar="LIBRARY", choices=LIBRARIES, help="columns of the table")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: the rows for a GPU")
    parser.add_argument("--check", action="store_true", help=f"only compare the results with {REFERENCE}'s")
    options = parser.parse_args()
    rows = [row for row in EVERY if row.device == options.device and wanted(row.name, options.rows)]
    cases = [case for case in untraced.CASES if options.device == "cpu" and wanted(case.name, options.rows)]
    if not rows and not cases:
        raise SystemExit(f"No row for {options.device} has {' or '.join(map(repr, options.rows))} in its name: --list")
    if options.list:
        print(*(row.name for row in (*rows, *cases)), sep="\n")
        return
    present = installed()
    if REFERENCE not in present:
        raise SystemExit(f"Every figure is a ratio to {REFERENCE}'s: pip install {REFERENCE}")
    if options.device == "cuda" and not (torch_has_gpu() and importlib.util.find_spec("cupy")):
        raise SystemExit("The rows for a GPU need one, CuPy, and a PyTorch with CUDA")
    if options.only:
        present = [name for name in present if name in (REFERENCE, *options.only)]
    if options.check:
        with workers(present) as at_work:
            for row in rows:
                check(row, at_work)
        print(f"The libraries' results in {len(rows)} rows agree.", flush=True)
        return
    lines = report.start(present, options.rounds, options.device)
    print(*lines, sep="\n", flush=True)
    figures = {}
    for row in rows:
        with workers([name for name in present if name in row.sides], row.threads) as at_work:
            check(row, at_work)
            figures[row.name] = interleave(at_work, options.rounds)
        lines.append(report.line(row, figures[row.name], present))
        print(lines[-1], flush=True)
    if cases and not options.only:
        table = ["", *untraced.HEAD, *(untraced.line(case, options.rounds) for case in cases)]
        print(*table, sep="\n", flush=True)
        lines += table
    if options.device == "cuda" and not options.only and not options.rows:
        CUDA_RESULTS.write_text("\n".join(["# Benchmark results on a GPU", "", *lines, ""]))
    if rows == ROWS and not options.only:
        CHART.write_text(chart.drawn(rows, figures))
        RESULTS.write_text("\n".join(["# Benchmark results", "", f"![bars]({CHART.name})", "", *lines, ""]))


def torch_has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@contextmanager
def workers(libraries: list[str], threads: int = 1) -> Iterator[dict[str, Worker]]:
    """A process for each library."""
    at_work = {name: Worker(name, threads) for name in libraries}
    try:
        yield at_work
    finally:
        for worker in at_work.values():
            worker.close()


def check(row: Row, at_work: dict[str, Worker]) -> None:
    """Let every library take its first steps, and compare what they give."""
    results = {}
    for name in at_work.keys() & row.sides.keys():
        at_work[name].start(row.name)
        results[name] = at_work[name].results()
    compare(row, results)


def compare(row: Row, results: dict[str, Results]) -> None:
    """Raise unless what the steps of every library gave is what torch's gave.

    Ours give all that torch gives, the others perhaps only the first of it. Where a model learns, only the first step
    tells all: one number next to zero on the other side of a ReLU, and later gradients differ by a hundredth.
    """
    for name, moments in results.items():
        for result, expected in zip(moments, results[REFERENCE], strict=True):
            part = len(result) if result and LIBRARIES[name] != LIBRARIES[SUBJECT] else None
            for got, right in zip(result, expected[:part], strict=True):
                apart = max(1e-6, row.rtol * float(numpy.abs(right).max(initial=0)))  # where large numbers cancel out
                numpy.testing.assert_allclose(got, right, rtol=row.rtol, atol=apart, err_msg=f"{row.name}: {name}")


def interleave(at_work: dict[str, Worker], rounds: int) -> Samples:
    calls = {name: worker.calls_per_round() for name, worker in at_work.items()}
    samples: Samples = {name: [] for name in at_work}
    for _ in range(rounds):
        for name, worker in at_work.items():
            samples[name].append(worker.sample(calls[name]))
    return samples


if __name__ == "__main__":
    main()
