"""One small program, run with this package and with PyTorch."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import nbautograd


@dataclass
class Library:
    """torch's name space, and those of its parts that the programs use."""

    torch: Any

    def __post_init__(self) -> None:
        self.func = importlib.import_module(f"{self.torch.__name__}.func")
        self.forward = importlib.import_module(f"{self.torch.__name__}.autograd.forward_ad")
        self.functional = importlib.import_module(f"{self.torch.__name__}.autograd.functional")
        self.F = self.torch.nn.functional

    def tensor(self, values: Any, **settings: Any) -> Any:
        return self.torch.tensor(values, dtype=self.torch.float64, **settings)


OURS = Library(nbautograd)


def theirs() -> Library:
    return Library(pytest.importorskip("torch"))


def plain(value: Any) -> Any:
    """Results as NumPy arrays and Python values: for a tensor, its numbers, its dtype and whether it requires grad."""
    if hasattr(value, "detach"):
        return np.asarray(value.detach().numpy()), str(value.dtype).rpartition(".")[2], value.requires_grad
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def assert_same(got: Any, expected: Any) -> None:
    assert type(got) is type(expected), (got, expected)
    if isinstance(expected, np.ndarray):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)
        assert got.shape == expected.shape
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected), (got, expected)
        for a, b in zip(got, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, dict):
        assert list(got) == list(expected)
        for key in expected:
            assert_same(got[key], expected[key])
    else:
        assert got == expected


def check(program: Any, *args: Any) -> None:
    """`program(library, *args)` gives with this package what it gives with PyTorch."""
    assert_same(plain(program(OURS, *args)), plain(program(theirs(), *args)))


def check_refused(program: Any, *args: Any) -> None:
    """Both refuse `program`, with the same class of error, and ours says what PyTorch says."""
    errors: list[BaseException | None] = []
    for library in (OURS, theirs()):
        caught: BaseException | None = None
        try:
            program(library, *args)
        except Exception as error:
            caught = error
        with contextlib.suppress(RuntimeError):  # a level that the program left open
            library.forward.exit_dual_level()
        errors.append(caught)
    got, expected = errors
    assert expected is not None
    assert type(got).__name__ == type(expected).__name__, got
    ours, words = ("".join(str(e).split()).replace("nbautograd", "torch") for e in (got, expected))
    assert ours.startswith(words), f"{got}\ninstead of\n{expected}"
