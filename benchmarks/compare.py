"""Two commits side by side: `python -m benchmarks.compare main~5 [rows …]` tells what got slower since.

Each commit runs in a process of its own, from a work tree of its own, and the two take turns: A B A B. Told is the
ratio of their CPU times per step, new to old, with its quartiles; a row whose lower quartile is above the limit fails.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy

from .libraries import CAPTURED, RECORDED, SUBJECT
from .row import Row, wanted
from .rows import ROWS
from .worker import ROOT, SideError, Worker

LIMIT = 1.1  # less is noise on most machines
SIDES = (SUBJECT, CAPTURED, RECORDED)  # to compile the kernels of two commits would take minutes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("old", help="the commit to compare with")
    parser.add_argument("rows", nargs="*", help="words of the rows; without them all rows that both commits have")
    parser.add_argument("--new", help="another commit than the files here")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tree(options.old) as old, tree(options.new) as new:
        slower = compare(old, new, options.rows, options.rounds)
    if slower:
        raise SystemExit(f"slower: {', '.join(slower)}")


@contextmanager
def tree(commit: str | None) -> Iterator[Path]:
    """The folder of a commit; this one for None."""
    if commit is None:
        yield ROOT
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
        if archive.returncode:
            raise SystemExit(archive.stderr.decode().strip())
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


def compare(old: Path, new: Path, words: list[str], rounds: int) -> list[str]:
    """Print a line per row; returns the rows that got slower."""
    slower: list[str] = []
    rows = [row for row in ROWS if wanted(row.name, words) and row.threads == 1]
    if not rows:
        raise SystemExit(f"No row has {' or '.join(map(repr, words))} in its name")
    for row, side in [(row, side) for row in rows for side in SIDES if side in row.sides]:
        name = row.name if side == SUBJECT else f"{row.name}, {side}"
        try:
            low, middle, high = ratios(row, side, (old, new), rounds)
        except SideError as error:
            print(f"{name:<50} {str(error).strip().splitlines()[-1]}", flush=True)
            continue
        print(f"{name:<50} {middle:.2f} ({low:.2f}–{high:.2f})", flush=True)
        if low > LIMIT:
            slower.append(name)
    return slower


def ratios(row: Row, side: str, folders: tuple[Path, Path], rounds: int) -> list[float]:
    """Quartiles of the second folder's CPU time (or memory) relative to the first's, the two taking turns."""
    workers = [Worker(side, code=folder) for folder in folders]
    try:
        for worker in workers:
            worker.start(row.name)
        calls = [worker.calls_per_round() for worker in workers]
        turns = [[worker.sample(n) for worker, n in zip(workers, calls, strict=True)] for _ in range(rounds)]
    finally:
        for worker in workers:
            worker.close()
    pairs = [[getattr(sample, row.clock) for sample in turn] for turn in turns]
    return list(numpy.percentile([new / old for old, new in pairs], [25, 50, 75]))


if __name__ == "__main__":
    main()
