"""Writes down which file of the ops floor gives which names, for those that `import nbautograd` does not read.

python -m tests.ops.catalogue

See NOTE [Files are read when they are asked for] in `core/registry.py`.
"""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

import nbautograd
from nbautograd.core import op, public
from nbautograd.core.registry import Registry
from nbautograd.ops import catalogue

SECTIONS: dict[str, Registry[Any]] = {
    "OPS": op.TABLE,
    "FUNCTIONS": public.FUNCTIONS,
    "METHODS": public.METHODS,
    "FUNCTIONAL": public.FUNCTIONAL,
}
FLOOR = Path(nbautograd.__file__).parent / "ops"


def text() -> str:
    """The catalogue of the files as they are; to be asked for before any of them was read."""
    given = given_by_file()
    parts = ["\n".join([f'{name} = """', *lines(given[id(entries)]), '"""\n']) for name, entries in SECTIONS.items()]
    return "\n".join([f'"""{catalogue.__doc__}"""\n', *parts])


def given_by_file() -> dict[int, dict[str, set[str]]]:
    """What the code at the top of each file puts into each registry."""
    given: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    put = Registry.__setitem__

    def noted(self: Registry[Any], name: str, value: Any) -> None:
        frame: Any = sys._getframe()
        while frame.f_code.co_name != "<module>":
            frame = frame.f_back
        given[id(self)][frame.f_globals["__name__"].removeprefix("nbautograd.ops.")].add(name)
        put(self, name, value)

    Registry.__setitem__ = noted  # type: ignore[method-assign]
    for path in sorted(FLOOR.rglob("[!_]*.py")):
        importlib.import_module(".".join(["nbautograd.ops", *path.relative_to(FLOOR).with_suffix("").parts]))
    return given


def lines(given: dict[str, set[str]]) -> list[str]:
    """`file: name name …`, for the files in their order; a long one takes several lines."""
    names = [name for each in given.values() for name in each]
    assert len(names) == len(set(names)), "a name that two files give is theirs who is read last"
    return [
        f"{file}: {line}"
        for file in sorted(given)
        for line in textwrap.wrap(" ".join(sorted(given[file])), 118 - len(file), break_on_hyphens=False)
    ]


if __name__ == "__main__":
    sys.stdout.write(text()) if "--print" in sys.argv else Path(catalogue.__file__).write_text(text())
