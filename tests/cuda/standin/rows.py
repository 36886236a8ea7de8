"""Kernels of a block of threads per row: their C++ cannot be read here, so NumPy's references stand in for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .array import ndarray
from .machine import run
from .ufuncs import operand


def softmax(x: Any, y: Any) -> None:
    e = np.exp(x - x.max(1, keepdims=True))
    y[...] = e / e.sum(1, keepdims=True)


def log_softmax(x: Any, y: Any) -> None:
    z = x - x.max(1, keepdims=True)
    y[...] = z - np.log(np.exp(z).sum(1, keepdims=True))


def logsumexp(x: Any, logs: Any) -> None:
    top = x.max(1)
    top = np.where(np.isfinite(top), top, 0)
    logs[...] = (np.log(np.exp(x - top[:, None]).sum(1)) + top).reshape(logs.shape)


def softmax_backward(g: Any, out: Any, y: Any) -> None:
    y[...] = g * out - out * (g * out).sum(1, keepdims=True)


def log_softmax_backward(g: Any, out: Any, y: Any) -> None:
    y[...] = g - np.exp(out) * g.sum(1, keepdims=True)


def cross_entropy(
    x: Any, y: Any, of_rows: Any, loss: Any, scale: Any, kept: Any, w: Any, smoothing: Any, ignored: Any
) -> None:
    softmax(x, y)
    logs = np.empty_like(x)
    log_softmax(x, logs)
    w = w if isinstance(w, np.ndarray) else np.ones(x.shape[1], x.dtype)
    kept[...] = of_rows != ignored
    there = (of_rows >= 0) & (of_rows < x.shape[1])
    right = np.where(there, of_rows, 0)
    scale[...] = np.where(kept, np.where(there, w[right], 1), 0)
    found = np.where(there, -logs[np.arange(len(x)), right] * scale, np.nan)
    loss[...] = np.where(kept, (1 - smoothing) * found - smoothing / x.shape[1] * (logs * w).sum(1), 0)


def cross_entropy_backward(
    p: Any, y: Any, of_rows: Any, scale: Any, kept: Any, w: Any, smoothing: Any, divisor: Any, of_loss: Any, stride: Any
) -> None:
    w = w if isinstance(w, np.ndarray) else np.ones(p.shape[1], p.dtype)
    share = smoothing / p.shape[1] / (divisor.reshape(-1)[0] if isinstance(divisor, np.ndarray) else 1)
    part = ((1 - smoothing) * scale)[:, None]
    pull = np.where(np.arange(p.shape[1]) == of_rows[:, None], part, 0) + (kept * share)[:, None] * w
    back = of_loss.reshape(-1)[np.arange(len(p)) * stride]
    y[...] = (p * pull.sum(1, keepdims=True) - pull) * back[:, None]


def layer_norm(x: Any, y: Any, normal: Any, of_rstd: Any, w: Any, b: Any, eps: Any) -> None:
    centred = x - x.mean(1, keepdims=True)
    of_rstd[...] = (1 / np.sqrt((centred * centred).mean(1) + x.dtype.type(eps))).reshape(of_rstd.shape)
    normal[...] = centred * of_rstd.reshape(-1, 1)
    y[...] = normal
    if isinstance(w, np.ndarray):
        y *= w.reshape(-1)
    if isinstance(b, np.ndarray):
        y += b.reshape(-1)


def layer_norm_backward(g: Any, normal: Any, y: Any, of_rstd: Any, w: Any) -> None:
    part = g * w.reshape(-1) if isinstance(w, np.ndarray) else g
    along = (part * normal).mean(1, keepdims=True)
    y[...] = (part - part.mean(1, keepdims=True) - normal * along) * of_rstd.reshape(-1, 1)


def _as_rows(x: Any, channels: Any, size: Any) -> Any:
    return x.reshape(-1, channels, size).transpose(1, 0, 2).reshape(channels, -1)


def _back(rows: Any, like: Any, channels: Any, size: Any) -> Any:
    return rows.reshape(channels, -1, size).transpose(1, 0, 2).reshape(like.shape)


def batch_norm(
    from_: Any, to: Any, to_normal: Any, of_rstd: Any, of_mean: Any, of_var: Any, w: Any, b: Any, eps: Any,
    channels: Any, size: Any,
) -> None:  # fmt: skip
    x = _as_rows(from_, channels, size)
    of_mean[...], of_var[...] = x.mean(1), x.var(1)
    of_rstd[...] = (1 / np.sqrt(of_var + x.dtype.type(eps))).reshape(of_rstd.shape)
    normal = (x - of_mean[:, None]) * of_rstd.reshape(-1, 1)
    to_normal[...] = _back(normal, to, channels, size)
    normal = normal * w[:, None] if isinstance(w, np.ndarray) else normal
    to[...] = _back(normal + b[:, None] if isinstance(b, np.ndarray) else normal, to, channels, size)


def batch_norm_backward(from_: Any, to_normal: Any, to: Any, of_rstd: Any, w: Any, channels: Any, size: Any) -> None:
    part, normal = _as_rows(from_, channels, size), _as_rows(to_normal, channels, size)
    part = part * w[:, None] if isinstance(w, np.ndarray) else part
    along = (part * normal).mean(1, keepdims=True)
    found = (part - part.mean(1, keepdims=True) - normal * along) * of_rstd.reshape(-1, 1)
    to[...] = _back(found, to, channels, size)


REFERENCE: dict[str, Callable[..., None]] = {
    f.__name__: f
    for f in (
        softmax, log_softmax, logsumexp, softmax_backward, log_softmax_backward, cross_entropy, cross_entropy_backward,
        layer_norm, layer_norm_backward, batch_norm, batch_norm_backward,
    )
}  # fmt: skip
MATRICES = ("x", "y", "g", "out", "p", "normal")
KINDS = {"float": "f", "double": "d", "long long": "q", "bool": "?"}


def parameters_of(code: str) -> list[tuple[str, str, bool]]:
    """Of each parameter of the kernel its name, the letter of its dtype, and whether it is a pointer."""
    real = re.search(r"typedef (\w+) T;", code)
    inside = re.search(r"__global__ void \w+\((.*)\)", code)
    assert real, inside
    found = []
    for text in inside[1].split(","):
        kind, pointer, name = re.fullmatch(r"\s*(?:const )?(.+?) (\*?)(\w+)", text).groups()
        found.append((name, KINDS[real[1] if kind == "T" else kind], bool(pointer)))
    return found


class RawKernel:
    """CuPy's, for the kernels that have a reference; pointers and numbers have to be what the C++ says."""

    def __init__(self, code: str, name: str, options: tuple[str, ...] = ()) -> None:
        self.code, self.name, self.parameters = code, name, parameters_of(code)

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        (rows,), (threads,) = grid, block
        if threads > 256 or threads & (threads - 1):
            raise ValueError(f"{threads} threads do not fit the shared memory")
        *values, n = [self._given(*p, a) for p, a in zip(self.parameters, args, strict=True)]
        named = {
            f"{name}_" if name == "from" else name: v for (name, _, _), v in zip(self.parameters, values, strict=False)
        }
        for name in MATRICES:
            if name in named:
                if named[name].size != rows * n:
                    raise ValueError(f"{name} has not {rows} rows of {n}")
                named[name] = named[name].reshape(rows, n)
        reference = REFERENCE[self.name.removeprefix("nb_row_")]

        def kernel() -> None:
            with np.errstate(all="ignore"):
                reference(**named)

        run(kernel)

    def _given(self, name: str, char: str, pointer: bool, given: Any) -> Any:
        if not pointer:
            if not isinstance(given, np.generic) or given.dtype != np.dtype(char):
                raise TypeError(f"{name} is {type(given)}")
            return given
        if isinstance(given, np.uintp) and not given:
            return None
        array = operand(given)
        if not isinstance(array, ndarray) or array.dtype != np.dtype(char) or not array.flags.c_contiguous:
            raise TypeError(f"{name} is no full array of {char}")
        return array._numbers
