"""Kernels written by hand for ops that reduce each row and then compute with what came out: a block of threads per row.

NOTE [Rows]
A sum or a maximum needs all elements of a row before the next step, so such an op is no arithmetic of single elements.
Here a block of threads goes along one row: each thread takes every n-th element, partial results meet in shared memory,
and the row is read again for the next step. An adapter takes what the op's forward function takes and returns what it
returns, or None for what it does not know: other dtypes, other layouts, rare settings.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

HEAD = """
typedef %s T;
#define EACH(j) for (long long j = threadIdx.x; j < n; j += blockDim.x)
#define AT(j) (((j) / size * channels + row) * size + (j) %% size)
__device__ T largest(T x, T y) { return x > y || x != x ? x : y; }
__device__ T added(T x, T y) { return x + y; }
template<typename Join> __device__ T joined(T x, Join join) {
  __shared__ T held[256];
  held[threadIdx.x] = x;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) held[threadIdx.x] = join(held[threadIdx.x], held[threadIdx.x + half]);
    __syncthreads();
  }
  T found = held[0];
  __syncthreads();
  return found;
}
"""
"""`joined` gives all threads of a block what their values are together; their number is a power of two.
The rows of batch normalisation are channels: `AT` tells where element j of one is."""

LARGEST = """
  T top = x[0];
  EACH(j) top = largest(top, x[j]);
  top = joined(top, largest);
  T total = 0;
  EACH(j) total += exp(x[j] - top);
  total = joined(total, added);
"""

BODIES = {
    "softmax": ("const T *x, T *y", LARGEST + "EACH(j) y[j] = exp(x[j] - top) / total;"),
    "log_softmax": ("const T *x, T *y", LARGEST + "T shift = log(total);\nEACH(j) y[j] = x[j] - top - shift;"),
    "logsumexp": ("const T *x, T *logs", """
  T top = x[0], total = 0;
  EACH(j) top = largest(top, x[j]);
  top = joined(top, largest);
  if (top - top != T(0)) top = 0;
  EACH(j) total += exp(x[j] - top);
  total = joined(total, added);
  if (threadIdx.x == 0) logs[row] = log(total) + top;
"""),
    "softmax_backward": ("const T *g, const T *out, T *y", """
  T share = 0;
  EACH(j) share += g[j] * out[j];
  share = joined(share, added);
  EACH(j) y[j] = g[j] * out[j] - out[j] * share;
"""),
    "log_softmax_backward": ("const T *g, const T *out, T *y", """
  T total = 0;
  EACH(j) total += g[j];
  total = joined(total, added);
  EACH(j) y[j] = g[j] - exp(out[j]) * total;
"""),
    "cross_entropy": ("const T *x, T *y, const long long *of_rows, T *loss, T *scale, bool *kept, const T *w, "
                      "double smoothing, long long ignored", LARGEST + """
  T even = 0;
  EACH(j) {
    y[j] = exp(x[j] - top) / total;
    if (smoothing) even += (log(total) - (x[j] - top)) * (w ? w[j] : T(1));
  }
  if (smoothing) even = joined(even, added);
  if (threadIdx.x == 0) {
    long long right = of_rows[row];
    bool is_kept = right != ignored, is_there = right >= 0 && right < n;
    T part = !is_kept ? T(0) : w && is_there ? w[right] : T(1), missed = T(0) / T(0);
    if (is_there) missed = part * (log(total) - (x[right] - top));
    kept[row] = is_kept;
    scale[row] = part;
    loss[row] = is_kept ? T(1 - smoothing) * missed + T(smoothing / n) * even : T(0);
  }
"""),
    "cross_entropy_backward": ("const T *p, T *y, const long long *of_rows, const T *scale, const bool *kept, "
                               "const T *w, double smoothing, const T *divisor, const T *of_loss, long long stride", """
  T even = smoothing && kept[row] ? T(smoothing / n) / (divisor ? *divisor : T(1)) : T(0);
  T part = of_rows[row] >= 0 && of_rows[row] < n ? T(1 - smoothing) * scale[row] : T(0);
  T all = 0, back = of_loss[row * stride];
  if (smoothing) {
    EACH(j) all += w ? w[j] : T(1);
    all = joined(all, added);
  }
  EACH(j) {
    T pull = (j == of_rows[row] ? part : T(0)) + even * (w ? w[j] : T(1));
    y[j] = (p[j] * (part + even * all) - pull) * back;
  }
