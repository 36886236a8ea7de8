"""What NumPy's functions that are no ufuncs do with symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from .symbols import FUNCTIONS, Pieces, Symbol, compute, plain
from .traces import UntraceableError


def chosen(where: Any, x: Any, y: Any) -> Symbol:
    """`numpy.where`."""
    inputs = [plain(v) for v in (where, x, y)]
    trace = next(v.trace for v in inputs if isinstance(v, Symbol))
    dtype = np.result_type(*[v.dtype if isinstance(v, Symbol) else v for v in inputs[1:]])
    return compute(trace, "pick({}, {}, {})", (np.dtype(bool), dtype, dtype, dtype), inputs)


def _filled(x: Symbol, value: Any, dtype: Any = None) -> Symbol:
    dtype = x.dtype if dtype is None else np.dtype(dtype)
    if x.place is not None:
        x.read()  # its shape is wanted
    x.trace.steps += 1
    return Symbol(x.trace, x.trace.number(plain(value), dtype), dtype, x.form, x.parts)


def _empty(x: Symbol, dtype: Any = None) -> Symbol:
    return Symbol(x.trace, None, x.dtype if dtype is None else np.dtype(dtype), x.form, x.parts)


def _copied(target: Any, value: Any, casting: str = "same_kind", where: Any = True) -> None:
    target.put(value if where is True else chosen(where, value, target).astype(target.dtype))


def _reshaped(x: Symbol, form: Any) -> Symbol:
    return x.reshape(tuple(form))


def _expanded(x: Symbol, axis: Any) -> Symbol:
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = len(x.form) + len(axes)
    kept, sizes = {a % ndim for a in axes}, iter(x.form)
    return x.reshape(tuple([1 if i in kept else next(sizes) for i in range(ndim)]))


def _squeezed(x: Symbol, axis: Any = None) -> Symbol:
    ndim = len(x.form)
    axes = range(ndim) if axis is None else [a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return x.reshape(tuple([n for i, n in enumerate(x.form) if n != 1 or i not in axes]))


def _spread(x: Symbol, shape: Any) -> Symbol:
    if x.place is not None:
        return x.seen(lambda array: np.broadcast_to(array, shape))
    return Symbol(x.trace, x.name, x.dtype, np.broadcast_shapes(x.form, tuple(shape)), x.parts)


def _split(x: Symbol, count: int, axis: int = 0) -> list[Symbol]:
    whole = (slice(None),) * (axis % len(x.form))
    part, left = divmod(x.form[axis], count)
    if left:
        raise UntraceableError("it does not part")
    return [x[(*whole, slice(i * part, (i + 1) * part))] for i in range(count)]


def _pieces(parts: Any, axis: int = 0) -> Pieces:
    if len({p.form for p in parts}) > 1:
        raise UntraceableError("unequal pieces")
    return Pieces(tuple(parts), axis % len(parts[0].form))


def _taken(x: Symbol, indices: Symbol, axis: int) -> Symbol:
    """`numpy.take_along_axis`, of positions that are known to be those of the largest elements."""
    if indices.best is None or indices.best[0] != x.read() or len(indices.form) != len(x.form):
        raise UntraceableError("positions")
    return indices.best[1]


FUNCTIONS |= {
    np.where: chosen,
    np.result_type: lambda *xs: np.result_type(*[x.dtype if isinstance(x, Symbol) else x for x in xs]),
    np.real: Symbol.conj,
    np.zeros_like: lambda x, dtype=None: _filled(x, 0, dtype),
    np.ones_like: lambda x, dtype=None: _filled(x, 1, dtype),
    np.full_like: _filled,
    np.empty_like: _empty,
    np.astype: lambda x, dtype, copy=True: x.astype(dtype),
    np.clip: lambda x, low, high, out=None: x.clip(low, high) if out is None else out.put(x.clip(low, high)),
    np.copyto: _copied,
    np.sum: Symbol.sum,
    np.mean: Symbol.mean,
    np.max: Symbol.max,
    np.min: Symbol.min,
    np.prod: Symbol.prod,
    np.argmax: lambda x, axis=None, keepdims=False: x.position("larger", axis, keepdims),
    np.argmin: lambda x, axis=None, keepdims=False: x.position("smaller", axis, keepdims),
    np.take_along_axis: _taken,
    np.reshape: _reshaped,
    np.expand_dims: _expanded,
    np.squeeze: _squeezed,
    np.broadcast_to: _spread,
    np.split: _split,
    np.concatenate: _pieces,
}
