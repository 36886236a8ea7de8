"""The benchmark runs from the command line. What it measures is nobody's to assert; that it runs and agrees is."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from benchmarks.__main__ import compare
from benchmarks.row import Row

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_rows_are_listed():
    assert {"import", "add 0-d, forward + record"} <= set(run("--list"))


def test_every_row_agrees_with_pytorch():
    pytest.importorskip("torch")
    assert run("--check")[-1].endswith("agree.")


def test_a_row_has_a_figure_for_every_library():
    pytest.importorskip("torch")
    *_, head, _, row = run("add", "--rounds", "1", "--only", "nbautograd", "NumPy")
    names, figures = ([cell.strip() for cell in line.strip("| ").split("|")] for line in (head, row))
    assert names == ["workload", "torch", "nbautograd", "wall", "goal", "reached", "NumPy"]
    assert figures[0] == "add 0-d, forward + record"
    assert all(figures)


def test_what_tracing_costs_while_it_is_off_is_told_for_each_op():
    pytest.importorskip("torch")
    names = [name for name in run("--list") if name.startswith("tracing off")]
    rows = [line.strip("| ").split(" | ") for line in run("tracing", "--rounds", "1")[-len(names) :]]
    assert [name for name, *_ in rows] == names
    assert all(float(ratio.split()[0]) for *_, ratio in rows)


def test_a_row_that_does_not_exist_is_an_error():
    command = [sys.executable, "-m", "benchmarks", "nosuchrow"]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "'nosuchrow'" in failed.stderr


RIGHT = [numpy.float32(2.0), numpy.float32([1.0, 1e-9])]


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("nbautograd", [2.001, RIGHT[1]]),
        ("nbautograd", [2.0, RIGHT[1] * 2]),
        ("captured", RIGHT[:1]),
        ("JAX", [2.001]),
        ("JAX", [numpy.nan]),
    ],
)
def test_a_wrong_result_is_not_timed(name: str, result: list[Any]):
    row = Row("a row", ())
    good = {"torch": (RIGHT, RIGHT[:1]), "nbautograd": (RIGHT, RIGHT[:1]), "JAX": (RIGHT[:1], RIGHT[:1])}
    compare(row, good)
    with pytest.raises((AssertionError, ValueError)):
        compare(row, good | {name: (result, RIGHT[:1])})
    with pytest.raises((AssertionError, ValueError)):
        compare(row, good | {name: (good.get(name, good["torch"])[0], [RIGHT[0] * 2])})
