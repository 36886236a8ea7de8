"""The settings of an op as a person would write them: `[:, 0]`, `int64`; those that say nothing are left out."""

from __future__ import annotations

from typing import Any

import numpy as np

PLAIN = {"stride": 1, "dilation": 1, "groups": 1, "padding": 0, "output_padding": 0}
"""Settings that are hardly ever given, with the number that they then are, for each dimension."""
INNER = frozenset({"sample", "needs", "axes", "batch_sizes", "windows"})
"""What an op is handed for its own work, and no user has written."""
LONGEST = 60


def tells(name: str, value: Any) -> bool:
    """Whether a setting says something about the op."""
    if name in INNER:
        return False
    return name not in PLAIN or any(n != PLAIN[name] for n in (value if isinstance(value, tuple | list) else (value,)))


def setting(value: Any) -> str:
    """What a setting is, in at most some dozens of characters."""
    text = f"[{_index(value)}]" if _is_index(value) else _text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "…"


def _text(value: Any) -> str:
    if isinstance(value, np.dtype):
        return value.name
    return f"array {tuple(value.shape)}" if hasattr(value, "dtype") else repr(value)


def _is_index(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(part, slice) or part is Ellipsis for part in parts)


def _index(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_index, value))
    if isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop)]
        return ":".join(ends if value.step is None else [*ends, str(value.step)])
    return "…" if value is Ellipsis else _text(value)
