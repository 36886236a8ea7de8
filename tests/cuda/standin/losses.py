"""Kernels of losses: NumPy's references stand in for their C++."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def nll(
    x: Any, y: Any, w: Any, weighed: Any, ignored: Any, classes: Any, inner: Any, index: Any, scale: Any, loss: Any
) -> None:
    i, kept = np.arange(y.size).reshape(y.shape), y != ignored
    index[...] = np.where(kept, y, 0)
    scale[...] = kept * (w.reshape(-1)[index % classes] if weighed else 1)
    found = x.reshape(-1)[(i // inner * classes + index % classes) * inner + i % inner]
    loss[...] = np.where(kept, -found * scale, 0)


def nll_backward(g: Any, index: Any, scale: Any, classes: Any, inner: Any, y: Any) -> None:
    place = np.arange(y.size).reshape(y.shape) // inner % classes
    y[...] = np.where(place == index % classes, -np.where(np.isnan(scale), 0, scale) * g, 0)


REFERENCE: dict[str, Callable[..., None]] = {f"nb_losses_{f.__name__}": f for f in (nll, nll_backward)}
