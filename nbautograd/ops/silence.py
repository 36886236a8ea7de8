"""Numbers that overflow, or are none, are no reason to warn: torch is silent, and so is the engine.

The engine's own modules are told so once, in `core/array.py`. What NumPy and SciPy compute in Python modules of their
own warns there, and is called through here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def silently(function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """What `function` returns, without NumPy's warnings about numbers."""
    with np.errstate(all="ignore"):
        return function(*args, **settings)
