"""The benchmark runs from the command line. What it measures is nobody's to assert; that it runs and agrees is."""

import subprocess
import sys
from pathlib import Path

import pytest

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
    row = run("add", "--rounds", "1", "--only", "nbautograd", "NumPy")[-1]
    assert row.startswith("| add 0-d, forward + record")
    assert row.count("missing") == 3  # mygrad, HIPS autograd and micrograd have a side, and were not asked for
