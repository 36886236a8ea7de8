"""Kernels of optimizers: one step on a block of parameters, in one pass."""

from __future__ import annotations

import math
from typing import Any

from .compiled import kernel, suits

VECTOR = "F[::1]"


@kernel(VECTOR, VECTOR, VECTOR, VECTOR, "float64", "float64", "float64", "float64", "float64")
def adam_block(p: Any, g: Any, m: Any, v: Any, shrink: Any, first: Any, second: Any, size: Any, eps: Any) -> None:
    kind = p.dtype.type
    left, s1, s2, keep, step, floor = kind(shrink), kind(first), kind(second), kind(1 - second), kind(size), kind(eps)
    for i in range(p.size):
        a = m[i] + s1 * (g[i] - m[i])
        b = v[i] * keep + g[i] * g[i] * s2
        m[i], v[i] = a, b
        p[i] = p[i] * left - a / (math.sqrt(b) + floor) * step


@kernel(VECTOR, VECTOR, VECTOR, "float64", "float64", "float64", "boolean")
def momentum_block(p: Any, g: Any, b: Any, lr: Any, momentum: Any, keep: Any, nesterov: Any) -> None:
    kind = p.dtype.type
    rate, roll, new = kind(lr), kind(momentum), kind(keep)
    for i in range(p.size):
        z = b[i] * roll + g[i] * new
        b[i] = z
        p[i] -= (g[i] + z * roll if nesterov else z) * rate


@kernel(VECTOR, VECTOR, VECTOR, "float64", "float64", "float64")
def root_mean_block(p: Any, g: Any, v: Any, share: Any, eps: Any, lr: Any) -> None:
    kind = p.dtype.type
    new, keep, floor, rate = kind(share), kind(1 - share), kind(eps), kind(lr)
    for i in range(p.size):
        z = v[i] * keep + g[i] * g[i] * new
        v[i] = z
        p[i] -= g[i] / (math.sqrt(z) + floor) * rate


@kernel(VECTOR, VECTOR, VECTOR, "float64", "float64")
def root_sum_block(p: Any, g: Any, total: Any, size: Any, eps: Any) -> None:
    rate, floor = p.dtype.type(size), p.dtype.type(eps)
    for i in range(p.size):
        z = total[i] + g[i] * g[i]
        total[i] = z
        p[i] -= g[i] / (math.sqrt(z) + floor) * rate


def adam(xp: Any, p: Any, g: Any, m: Any, v: Any, *rest: Any, figures: tuple[float, ...]) -> Any:
    if len(rest) != 2 or not suits(p, g, m, v):  # a third is what `amsgrad` keeps
        return None
    adam_block(p.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1), *figures)
    return True


def sgd(xp: Any, p: Any, g: Any, b: Any, *rest: Any, figures: tuple[Any, ...]) -> Any:
    if not suits(p, g, b):
        return None
    momentum_block(p.reshape(-1), g.reshape(-1), b.reshape(-1), *figures)
    return True


def rmsprop(xp: Any, p: Any, g: Any, v: Any, *rest: Any, figures: tuple[Any, ...]) -> Any:
    if len(rest) != 2 or not suits(p, g, v):  # more are momentum's, and the mean of what is centered
        return None
    root_mean_block(p.reshape(-1), g.reshape(-1), v.reshape(-1), *figures[:3])
    return True


def adagrad(xp: Any, p: Any, g: Any, total: Any, *rest: Any, figures: tuple[float, float]) -> Any:
    if not suits(p, g, total):
        return None
    root_sum_block(p.reshape(-1), g.reshape(-1), total.reshape(-1), *figures)
    return True
