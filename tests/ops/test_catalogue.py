"""Names whose files have not been read yet are there as all others are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nbautograd.core.op import TABLE
from nbautograd.ops import catalogue

ROOT = Path(__file__).parents[2]


def fresh(*arguments: str) -> str:
    """What a new Python prints, which has read the everyday files only."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_catalogue_is_that_of_the_files_as_they_are() -> None:
    printed = fresh("-m", "tests.ops.catalogue", "--print")
    assert printed == Path(catalogue.__file__).read_text(), "python -m tests.ops.catalogue writes it anew"


def test_a_file_is_read_when_one_of_its_names_is_asked_for() -> None:
    code = """
import sys, nbautograd as torch
from nbautograd.core.op import TABLE
from nbautograd.nn import functional
read = lambda file: f"nbautograd.ops.{file}" in sys.modules
assert "svd" in dir(torch) and "svd" in dir(torch.Tensor) and "ctc_loss" in dir(functional)
print(read("linalg.spectrum"), read("special.gamma"), read("loss.ctc"), read("complex.directions"))
torch.eye(2).svd(), torch.lgamma, functional.ctc_loss, TABLE["angle"]
print(read("linalg.spectrum"), read("special.gamma"), read("loss.ctc"), read("complex.directions"))
"""
    assert fresh("-c", code).split() == ["False"] * 4 + ["True"] * 4


def test_a_method_that_a_user_put_in_the_place_of_an_expected_one_stays() -> None:
    code = """
import nbautograd as torch
torch.Tensor.svd = lambda self: "mine"
torch.linalg.svd(torch.eye(2))
print(torch.eye(2).svd(), type(torch.eye(2).svd).__name__)
"""
    assert fresh("-c", code).split() == ["mine", "method"]


def test_an_unknown_name_is_refused_as_ever() -> None:
    code = """
import nbautograd as torch
for owner in torch, torch.Tensor, torch.eye(2), torch.nn.functional:
    print(hasattr(owner, "no_such_name"))
"""
    assert fresh("-c", code).split() == ["False"] * 4


def test_whoever_goes_over_a_registry_sees_all_of_it() -> None:
    code = "from nbautograd.core.op import TABLE; print(len(TABLE), len(list(TABLE.values())), len(TABLE.found))"
    assert len({*fresh("-c", code).split()}) == 1
    assert all(op.name == name for name, op in TABLE.items())
