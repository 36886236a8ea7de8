"""Pools on a GPU: one kernel each way, in which a thread goes through the window of its element.

Backward each thread goes through the windows that its element lies under, so that no two write to one place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .words import TYPES

NAMES = ("size", "kernel", "stride", "padding", "dilation", "out")
FIGURES = ", ".join(f"int64 {name}{d}" for name in NAMES for d in "012")
"""Of depth, height and width."""

WITHIN = """
long long o2 = i % out2, o1 = i / out2 % out1, o0 = i / (out2 * out1) % out0, lead = i / (out2 * out1 * out0);
long long number = 0;
BEGIN
for (long long k0 = 0; k0 < kernel0; k0++)
  for (long long k1 = 0; k1 < kernel1; k1++)
    for (long long k2 = 0; k2 < kernel2; k2++, number++) {
      long long a0 = o0 * stride0 - padding0 + k0 * dilation0, a1 = o1 * stride1 - padding1 + k1 * dilation1;
      long long a2 = o2 * stride2 - padding2 + k2 * dilation2;
      bool inside = a0 >= 0 && a0 < size0 && a1 >= 0 && a1 < size1 && a2 >= 0 && a2 < size2;
      long long at = ((lead * size0 + a0) * size1 + a1) * size2 + a2;
      STEP
    }
"""
"""What a window lies over, for each of its elements."""

OVER = """
long long a2 = i % size2, a1 = i / size2 % size1, a0 = i / (size2 * size1) % size0, lead = i / (size2 * size1 * size0);
long long number = 0;
BEGIN
for (long long k0 = 0; k0 < kernel0; k0++)
  for (long long k1 = 0; k1 < kernel1; k1++)
    for (long long k2 = 0; k2 < kernel2; k2++, number++) {
      long long b0 = a0 + padding0 - k0 * dilation0, b1 = a1 + padding1 - k1 * dilation1;
      long long b2 = a2 + padding2 - k2 * dilation2, o0 = b0 / stride0, o1 = b1 / stride1, o2 = b2 / stride2;
      if (b0 < 0 || b1 < 0 || b2 < 0 || o0 * stride0 != b0 || o1 * stride1 != b1 || o2 * stride2 != b2) continue;
      if (o0 >= out0 || o1 >= out1 || o2 >= out2) continue;
      long long at = ((lead * out0 + o0) * out1 + o1) * out2 + o2;
      STEP
    }
