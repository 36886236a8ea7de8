"""Parts of a class that are worked out when somebody first asks for them.

NOTE [Entries are compiled when they are asked for]
To bind the parameter names of all rules to positions, and to make the call and the step of all entries, would be a
fifth of the time that importing the package takes, and a program uses a few dozen of them. So those parts of an entry
are `later` ones: what is worked out is put on the entry itself, where Python finds it first from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Later:
    """See `later`."""

    def __init__(self, work: Callable[[Any], None], name: str) -> None:
        self.work = work
        self.name = name

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, cls: type[Any]) -> Any:
        self.work(cls)
        return getattr(cls if instance is None else instance, self.name)


def later(work: Callable[[Any], None], name: str = "") -> Any:
    """A class's attribute that `work(cls)` sets when it is first asked for; its `name`, if no class body gives it."""
    return Later(work, name)
