"""The doctor: reads a trace and says what went wrong, one file per finding.

A finding's file is named after its code; its docstring is its manual page; `find(trace)` yields what it found. A new
finding
is a new file, nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from types import ModuleType

from nbautograd.trace.model import Finding, Trace

_modules: dict[str, ModuleType] = {}


def checks() -> dict[str, ModuleType]:
    """Every check by its code, such as `NB101`."""
    if not _modules:
        for module in pkgutil.iter_modules(__path__):
            if module.name.startswith("nb"):
                check = importlib.import_module(f"{__name__}.{module.name}")
                _modules[check.CODE] = check
    return _modules


def check(trace: Trace, mute: Collection[str] = (), only: Collection[str] = ("all",)) -> list[Finding]:
    """What the doctor finds in `trace`; `mute` and `only` name codes, their beginnings such as `NB1`, or `all`, `none`.

    Example:
        >>> import nbautograd as nb
        >>> x = nb.tensor(3.0, requires_grad=True)
        >>> with nb.trace() as t:
        ...     (x**2).backward()
        >>> nb.lint.check(t)
        []
    """
    return [
        finding
        for code, module in checks().items()
        if named(code, only) and not named(code, mute)
        for finding in module.find(trace)
    ]


def named(code: str, names: Collection[str]) -> bool:
    """Whether `names` speak of `code`: by itself, by its family `NB1xx`, or as `all`."""
    return "all" in names or code.startswith(tuple(name.rstrip("x") for name in names))


def manual(code: str) -> str:
    """The manual page of a finding.

    Raises: KeyError when there is no finding of that code.
    """
    return (checks()[code].__doc__ or "").strip()
