"""Command line: measure all rows and write RESULTS.md, or measure the named rows only."""

import argparse
from pathlib import Path

from . import report
from .libraries import FAST, REFERENCE, SUBJECT, installed
from .measure import check, interleave
from .row import Row, shown
from .rows import ROWS

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help="words of the rows, such as `mlp` or `0-d`; without them all rows")
    parser.add_argument("--rounds", type=int, default=7, help="rounds over the libraries; 3 for a quick look")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--check", action="store_true", help=f"only compare the results with {REFERENCE}'s")
    parser.add_argument("--fast", action="store_true", help=f"only the rows and libraries that `{FAST}` is compared in")
    options = parser.parse_args()
    rows = [row for row in ROWS if wanted(row, options.rows)]
    if options.fast:
        rows = [row for row in rows if FAST in row.sides]
        shown.intersection_update((REFERENCE, SUBJECT, FAST))
    if options.list:
        print(*(row.name for row in rows), sep="\n")
        return
    if REFERENCE not in installed():
        raise SystemExit(f"Every figure is a ratio to {REFERENCE}'s: pip install {REFERENCE}")
    for row in rows:
        check(row)
    print(f"The libraries' results in {len(rows)} rows agree.", flush=True)
    if not options.check:
        lines = measured(rows, options.rounds)
        if rows == ROWS:
            RESULTS.write_text("\n".join(["# Benchmark results", "", *lines, ""]))


def wanted(row: Row, words: list[str]) -> bool:
    return not words or any(word.lower() in row.name.lower() for word in words)


def measured(rows: list[Row], rounds: int) -> list[str]:
    """The lines of the table, each printed as soon as it is known."""
    lines = [*report.conditions(rounds), "", *report.head()]
    print(*lines, sep="\n", flush=True)
    for row in rows:
        samples = interleave({name: row.sides[name](module).step for name, module in row.present().items()}, rounds)
        lines.append(report.line(row, samples))
        print(lines[-1], flush=True)
    return lines


if __name__ == "__main__":
    main()
