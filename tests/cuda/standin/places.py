"""Kernels that read or write at positions: NumPy's references stand in for their C++."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _places(index: Any, n: int, width: int, inner: int) -> Any:
    i = np.arange(index.size).reshape(index.shape)
    return (i // (width * inner) * n + index % n) * inner + i % inner


def gather(x: Any, index: Any, n: int, width: int, inner: int, y: Any) -> None:
    y[...] = x.reshape(-1)[_places(index, n, width, inner)]


def choose(x: Any, index: Any, n: int, width: int, inner: int, y: Any) -> None:
    i = np.arange(index.size).reshape(index.shape)
    y[...] = np.where(i // inner % n == index % n, x, x.dtype.type(0))


def put(x: Any, index: Any, n: int, width: int, inner: int, y: Any) -> None:
    found = y.reshape(-1).copy()
    found[_places(index, n, width, inner).reshape(-1)] = x.reshape(-1)
    y[...] = found.reshape(y.shape)


def add(x: Any, index: Any, n: int, width: int, inner: int, y: Any) -> None:
    total = np.zeros(y.size, y.dtype)
    np.add.at(total, _places(index, n, width, inner).reshape(-1), x.reshape(-1))
    y += total.reshape(y.shape)


REFERENCE: dict[str, Callable[..., None]] = {f"nb_places_{f.__name__}": f for f in (gather, choose, put, add)}
