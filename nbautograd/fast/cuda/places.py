"""Kernels that read or write at positions along one dimension, every other one in step.

NOTE [Places]
CuPy's advanced indices want an array of positions for each dimension, which kernels have to make first. Here a thread
works out where its element lies. What is added where threads may meet begins with zeros: that is a fill and a kernel,
in PyTorch too; with one position for each row no two meet, and it is one kernel.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

FIGURES = "int64 length, int64 width, int64 inner"
"""The length of what is read or written and of the positions along the dimension; the elements behind it."""
PLACE = """
long long place = index % length;
place += place < 0 ? length : 0;
"""
AT = "(i / (width * inner) * length + place) * inner + i % inner"

KERNELS = {
    "gather": (f"raw {{0}} x, int64 index, {FIGURES}", "{0} y", f"{PLACE}y = x[{AT}];"),
    "choose": (f"{{0}} x, int64 index, {FIGURES}", "{0} y", f"{PLACE}y = i / inner % length == place ? x : 0;"),
    "put": (f"{{0}} x, int64 index, {FIGURES}", "raw {0} y", f"{PLACE}y[{AT}] = x;"),
    "add": (f"{{0}} x, int64 index, {FIGURES}", "raw {0} y", f"{PLACE}atomicAdd(&y[{AT}], x);"),
}


@functools.cache
def _kernel(make: Any, name: str, dtype: str) -> Any:
    ins, outs, operation = KERNELS[name]
    return make(ins.format(dtype), outs.format(dtype), operation, f"nb_places_{name}", no_return=True)


def _launch(library: Any, name: str, x: Any, index: Any, out: Any, n: int, dim: int) -> None:
    figures = n, index.shape[dim], math.prod(index.shape[dim + 1 :])
    _kernel(library.ElementwiseKernel, name, x.dtype.name)(x, index, *figures, out)


def _suits(library: Any, x: Any, index: Any, kinds: str) -> bool:
    if x.__class__ is not library.ndarray or index.__class__ is not x.__class__:
        return False
    return 0 < x.ndim == index.ndim and x.dtype.char in kinds and index.dtype == np.int64 and x.size * index.size > 0


def gather(library: Any, x: Any, index: Any, *, dim: int) -> Any:
    if not _suits(library, x, index, "?bBhilfd"):
        return None
    dim %= x.ndim
    beside = tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape)])
    out = library.empty(index.shape, x.dtype)
    _launch(library, "gather", x[beside], index, out, x.shape[dim], dim)
    return out


def scatter_along(library: Any, x: Any, index: Any, *, shape: tuple[int, ...], dim: int) -> Any:
    if not _suits(library, x, index, "fd") or x.shape != index.shape or not shape[dim]:
        return None
    dim %= x.ndim
    if all(m == (1 if d == dim else n) for d, (m, n) in enumerate(zip(index.shape, shape, strict=True))):
        out = library.empty(shape, x.dtype)
        _launch(library, "choose", *(library.broadcast_to(a, shape) for a in (x, index)), out, shape[dim], dim)
        return out
    out = library.zeros(shape, x.dtype)
    beside = tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape)])
    _launch(library, "add", x, index, out[beside], shape[dim], dim)
    return out


def _written(name: str, kinds: str) -> Callable[..., Any]:
    """The adapter of an op that copies `x` and writes to the copy."""

    def adapter(library: Any, x: Any, index: Any, src: Any, *, dim: int) -> Any:
        if not _suits(library, src, index, kinds) or x.ndim != index.ndim or x.dtype != src.dtype or not x.size:
            return None
        dim, out = dim % x.ndim, x.copy()
        beside = tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape)])
        part = src[tuple([slice(n) for n in index.shape])]
        _launch(library, name, part, index, out[beside], x.shape[dim], dim)
        return out

    return adapter


ADAPTERS: dict[str, Callable[..., Any]] = {
    "gather": gather, "take_along_dim": gather, "scatter_along": scatter_along,
    "scatter": _written("put", "?bBhilfd"), "scatter_add": _written("add", "fd"),
}  # fmt: skip
