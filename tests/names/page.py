"""Writes docs/SUPPORTED.md: every public name of torch, whether it is here, and if not, why.

python -m tests.names.page
"""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from nbautograd.core.absent import ABSENCES, absence

from .collect import NAMES, space

PAGE = Path(__file__).parents[2] / "docs" / "SUPPORTED.md"

TOP = """# What of torch is here

Made from the names of PyTorch {version} by `python -m tests.names.page`; a test fails when this page is stale.
Of its {total} public names in {spaces} namespaces, {here} are here. Asking for one that is not says why:

```
{example}
```
"""


def names() -> dict[str, list[str]]:
    """torch's public names by namespace."""
    return json.loads(NAMES.read_text())["names"]


def here(path: str, name: str) -> bool:
    """Whether the name is in our namespace of that path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            owner = space(path, "nbautograd")
        except ModuleNotFoundError as error:
            if error.name is None or not f"nbautograd{path.removeprefix('torch')}".startswith(error.name):
                raise
            return False
        return hasattr(owner, name)


@cache
def split() -> dict[str, tuple[list[str], list[str]]]:
    """Per namespace the names that are here, and those that are not."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path, listed in names().items():
        sorted_out = defaultdict(list)
        for name in listed:
            sorted_out[here(path, name)].append(name)
        found[path] = sorted_out[True], sorted_out[False]
    return found


def full(path: str, name: str) -> str:
    """`nn.Linear` for `Linear` in `torch.nn`."""
    return f"{path}.{name}".removeprefix("torch.")


def unexplained() -> list[str]:
    """The names that are neither here nor in the table of reasons."""
    return [full(path, n) for path, (_, missing) in split().items() for n in missing if absence(full(path, n)) is None]


def page() -> str:
    """The whole text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    found = split()
    total, present = sum(map(len, names().values())), sum(len(have) for have, _ in found.values())
    version = json.loads(NAMES.read_text())["version"]
    yield TOP.format(version=version, total=total, spaces=len(found), here=present, example=_example())
    yield "| namespace | names | here | not here |\n|---|---|---|---|"
    for path, (have, missing) in found.items():
        link = f"[`{path}`](#{path.replace('.', '').lower()})"
        yield f"| {link} | {len(have) + len(missing)} | {len(have)} | {len(missing)} |"
    yield "\n# What is not here, and why\n"
    yield from _reasons(found)
    yield "# What is here\n"
    for path, (have, _) in found.items():
        yield f"## {path}\n\n{_listed(have)}\n"


def _reasons(found: dict[str, tuple[list[str], list[str]]]) -> Iterator[str]:
    by_reason = defaultdict(list)
    for path, (_, missing) in found.items():
        for name in missing:
            by_reason[absence(full(path, name))].append(full(path, name))
    for reason in (*ABSENCES, None):
        if reason not in by_reason:
            continue
        title, why, hint = (reason.title, reason.why, reason.hint) if reason else ("Not yet", "nobody wrote it yet", "")
        yield f"## {title}\n\n{why[0].upper()}{why[1:]}.{f' Instead: {hint}.' if hint else ''}\n"
        yield f"{_listed(by_reason[reason])}\n"


def _listed(found: list[str]) -> str:
    return " ".join(f"`{name}`" for name in found) or "Nothing."


def _example() -> str:
    import nbautograd

    try:
        nbautograd.sparse_coo_tensor  # noqa: B018
    except AttributeError as error:
        return f"AttributeError: {error}"
    return ""


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE}; unexplained: {' '.join(unexplained()) or 'none'}")
