"""Watched tensors: what they and their `.grad` were before a cell, and what they are after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MISSING = "—"
"""What stands for something that is not there, or has no numbers."""


class Watch:
    """Notes the named tensors of a namespace now, and says later how they changed."""

    def __init__(self, names: Sequence[str], namespace: Mapping[str, Any]) -> None:
        self._names = names
        self._namespace = namespace
        self._before = self._look()

    def report(self) -> str:
        """A line for each tensor and each gradient."""
        after = self._look()
        width = max(map(len, after), default=0)
        return "\n".join(f"{what:<{width}}  {_change(self._before[what], now)}" for what, now in after.items())

    def _look(self) -> dict[str, str]:
        seen: dict[str, str] = {}
        for name in self._names:
            tensor = self._namespace.get(name, MISSING)
            seen[name] = in_short(tensor)
            seen[f"{name}.grad"] = in_short(getattr(tensor, "_grad", MISSING))
        return seen


def _change(before: str, after: str) -> str:
    return f"{after}  (unchanged)" if before == after else f"{before} → {after}"


def in_short(value: Any) -> str:
    """A tensor's numbers on one line, most of a large one left out."""
    if value is None:
        return "None"
    data = np.asarray(getattr(value, "_data", value))
    if data.dtype.kind not in "biufc":
        return MISSING
    text = np.array2string(data, precision=4, threshold=6, edgeitems=2, separator=", ")
    return " ".join(text.split())