"""),
    "layer_norm": ("const T *x, T *y, T *normal, T *of_rstd, const T *w, const T *b, double eps", """
  T mean = 0, square = 0;
  EACH(j) mean += x[j];
  mean = joined(mean, added) / n;
  EACH(j) square += (x[j] - mean) * (x[j] - mean);
  T rstd = T(1) / sqrt(joined(square, added) / n + T(eps));
  if (threadIdx.x == 0) of_rstd[row] = rstd;
  EACH(j) {
    normal[j] = (x[j] - mean) * rstd;
    y[j] = (w ? normal[j] * w[j] : normal[j]) + (b ? b[j] : T(0));
  }
"""),
    "layer_norm_backward": ("const T *g, const T *normal, T *y, const T *of_rstd, const T *w", """
  T mean = 0, along = 0;
  EACH(j) {
    T part = w ? g[j] * w[j] : g[j];
    mean += part;
    along += part * normal[j];
  }
  mean = joined(mean, added) / n;
  along = joined(along, added) / n;
  EACH(j) y[j] = ((w ? g[j] * w[j] : g[j]) - mean - normal[j] * along) * of_rstd[row];
"""),
    "batch_norm": ("const T *from, T *to, T *to_normal, T *of_rstd, T *of_mean, T *of_var, const T *w, const T *b, "
                   "double eps, long long channels, long long size", """
  T mean = 0, square = 0;
  EACH(j) mean += from[AT(j)];
  mean = joined(mean, added) / n;
  EACH(j) square += (from[AT(j)] - mean) * (from[AT(j)] - mean);
  square = joined(square, added) / n;
  T rstd = T(1) / sqrt(square + T(eps));
  if (threadIdx.x == 0) of_rstd[row] = rstd, of_mean[row] = mean, of_var[row] = square;
  EACH(j) {
    T part = (from[AT(j)] - mean) * rstd;
    to_normal[AT(j)] = part;
    to[AT(j)] = (w ? part * w[row] : part) + (b ? b[row] : T(0));
  }
"""),
    "batch_norm_backward": ("const T *from, const T *to_normal, T *to, const T *of_rstd, const T *w, "
                            "long long channels, long long size", """
  T mean = 0, along = 0, weight = w ? w[row] : T(1);
  EACH(j) {
    mean += from[AT(j)] * weight;
    along += from[AT(j)] * weight * to_normal[AT(j)];
  }
  mean = joined(mean, added) / n;
  along = joined(along, added) / n;
  EACH(j) to[AT(j)] = (from[AT(j)] * weight - mean - to_normal[AT(j)] * along) * of_rstd[row];
