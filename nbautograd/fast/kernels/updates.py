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


@kernel(VECTOR, VECTOR, VECTOR, VECTOR, "float64", "float64", "float64", "float64")
def largest_block(p: Any, g: Any, m: Any, top: Any, share: Any, fade: Any, size: Any, eps: Any) -> None:
    kind = p.dtype.type
    new, keep, step, floor = kind(share), kind(fade), kind(size), kind(eps)
    for i in range(p.size):
        a = m[i] + new * (g[i] - m[i])
        faded, now = top[i] * keep, abs(g[i]) + floor
        z = faded if faded > now or faded != faded else now  # NaN stays
        m[i], top[i] = a, z
        p[i] -= a / z * step


@kernel(VECTOR, VECTOR, VECTOR, VECTOR, *["float64"] * 7)
def ahead_block(
    p: Any, g: Any, m: Any, v: Any, shrink: Any, first: Any, second: Any, root: Any, eps: Any, now: Any, then: Any
) -> None:
    kind = p.dtype.type
    left, s1, s2, keep, scale, floor = kind(shrink), kind(first), kind(second), kind(1 - second), kind(root), kind(eps)
    of_gradient, of_mean = kind(now), kind(then)
    for i in range(p.size):
        a = m[i] + s1 * (g[i] - m[i])
        b = v[i] * keep + g[i] * g[i] * s2
        m[i], v[i] = a, b
        p[i] = p[i] * left - (g[i] * of_gradient + a * of_mean) / (math.sqrt(b) / scale + floor)


@kernel(VECTOR, VECTOR, VECTOR, VECTOR, *["float64"] * 5, "boolean")
def later_block(
    p: Any, g: Any, m: Any, v: Any, shrink: Any, first: Any, second: Any, size: Any, eps: Any, adaptive: Any
) -> None:
    kind = p.dtype.type
    left, s1, s2, keep, step, floor = kind(shrink), kind(first), kind(second), kind(1 - second), kind(size), kind(eps)
    for i in range(p.size):
        a = m[i] + s1 * (g[i] - m[i])
        b = v[i] * keep + g[i] * g[i] * s2
        m[i], v[i] = a, b
        p[i] = p[i] * left - (a * step / (math.sqrt(b) + floor) if adaptive else a * step)


@kernel(VECTOR, VECTOR, VECTOR, VECTOR, "float64", "float64", "float64")
def past_block(p: Any, g: Any, v: Any, d: Any, share: Any, eps: Any, lr: Any) -> None:
    kind = p.dtype.type
    new, keep, floor, rate = kind(share), kind(1 - share), kind(eps), kind(lr)
    for i in range(p.size):
        z = v[i] * keep + g[i] * g[i] * new
        step = math.sqrt(d[i] + floor) / math.sqrt(z + floor) * g[i]
        v[i], d[i] = z, d[i] * keep + step * step * new
        p[i] -= step * rate


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


def _of_two(block: Any) -> Any:
    """An adapter for a rule that keeps two figures of each element."""

    def adapter(xp: Any, p: Any, g: Any, m: Any, v: Any, *rest: Any, figures: tuple[Any, ...]) -> Any:
        if not suits(p, g, m, v):
            return None
        block(p.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1), *figures)
        return True

    return adapter


adamax, nadam, radam, adadelta = (_of_two(b) for b in (largest_block, ahead_block, later_block, past_block))
