"""What CuPy offers (facts.json, written by `facts.py`), and functions that accept exactly the arguments it does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def dtype_of(char: str) -> np.dtype:
    """The dtype that a letter in the facts stands for; E is bfloat16, which NumPy itself does not know."""
    if char != "E":
        return np.dtype(char)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "facts.json").read_text())


def binder(name: str, text: str) -> Callable[..., dict[str, Any]]:
    """A function with the parameters `text` that returns its arguments by name, and refuses what CuPy would refuse."""
    space: dict[str, Any] = {}
    clean = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"'\1'", text)
    exec(f"def {name}{re.sub('<[^>]*>', 'None', clean)}: return locals()", space)
    return space[name]
