"""The examples that tutorials show: each prints, warns and raises what it does with PyTorch."""

from pathlib import Path

import pytest

import nbautograd

from .outcome import PROGRAMS, outcome, stored

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)


@each_program
def test_a_seed_does_what_pytorch_does(program: Path):
    assert outcome(program, nbautograd) == stored(program).read_text()


@each_program
def test_the_stored_outcome_is_pytorchs_own(program: Path):
    torch = pytest.importorskip("torch")
    assert outcome(program, torch) == stored(program).read_text()
