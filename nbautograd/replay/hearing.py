"""Whether a step prints while it is written down: its program would be silent."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any


class Hearing:
    """Standard output as it is, which remembers whether anything was written to it.

    Only that: what goes to standard error are warnings, which Python gives once.
    """

    def __init__(self) -> None:
        self._stream = sys.stdout
        self.anything = False

    def __enter__(self) -> Hearing:
        self._redirected = redirect_stdout(self)  # type: ignore[type-var]  # it is written to, and asked for the rest
        self._redirected.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._redirected.__exit__(*error)

    def write(self, text: str) -> int:
        self.anything = True
        return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        self.anything = True
        self._stream.writelines(lines)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
