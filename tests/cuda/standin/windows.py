"""Kernels of pools: the op table's own text, on NumPy's arrays, stands in for their C++."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.op import TABLE

NAMES = ("size", "kernel", "stride", "padding", "dilation", "windows")


def _settings(figures: tuple[Any, ...]) -> dict[str, tuple[int, ...]]:
    rows = [tuple(int(n) for n in figures[3 * i : 3 * i + 3]) for i in range(6)]
    return dict(zip(NAMES, rows, strict=True))


def _stacked(x: Any, sizes: tuple[int, ...]) -> Any:
    return x.reshape((-1, *sizes))


def max_pool(x: Any, *rest: Any) -> None:
    *figures, y, choice = rest
    settings = _settings(tuple(figures))
    size = settings.pop("size")
    best, which = TABLE["max_pool3d"].forward(_stacked(x, size), **settings)
    y[...], choice[...] = best.reshape(y.shape), which.reshape(y.shape)


def max_pool_backward(x: Any, choice: Any, *rest: Any) -> None:
    *figures, y = rest
    settings = _settings(tuple(figures))
    x, choice = (_stacked(a, settings["windows"]) for a in (x, choice))
    y[...] = TABLE["max_pool2d_backward"].forward(x, choice=choice, **settings).reshape(y.shape)


def avg_pool(x: Any, *rest: Any) -> None:
    *figures, divisor, include, y = rest
    settings = _settings(tuple(figures))
    size = settings.pop("size")
    del settings["dilation"]
    found = TABLE["avg_pool3d"].forward(
        _stacked(x, size), **settings, include=bool(include), divisor=int(divisor) or None
    )
    y[...] = found.reshape(y.shape)


def avg_pool_backward(x: Any, *rest: Any) -> None:
    *figures, divisor, include, y = rest
    settings = _settings(tuple(figures))
    del settings["dilation"]
    x = _stacked(x, settings["windows"])
    found = TABLE["avg_pool2d_backward"].forward(x, **settings, include=bool(include), divisor=int(divisor) or None)
    y[...] = found.reshape(y.shape)


REFERENCE: dict[str, Callable[..., None]] = {
    f"nb_windows_{f.__name__}": f for f in (max_pool, max_pool_backward, avg_pool, avg_pool_backward)
}
