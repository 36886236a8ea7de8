"""Writing to places that repeat: what meets at one place is added up, multiplied or compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import CPU, cupy, is_cupy, place

ATOMIC = {"add": "iIQLefd", "maximum": "iIQLfd", "minimum": "iIQLfd"}
"""The dtypes for which a GPU, asked by CuPy, lets threads meet at one place."""


def add_at(out: Any, index: Any, values: Any) -> None:
    """Add `values` to `out[index]`, where several may go to one place."""
    merge_at("add", out, index, values)


def merge_at(merge: str, out: Any, index: Any, values: Any) -> None:
    """Bring `values` to `out[index]` by NumPy's function `merge`, one after the other where several go to one place."""
    if not is_cupy(out):
        getattr(np, merge).at(out, index, values)
    elif out.dtype.char in ATOMIC.get(merge, ""):
        getattr(cupy(), merge).at(out, index, values)
    elif merge == "add" and out.dtype.kind == "c":
        add_at(out.real, index, values.real)
        add_at(out.imag, index, values.imag)
    elif merge == "add":  # whole numbers that wrap around come to the same with and without a sign
        wide = out.astype(np.uint64)
        add_at(wide, index, values.astype(np.uint64))
        out[...] = wide
    else:
        _on_host(merge, out, index, values)


def _on_host(merge: str, out: Any, index: Any, values: Any) -> None:
    parts = index if isinstance(index, tuple) else (index,)
    here = place(out, CPU)
    getattr(np, merge).at(here, tuple([place(i, CPU) for i in parts]), place(values, CPU))
    out[...] = cupy().asarray(here)
