"""Names of the ops floor that stand in a registry before the file that defines them has been read.

NOTE [Files are read when they are asked for]
The ops floor has some 150 files, a program needs a few dozen of them, and reading them all would be half of the time
that `import nbautograd` takes. So only the everyday files are read then. Of the others the names are known, from
`ops/catalogue.py`, and a file is read when somebody first asks for one of its names: as an op of the table, as
`torch.name`, as a method of a tensor. Nobody can see a registry half full: its keys are all names, and whoever goes
over its values has every file read.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TypeVar

V = TypeVar("V")


class Registry(MutableMapping[str, V]):
    """What the ops floor defines, by name; see NOTE [Files are read when they are asked for]."""

    def __init__(self) -> None:
        self.found: dict[str, V] = {}
        self.homes: dict[str, str] = {}
        """The modules that will give, once they are imported, names that may not be here yet."""

    def expect(self, homes: Mapping[str, str]) -> None:
        """Know that importing `homes[name]` puts `name` here."""
        self.homes.update(homes)

    def __getitem__(self, name: str) -> V:
        if name not in self.found and name in self.homes:
            importlib.import_module(self.homes[name])
        return self.found[name]

    def __setitem__(self, name: str, value: V) -> None:
        self.found[name] = value

    def __delitem__(self, name: str) -> None:
        del self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list({**self.found, **self.homes}))

    def __len__(self) -> int:
        return len({**self.found, **self.homes})
