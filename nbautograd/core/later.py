"""Parts of a class that are worked out when somebody first asks for them.

NOTE [Entries are compiled when they are asked for]
To bind the parameter names of all rules to positions, and to make the call and the step of all entries, would be a
fifth of the time that importing the package takes, and a program uses a few dozen of them. So those parts of an entry
are `later` ones: what is worked out is put on the entry itself, where Python finds it first from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class _Later:
    def __init__(self, work: Callable[[Any], None]) -> None:
        self.work = work

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, nothing: None, cls: type[Any]) -> Any:
        self.work(cls)
        return cls.__dict__[self.name]


def later(work: Callable[[Any], None]) -> Any:
    """A class's attribute that `work(cls)` sets when it is first asked for."""
    return _Later(work)
