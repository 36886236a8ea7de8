"""Modules made without drawing their weights."""

from __future__ import annotations

import inspect
from typing import Any

from nbautograd.nn.module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module whose weights somebody else will fill in; here drawing them first is all that it costs.

    Raises: RuntimeError for a class that takes no `device`.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    return module_cls(*args, **kwargs)
