"""Text that nobody has vouched for, as one harmless line."""

from __future__ import annotations

import re

# Controls (a terminal obeys them), marks that turn the direction of reading, and what XML may not hold.
_UNFIT = re.compile("[\x00-\x20\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def clean(text: str, limit: int = 200) -> str:
    """Text as one harmless line of at most `limit` characters."""
    line = _UNFIT.sub(" ", text[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"
