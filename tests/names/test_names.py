"""Which of torch's names are here: those that programs use, all of them, and every other one or why it is not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

import nbautograd as nb
from nbautograd.core.absent import ABSENCES, absence

from .page import PAGE, full, page, split, unexplained

TIERS = Path(__file__).with_name("tiers.txt")
"""The names that 458 public programs use, by how many use them."""


def used() -> list[Any]:
    """(tier, namespace, name) of each name in `TIERS`."""
    tier, found = "", []
    for line in TIERS.read_text().splitlines():
        if line.startswith("#"):
            tier = line.removeprefix("# ")
        else:
            space, _, listed = line.partition(": ")
            found += [pytest.param(space, name, id=f"{tier}: {space}.{name}") for name in listed.split()]
    return found


def look_up(space: str, name: str) -> Any:
    """What programs get who write that name."""
    if space == "Tensor":
        return getattr(nb.ones(1), name)
    if space == "any":  # a function, or a method, or one of linalg
        if hasattr(nb.Tensor, name):
            return getattr(nb.Tensor, name)
        space = "torch"
    *modules, last = f"{space}.{name}".removeprefix("torch").strip(".").split(".")
    owner = nb
    for module in modules:
        try:
            owner = importlib.import_module(f"{owner.__name__}.{module}")
        except (ImportError, AttributeError):
            owner = getattr(owner, module)
    return getattr(owner, last)


@pytest.mark.parametrize(("space", "name"), used())
def test_a_name_that_programs_use_is_here(space: str, name: str):
    look_up(space, name)


def test_every_name_of_torch_is_here_or_in_the_table_of_reasons():
    assert unexplained() == []


def test_the_page_of_what_is_supported_is_up_to_date():
    assert PAGE.read_text() == page(), "run: python -m tests.names.page"


def test_each_reason_speaks_of_some_name():
    missing = {absence(full(path, name)) for path, (_, names) in split().items() for name in names}
    assert [a.title for a in ABSENCES if a not in missing] == []
    assert absence("no_such_name") is None


MISSING = [
    ("torch", "sparse_coo_tensor", r"torch\.sparse_coo_tensor is not supported by nbautograd: .*\n  hint: "),
    ("torch.func", "rearrange", r"torch\.func\.rearrange is not supported by nbautograd: there is one way"),
    ("torch.distributed", "all_to_all", r"torch\.distributed\.all_to_all is not supported"),
    ("torch", "no_such_name", "module 'torch' has no attribute 'no_such_name'"),
    ("torch.Tensor", "to_sparse", r"torch\.Tensor\.to_sparse is not supported"),
    ("torch.Tensor", "no_such_name", "'Tensor' object has no attribute 'no_such_name'"),
    ("torch.nn", "SyncBatchNorm", r"torch\.nn\.SyncBatchNorm is not supported"),
    ("torch.nn", "NoSuchLayer", "module 'torch.nn' has no attribute 'NoSuchLayer'"),
    ("torch.cuda", "CUDAGraph", r"torch\.cuda\.CUDAGraph is not supported"),
    ("torch.jit", "load", r"torch\.jit\.load is not supported"),
]


@pytest.mark.parametrize(("space", "name", "text"), MISSING)
def test_a_name_that_is_not_here_says_why(space: str, name: str, text: str):
    owner = nb.ones(1) if space == "torch.Tensor" else importlib.import_module(f"nbautograd{space[5:]}")
    assert not hasattr(owner, name)
    assert getattr(owner, name, None) is None
    with pytest.raises(AttributeError, match=rf"(?s)^{text}"):
        getattr(owner, name)


def test_most_names_of_torch_are_here():
    found = split()
    assert sum(len(have) for have, _ in found.values()) > 1300
