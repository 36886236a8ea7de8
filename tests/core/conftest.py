"""Runs a small program on PyTorch and on nbautograd, and compares what it printed and raised."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stdout
from typing import Any

import pytest


def outcome(program: str, torch: Any) -> str:
    """What `program` prints, warns and raises with `torch` as its library; of errors the class and the first line."""
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(out):
        warnings.simplefilter("always")
        try:
            exec(compile(program, "<program>", "exec"), {"torch": torch, "np": __import__("numpy")})
        except Exception as error:
            print(f"{type(error).__name__}: {str(error).splitlines()[0][:160]}")
    told = [w for w in caught if w.category is UserWarning and "reference cycle" not in str(w.message)]
    warned = [w.category.__name__ for w in told]
    return out.getvalue() + "\n".join(warned)


@pytest.fixture
def same_as_torch() -> Any:
    """A function that asserts that a program does the same on both libraries."""
    torch = pytest.importorskip("torch")
    import nbautograd

    def check(program: str) -> None:
        assert outcome(program, nbautograd) == outcome(program, torch)

    return check
