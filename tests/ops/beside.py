"""One expression, evaluated with this package and with PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nbautograd

from .table import OURS, Library, Ran, array, gradients, second


def outcome(expression: str, library: Any) -> str:
    """What a notebook would show: the `repr`, or class and first line of the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(
                eval(expression, {"torch": library, "np": np, "F": library.nn.functional, "inf": np.inf, "nan": np.nan})
            )
        except Exception as error:
            return f"{type(error).__name__}: {str(error).partition(chr(10))[0].strip()}"


def both(expression: str) -> tuple[str, str]:
    """The outcome here and the outcome in PyTorch."""
    torch = pytest.importorskip("torch")
    return outcome(expression, nbautograd), outcome(expression, torch).replace("torch::autograd::", "")


def expressions(text: str) -> Any:
    """A parametrisation with one expression per line."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return pytest.mark.parametrize("expression", lines)


def same_derivatives(function: Any, *arrays: np.ndarray, rtol: float = 1e-7, second_order: bool = True) -> None:
    """Assert that `function(library, *tensors)` has torch's values, gradients and second derivatives."""
    torch = Library(pytest.importorskip("torch"))
    ours, theirs = (_run(function, library, arrays) for library in (OURS, torch))
    for got, expected in zip(ours.outputs, theirs.outputs, strict=True):
        _assert_close(array(got), array(expected), rtol)
    rows = [(_numbers(gradients(ours)[0]), _numbers(gradients(theirs, torch)[0]))]
    if second_order:
        rows.append((second(_run(function, OURS, arrays)), second(_run(function, torch, arrays), torch)))
    for found, wanted in rows:
        for got, expected in zip(found, wanted, strict=True):
            if got is None or expected is None:
                np.testing.assert_allclose(0 if got is None else got, 0 if expected is None else expected, atol=1e-12)
            else:
                _assert_close(got, expected, rtol)


def _numbers(tensors: list[Any]) -> list[Any]:
    return [None if t is None else array(t) for t in tensors]


def _run(function: Any, library: Library, arrays: Any) -> Ran:
    leaves: list[Any] = []
    tensors = [library.tensor(a, leaves, True) for a in arrays]
    return Ran(list(function(library.module, *tensors)), leaves)


def _assert_close(got: np.ndarray, expected: np.ndarray, rtol: float) -> None:
    assert got.dtype == expected.dtype
    size = float(np.abs(expected[np.isfinite(expected)]).max(initial=1.0))
    np.testing.assert_allclose(got, expected, rtol, rtol * size)
