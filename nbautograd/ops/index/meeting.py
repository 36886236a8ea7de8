"""Writing to places that repeat: what meets at one place is added up, multiplied or compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.array import CPU, cupy, is_cupy, ndarray, place
from nbautograd.fast import serve

FLAT = 256
"""From so many elements on NumPy is faster where all places are those of single elements in a flat array."""

ATOMIC = {"add": "iIQLefd", "maximum": "iIQLfd", "minimum": "iIQLfd"}
"""The dtypes for which a GPU, asked by CuPy, lets threads meet at one place."""


def add_at(out: Any, index: Any, values: Any) -> None:
    """Add `values` to `out[index]`, where several may go to one place."""
    rows = _rows(out, index) if out.__class__ is ndarray and out.flags.c_contiguous and values.size >= FLAT else None
    if rows is None:
        merge_at("add", out, index, values)
    else:
        width = math.prod(out.shape[_count(index) :])
        spread = np.broadcast_to(values, (*rows.shape, *out.shape[_count(index) :]))
        add_rows(out.reshape((-1, width)), rows.reshape(-1), spread.reshape((-1, width)))


def add_rows(out: Any, rows: Any, values: Any) -> None:
    """Add each row of `values` to the row of `out` whose number `rows` has."""
    width = out.shape[1]
    turns = _turns(rows) if width >= WIDE and rows.size else None
    if turns is not None and (last := turns.max()) < TURNS:
        for turn in range(last + 1):
            now = turns == turn
            out[rows[now]] += values[now]
        return
    places = rows if width == 1 else (rows.reshape((-1, 1)) * width + np.arange(width)).reshape(-1)
    np.add.at(out.reshape(-1), places, values.reshape(-1))


WIDE, TURNS = 128, 8
"""Rows of so many elements are added whole, those of one number in turns, unless that takes too many."""


def _turns(rows: Any) -> Any:
    """How many before it in `rows` have the same number."""
    order = rows.argsort(kind="stable")
    sorted_, places = rows[order], np.arange(rows.size)
    first = np.concatenate(([True], sorted_[1:] != sorted_[:-1]))
    turns = np.empty_like(places)
    turns[order] = places - np.maximum.accumulate(np.where(first, places, 0))
    return turns


add_rows = serve("add_rows", add_rows, at=2)


def elements_at(x: Any, index: Any) -> Any:
    """`x[index]`, where `index` has a part for every dimension."""
    places = _flat(x, index)
    return x[index] if places is None else x.take(places, mode="wrap")  # which need not look whether they exist


def rows_at(x: Any, index: Any) -> Any:
    """`x[index]`, where `index` are whole numbers: each row is copied at once where NumPy's `[]` goes by elements."""
    if x.__class__ is ndarray and index.__class__ is ndarray and x.flags.c_contiguous and index.dtype.kind in "iu":
        return x.take(index, axis=0)
    return x[index]


def write_at(out: Any, index: Any, values: Any) -> None:
    """`out[index] = values`, where `index` has a part for every dimension."""
    places = _flat(out, index)
    if places is None:
        out[index] = values
    else:
        out.reshape(-1)[places] = values


def _flat(x: Any, index: Any) -> Any:
    """The places that `index` means in the flat array, if they are many and it lies in one piece."""
    many = x.__class__ is ndarray and x.flags.c_contiguous and max([part.size for part in index]) >= FLAT
    return _rows(x, index) if many else None


def _count(index: Any) -> int:
    return len(index) if isinstance(index, tuple) else 1


def _rows(out: Any, index: Any) -> Any:
    """The numbers of the rows that `index` means, its dimensions counted as one.

    None if there are others in it than positions that exist, maybe behind whole dimensions.
    """
    parts = index if isinstance(index, tuple) else (index,)
    whole = next((i for i, part in enumerate(parts) if part.__class__ is not slice or part != slice(None)), 0)
    found, sizes = 0, out.shape[whole : len(parts)]
    for part, size in zip(parts[whole:], sizes):
        if part.__class__ is not ndarray or part.dtype.kind != "i":
            return None
        part, least = part.astype(np.int64, copy=False), part.min(initial=0)
        if part.max(initial=0) >= size or least < -size:
            return None
        found = found * size + (part if least == 0 else np.where(part < 0, part + size, part))
    if not whole:
        return found
    starts = np.arange(math.prod(out.shape[:whole])) * math.prod(sizes)
    return starts.reshape(out.shape[:whole] + (1,) * found.ndim) + found


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


def merge_elements_at(merge: str, out: Any, index: Any, values: Any) -> None:
    """`merge_at`, where `index` has a part for every dimension."""
    flat = _flat(out, index) if index else None
    if flat is None:
        merge_at(merge, out, index, values)
    else:
        merge_at(merge, out.reshape(-1), flat.reshape(-1), values.reshape(-1))


def counted(places: Any, count: int) -> Any:
    """How often each number below `count` comes. CuPy's own function makes the program wait."""
    if not is_cupy(places):
        return np.bincount(places, minlength=count)
    found = cupy().zeros(count, np.uint64)
    cupy().add.at(found, places, 1)
    return found.astype(np.int64)


def _on_host(merge: str, out: Any, index: Any, values: Any) -> None:
    parts = index if isinstance(index, tuple) else (index,)
    here = place(out, CPU)
    getattr(np, merge).at(here, tuple([place(i, CPU) for i in parts]), place(values, CPU))
    out[...] = cupy().asarray(here)