"""),
}  # fmt: skip
"""Of each kernel its parameters and its text for one `row` of `n` elements, where what is called x, y … is that row."""

LONG, MANY = 1 << 14, 64
"""One block along a row longer than this is slower than all of them call by call, unless there are many rows."""
ROWS = ("x", "y", "g", "out", "p", "normal")
TYPES = {"f": "float", "d": "double"}


def source(name: str, kind: str) -> str:
    """The C++ of a kernel for float or double."""
    parameters, body = BODIES[name]
    names = [p.split("*")[-1].split()[-1] for p in parameters.split(",")]
    moved = "".join(f"{p} += row * n; " for p in names if p in ROWS)
    head = f'extern "C" __global__ void nb_row_{name}({parameters}, long long n)'
    return f"{HEAD % kind}{head} {{\n  long long row = blockIdx.x;\n  {moved}\n{body}\n}}\n"


@functools.cache
def _kernel(library: Any, name: str, char: str) -> Any:
    return library.RawKernel(source(name, TYPES[char]), f"nb_row_{name}")


def launch(library: Any, name: str, like: Any, n: int, *args: Any) -> None:
    """Run a kernel on all rows of `n` elements that `like` has."""
    threads = 32
    while threads < min(n, 256):
        threads *= 2
    _kernel(library, name, like.dtype.char)((like.size // n,), (threads,), (*args, np.int64(n)))


def suits(library: Any, *arrays: Any) -> bool:
    """Whether all are full arrays of the GPU, one element after the other, of one dtype that kernels know."""
    first = arrays[0]
    if first.__class__ is not library.ndarray or first.dtype.char not in TYPES or not first.size:
        return False
    return all(a.__class__ is first.__class__ and a.dtype == first.dtype and a.flags.c_contiguous for a in arrays)


def fit(size: int, n: int) -> bool:
    """Whether rows of `n` elements are work for a block each."""
    return n <= LONG or size // n >= MANY


def _along_rows(name: str) -> Callable[..., Any]:
    """The adapter of an op along the last dimension: arrays of one shape in, another one out."""

    def adapter(library: Any, *arrays: Any, dim: int) -> Any:
        first = arrays[0]
        if not suits(library, *arrays) or not first.ndim or dim % first.ndim != first.ndim - 1:
            return None
        if any(a.shape != first.shape for a in arrays) or not fit(first.size, first.shape[-1]):
            return None
        out = library.empty_like(first)
        launch(library, name, first, first.shape[-1], *arrays, out)
        return out

    return adapter


def logsumexp(library: Any, x: Any, *, dim: Any, keepdim: bool = False) -> Any:
    last = dim[0] if dim.__class__ is tuple and len(dim) == 1 else dim
    if last not in (-1, x.ndim - 1) or not suits(library, x) or not x.ndim or not fit(x.size, x.shape[-1]):
        return None
    logs = library.empty((*x.shape[:-1], 1), x.dtype)
    launch(library, "logsumexp", x, x.shape[-1], x, logs)
    return logs if keepdim else logs[..., 0]


def layer_norm(library: Any, x: Any, w: Any, b: Any, *, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    n = _length(x, axes)
    if not suits(library, x, *[p for p in (w, b) if p is not None]) or not fit(x.size, n):
        return None
    out, normal, rstd = library.empty_like(x), library.empty_like(x), library.empty((x.size // n, 1), x.dtype)
    launch(library, "layer_norm", x, n, x, out, normal, rstd, pointer(w), pointer(b), np.float64(eps))
    return out, normal, rstd


def layer_norm_backward(
    library: Any, x_g: Any, x: Any, w: Any, *, normal: Any, rstd: Any, axes: tuple[int, ...], eps: float
) -> Any:
    if not suits(library, x_g, normal, rstd, *([] if w is None else [w])) or x_g.shape != normal.shape:
        return None
    out = library.empty_like(normal)
    launch(library, "layer_norm_backward", out, _length(x, axes), x_g, normal, out, rstd, pointer(w))
    return out


def batch_norm(library: Any, x: Any, w: Any, b: Any, *, eps: float = 1e-5) -> Any:
    if not suits(library, x, *[p for p in (w, b) if p is not None]):
        return None
    channels = x.shape[1]
    if not fit(x.size, x.size // channels):
        return None
    out, normal, form = library.empty_like(x), library.empty_like(x), (1, channels) + (1,) * (x.ndim - 2)
    rstd, mean, var = (library.empty(shape, x.dtype) for shape in (form, channels, channels))
    args = (x, out, normal, rstd, mean, var, pointer(w), pointer(b), np.float64(eps), *_strides(x))
    launch(library, "batch_norm", x, x.size // channels, *args)
    return out, normal, rstd, mean, var


def batch_norm_backward(library: Any, x_g: Any, x: Any, w: Any, *, normal: Any, rstd: Any, eps: float) -> Any:
    channels = normal.shape[1]
    if not suits(library, x_g, normal, rstd, *([] if w is None else [w])) or x_g.shape != normal.shape:
        return None
    if not fit(normal.size, normal.size // channels):
        return None
    out = library.empty_like(normal)
    args = (x_g, normal, out, rstd, pointer(w), *_strides(normal))
    launch(library, "batch_norm_backward", out, out.size // channels, *args)
    return out


def _strides(x: Any) -> tuple[np.int64, np.int64]:
    """The number of channels, and how many elements of one lie together."""
    return np.int64(x.shape[1]), np.int64(x.size // (x.shape[0] * x.shape[1]))


def pointer(array: Any) -> Any:
    """An array, or what stands for none."""
    return np.uintp(0) if array is None else array


def _length(x: Any, axes: tuple[int, ...]) -> int:
    """The number of elements that are normalised together: `axes` are the last ones."""
    n = 1
    for axis in axes:
        n *= x.shape[axis]
    return n


ADAPTERS: dict[str, Callable[..., Any]] = {
    **{name: _along_rows(name) for name in ("softmax", "log_softmax", "softmax_backward", "log_softmax_backward")},
    "logsumexp": logsumexp,
    "layer_norm": layer_norm, "layer_norm_backward": layer_norm_backward, "batch_norm": batch_norm,
    "batch_norm_backward": batch_norm_backward,
}  # fmt: skip
