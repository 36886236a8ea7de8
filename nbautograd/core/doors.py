"""Blocks that switch something, and how all of it is put back when no door was left to do so.

NOTE [Doors]
Python may raise KeyboardInterrupt between any two lines. Whatever moment it chooses, a `with` block whose door has
finished opening must be closed, and one whose door has not must leave everything as it was. So both ends of a `Door`
put back what was there before, twice if need be. One moment is beyond any library, as it is beyond PyTorch: when Python
has called `__exit__` and that has not begun. Whoever ran the code, as the notebook runs a cell, can put back what was
switched on before it, by `noted`.
"""

from __future__ import annotations

from typing import Any

THREADS: list[Any] = []
"""What each thread has switched: objects (`threading.local`) all of whose attributes are such settings."""


class Door:
    """A `with` block inside which something is switched; see NOTE [Doors]."""

    given: Any = None
    """What `with … as` gives."""

    def __init__(self) -> None:
        self._before: list[Any] = []

    def read(self) -> Any:
        """How it is switched now."""
        raise NotImplementedError

    def put(self, value: Any) -> Any:
        """Switch it: to do so twice is to do so once."""
        raise NotImplementedError

    def inside(self, before: Any) -> Any:
        """How it is switched inside."""
        raise NotImplementedError

    def __enter__(self) -> Any:
        before = self.read()
        self._before.append(before)
        try:
            self.put(self.inside(before))
            return self.given
        except BaseException:
            self.put(before)
            raise

    def __exit__(self, *exc: object) -> None:
        before = self._before[-1]
        try:
            self.put(before)
        finally:  # an interrupt may have come in the middle
            self.put(before)
        self._before.pop()


class Switch(Door):
    """A door that has switched already when it is made: `set_grad_enabled(False)` does so with and without `with`."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self._value = value
        self._first = self.read()
        super().__enter__()

    def inside(self, before: Any) -> Any:
        return self._value

    def __exit__(self, *exc: object) -> None:
        self._before = [self._first]
        super().__exit__(*exc)
