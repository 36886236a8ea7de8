"""Which functions of the op table have kernels written by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import losses, places, rows, windows

ADAPTERS = {**rows.ADAPTERS, **losses.ADAPTERS, **places.ADAPTERS, **windows.ADAPTERS}


def served(name: str, text: Callable[..., Any], library: Any) -> Callable[..., Any]:
    """`text`, or a function that lets a kernel written by hand do its work where it can."""
    adapter = ADAPTERS.get(name)
    if adapter is None:
        return text

    @functools.wraps(text)
    def by_rows(*args: Any, **settings: Any) -> Any:
        found = adapter(library, *args, **settings)
        return text(*args, **settings) if found is None else found

    by_rows.__kwdefaults__ = text.__kwdefaults__
    return by_rows