"""
"""The windows that lie over an element."""

COUNTED = """
__device__ long long reach(long long o, long long n, long long k, long long s, long long p, bool include) {
  long long start = o * s - p, end = start + k < n + p ? start + k : n + p;
  if (include) return end - start;
  return (end < n ? end : n) - (start > 0 ? start : 0);
}
"""
SHARE = """(divisor ? divisor : reach(o0, size0, kernel0, stride0, padding0, include)
  * reach(o1, size1, kernel1, stride1, padding1, include) * reach(o2, size2, kernel2, stride2, padding2, include))"""


def _filled(loop: str, begin: str, step: str) -> str:
    return loop.replace("BEGIN", begin).replace("STEP", step)


ONE, TWO = f"raw {{0}} x, {FIGURES}", f"raw {{0}} x, raw {{1}} choice, {FIGURES}"
LARGEST = """{0} v = inside ? {0}(x[at]) : {0}(-1) / {0}(0);
      if (number == 0 || v > best) which = number;
      if (number == 0 || v > best || v != v) best = v;"""
"""Once it is NaN nothing is larger."""

KERNELS = {
    "max_pool": (
        ONE, "raw {0} y, raw {1} choice",
        _filled(WITHIN, "{0} best = 0;\n{1} which = 0;", LARGEST) + "y[i] = best;\nchoice[i] = which;",
    ),
    "max_pool_backward": (
        TWO, "raw {0} y",
        _filled(OVER, "{0} sum = 0;", "if (choice[at] == number) sum += x[at];") + "y[i] = sum;",
    ),
    "avg_pool": (
        f"{ONE}, int64 divisor, bool include", "raw {0} y",
        _filled(WITHIN, "{0} sum = 0;", "if (inside) sum += x[at];") + f"y[i] = sum / {SHARE};",
    ),
    "avg_pool_backward": (
        f"{ONE}, int64 divisor, bool include", "raw {0} y",
        _filled(OVER, "{0} sum = 0;", f"sum += x[at] / {SHARE};") + "y[i] = sum;",
    ),
}  # fmt: skip


@functools.cache
def _kernel(make: Any, name: str, *types: str) -> Any:
    ins, outs, operation = KERNELS[name]
    operation = operation.replace("{0}", TYPES[types[0]]).replace("{1}", TYPES[types[-1]])
    ins, outs = (text.format(types[0], types[-1]) for text in (ins, outs))
    return make(ins, outs, operation, f"nb_windows_{name}", preamble=COUNTED, no_return=True)


def _launch(library: Any, name: str, arrays: Any, types: tuple[str, ...], figures: Any, *rest: Any) -> None:
    """Run a kernel on `arrays`, of which the results come last: as many as the kernel has."""
    kernel = _kernel(library.ElementwiseKernel, name, *types)
    count = KERNELS[name][0].count("raw")
    kernel(*arrays[:count], *figures, *rest, *arrays[count:], size=arrays[-1].size)


def _figures(*by_name: Any) -> list[int]:
    """The figures of three dimensions, whatever those of pools of fewer."""
    plain = (1, 1, 1, 0, 1, 1)
    return [int(n) for values, one in zip(by_name, plain, strict=True) for n in (one,) * (3 - len(values)) + (*values,)]


def _suits(library: Any, *arrays: Any) -> bool:
    first = arrays[0]
    if first.__class__ is not library.ndarray or first.dtype.char not in "fd" or not first.size:
        return False
    return all(a.__class__ is first.__class__ and a.flags.c_contiguous for a in arrays)


def max_pool(library: Any, x: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any, windows: Any) -> Any:
    if not _suits(library, x):
        return None
    spatial, taps = len(kernel), _product(kernel)
    shape = (*x.shape[: x.ndim - spatial], *windows)
    best, choice = library.empty(shape, x.dtype), library.empty(shape, "uint8" if taps <= 256 else "int32")
    figures = _figures(x.shape[x.ndim - spatial :], kernel, stride, padding, dilation, windows)
    _launch(library, "max_pool", (x, best, choice), (x.dtype.name, choice.dtype.name), figures)
    return best, choice


def max_pool_backward(
    library: Any, x: Any, *, choice: Any, size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, windows: Any
) -> Any:
    if not _suits(library, x, choice):
        return None
    out = library.empty((*x.shape[: x.ndim - len(size)], *size), x.dtype)
    figures = _figures(size, kernel, stride, padding, dilation, windows)
    _launch(library, "max_pool_backward", (x, choice, out), (x.dtype.name, choice.dtype.name), figures)
    return out


def avg_pool(
    library: Any, x: Any, *, kernel: Any, stride: Any, padding: Any, windows: Any, include: Any, divisor: Any
) -> Any:
    size = x.shape[x.ndim - len(kernel) :]
    return _mean(library, "avg_pool", x, windows, (size, kernel, stride, padding, windows), include, divisor)


def avg_pool_backward(
    library: Any, x: Any, *, size: Any, kernel: Any, stride: Any, padding: Any, windows: Any, include: Any, divisor: Any
) -> Any:
    return _mean(library, "avg_pool_backward", x, size, (size, kernel, stride, padding, windows), include, divisor)


def _mean(library: Any, name: str, x: Any, to: Any, figures: Any, include: bool, divisor: Any) -> Any:
    if not _suits(library, x):
        return None
    out = library.empty((*x.shape[: x.ndim - len(to)], *to), x.dtype)
    size, kernel, stride, padding, windows = figures
    numbers = _figures(size, kernel, stride, padding, (1,) * len(to), windows)
    _launch(library, name, (x, out), (x.dtype.name,), numbers, divisor or 0, bool(include))
    return out


def _product(sizes: Any) -> int:
    return functools.reduce(int.__mul__, map(int, sizes), 1)


ADAPTERS: dict[str, Callable[..., Any]] = {
    "max_pool2d": max_pool, "max_pool3d": max_pool, "max_pool2d_backward": max_pool_backward,
    "avg_pool2d": avg_pool, "avg_pool3d": avg_pool, "avg_pool2d_backward": avg_pool_backward,
}  # fmt: skip
