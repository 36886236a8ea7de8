"""One expression, evaluated with this package and with PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nbautograd


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
