"""Two commits side by side: `python -m benchmarks.compare main~5 [rows …]` tells what got slower since.

Each commit runs in a process of its own, from a work tree of its own, and the two take turns: A B A B. Told is the
ratio of their CPU times per step, new to old, with its quartiles; a row whose lower quartile is above the limit fails.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy

from .libraries import CAPTURED, SUBJECT

ROOT = Path(__file__).parents[1]
LIMIT = 1.1  # less is noise on most machines


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
        files = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=files, check=True)
        yield Path(folder)


class Worker:
    """A process that times rows with the code of one folder."""

    def __init__(self, folder: Path) -> None:
        harness = [sys.executable, "-c", WORKER, str(ROOT)]
        env = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(harness, cwd=folder, env=env, text=True, stdin=-1, stdout=-1)

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()


# The rows and the clock are those of the newer files, so that both commits do and time the same.
WORKER = """
import importlib, sys
sys.path.append(sys.argv[1])
import nbautograd
for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
    del sys.modules[name]
sys.path.insert(0, sys.argv[1])
from benchmarks.measure import calls_per_round, sample
from benchmarks.rows import ROWS
sides = [(row, side) for row in ROWS for side in ("nbautograd", "captured") if side in row.sides]
rows = {f"{row.name}|{side}": row.sides[side] for row, side in sides}
ready = {}
for line in sys.stdin:
    name = line.rstrip()
    if name == "list":
        print("\\t".join(rows), flush=True)
        continue
    try:
        if name not in ready:
            step = rows[name](nbautograd).step
            ready.clear()
            ready[name] = step, calls_per_round(step)
        print(sample(*ready[name]).cpu, flush=True)
    except Exception as error:
        print(f"! {error!r}"[:200].replace("\\n", " "), flush=True)
"""


def compare(old: Path, new: Path, words: list[str], rounds: int) -> list[str]:
    """Print a line per row; returns the rows that got slower."""
    workers = Worker(old), Worker(new)
    slower: list[str] = []
    for name in workers[1].ask("list").split("\t"):
        if words and not any(word.lower() in name.lower() for word in words):
            continue
        row, side = name.split("|")
        shown = row if side == SUBJECT else f"{row}, {CAPTURED}"
        answers = [[worker.ask(name) for worker in workers] for _ in range(rounds)]
        failed = next((a for pair in answers for a in pair if a.startswith("!")), None)
        if failed:
            print(f"{shown:<50} {failed}", flush=True)
            continue
        ratios = [float(b) / float(a) for a, b in answers]
        low, middle, high = numpy.percentile(ratios, [25, 50, 75])
        print(f"{shown:<50} {middle:.2f} ({low:.2f}–{high:.2f})", flush=True)
        if low > LIMIT:
            slower.append(shown)
    return slower


if __name__ == "__main__":
    main()
