"""Gradients of a batch at once: arrays with one more dimension in front, of which a rule sees nothing.

NOTE [Rows]
A rule is written for one gradient. Given `Rows`, and `lifted` for its `xp`, the same text computes those of a batch:
shapes and axes are told and taken as if the first dimension were not there. Only what is surely right is here; for
anything else a rule fails, and `batched` runs it row by row.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .op import TABLE, xp


class UnliftedError(TypeError):
    """A rule did with its gradient what is not known for a batch."""


def _refuse(*_: Any) -> Any:
    raise UnliftedError


class Rows:
    """A batch of arrays of one shape, as one array to those who compute with them; see NOTE [Rows]."""

    __slots__ = ("data",)
    __array_ufunc__ = None  # NumPy's functions and operators give way
    __array__ = __bool__ = __len__ = __iter__ = __getitem__ = __setitem__ = __contains__ = _refuse
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, data: Any) -> None:
        self.data = data

    shape = property(lambda self: self.data.shape[1:])
    ndim = property(lambda self: self.data.ndim - 1)
    size = property(lambda self: math.prod(self.shape))
    dtype = property(lambda self: self.data.dtype)
    real = property(lambda self: Rows(self.data.real))
    imag = property(lambda self: Rows(self.data.imag))
    T = property(lambda self: transpose(self))

    def spread(self, ndim: int) -> Any:
        """The batch, its arrays with `ndim` dimensions, so that it broadcasts against arrays with as many."""
        missing = ndim - self.ndim
        return self.data.reshape(len(self.data), *(1,) * missing, *self.shape) if missing > 0 else self.data

    def conj(self) -> Rows:
        return Rows(self.data.conj())

    def copy(self) -> Rows:
        return Rows(self.data.copy())

    def astype(self, dtype: Any) -> Rows:
        return Rows(self.data.astype(dtype))

    def sum(self, axis: Any = None, keepdims: bool = False) -> Rows:
        return Rows(self.data.sum(axis=_inner(axis, self.ndim), keepdims=keepdims))

    def mean(self, axis: Any = None, keepdims: bool = False) -> Rows:
        return Rows(self.data.mean(axis=_inner(axis, self.ndim), keepdims=keepdims))

    def reshape(self, *shape: Any) -> Rows:
        sizes = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return Rows(self.data.reshape(len(self.data), *sizes))


def _inner(axis: Any, ndim: int) -> Any:
    """Which axis of the batch is that `axis` of its arrays."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if any(not -ndim <= a < ndim for a in axes):
        raise UnliftedError
    return tuple([a % ndim + 1 for a in axes])


def pointwise(function: Callable[..., Any], *args: Any) -> Rows:
    """`function`, which works element by element, on arrays and batches that broadcast."""
    ndim = max([a.ndim if isinstance(a, Rows) else np.ndim(a) for a in args])
    return Rows(function(*[a.spread(ndim) if isinstance(a, Rows) else a for a in args]))


def _operator(name: str) -> None:
    function = getattr(operator, name)
    setattr(Rows, f"__{name}__", lambda *args: pointwise(function, *args))
    if name in REFLECTED:
        setattr(Rows, f"__r{name}__", lambda self, other: pointwise(function, other, self))


REFLECTED = ("add", "sub", "mul", "truediv", "pow")
for _name in (*REFLECTED, "eq", "ne", "lt", "le", "gt", "ge", "neg", "abs"):
    _operator(_name)


def product(x: Any, y: Any) -> Rows:
    """The products of matrices, of stacks of them, and of batches of either."""
    if min(x.ndim, y.ndim) < 2:
        raise UnliftedError
    if isinstance(x, Rows) and x.ndim == y.ndim == 2 and not isinstance(y, Rows):
        return Rows((x.data.reshape(-1, x.shape[1]) @ y).reshape(len(x.data), x.shape[0], y.shape[1]))
    return pointwise(np.matmul, x, y)


Rows.__matmul__ = product  # type: ignore[attr-defined]
Rows.__rmatmul__ = lambda self, other: product(other, self)  # type: ignore[attr-defined]


def transpose(x: Rows, axes: Any = None) -> Rows:
    inner = _inner(tuple(axes) if axes is not None else tuple(range(x.ndim))[::-1], x.ndim)
    return Rows(x.data.transpose((0, *inner)))


def swapaxes(x: Rows, a: int, b: int) -> Rows:
    return Rows(x.data.swapaxes(*_inner((a, b), x.ndim)))


def broadcast_to(x: Rows, shape: Any) -> Rows:
    return Rows(np.broadcast_to(x.spread(len(shape)), (len(x.data), *shape)))


def expand_dims(x: Rows, axis: Any) -> Rows:
    axes = axis if isinstance(axis, tuple) else (axis,)
    return Rows(np.expand_dims(x.data, _inner(axes, x.ndim + len(axes))))


def _along(name: str) -> Callable[..., Rows]:
    """The op `name`, which works along the setting `dim`, on tensors of one shape."""

    def function(*args: Any, dim: int) -> Rows:
        ndim = max([a.ndim for a in args])
        (inner,) = _inner(dim, ndim)
        return Rows(TABLE[name].forward(*[a.data if isinstance(a, Rows) else a[None] for a in args], dim=inner))

    return function


FUNCTIONS: dict[str, Callable[..., Rows]] = {
    "sum": lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    "mean": lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    "reshape": lambda x, shape: x.reshape(shape),
    "astype": lambda x, dtype: x.astype(dtype),
    "where": lambda choice, x, y: pointwise(np.where, choice, x, y),
    "flip": lambda x, axis: Rows(np.flip(x.data, _inner(axis, x.ndim))),
    "matmul": product,
    "mm": product,
    "mm_nt": lambda x, y: product(x, y.T),
    "mm_tn": lambda x, y: product(x.T, y),
    "transpose": transpose,
    "swapaxes": swapaxes,
    "broadcast_to": broadcast_to,
    "expand_dims": expand_dims,
    "softmax_backward": _along("softmax_backward"),
    "log_softmax_backward": _along("log_softmax_backward"),
}
"""What is known for batches under NumPy's names, and the table's; functions element by element need no line here."""


class _Lifted:
    """The namespace for rules whose gradient is a batch."""

    def __getattr__(self, name: str) -> Any:
        plain = getattr(xp, name)
        found = _lift(name, plain) if callable(plain) and not isinstance(plain, type) else plain
        setattr(self, name, found)
        return found


def _lift(name: str, plain: Any) -> Callable[..., Any]:
    own = FUNCTIONS.get(name)
    entry = TABLE.get(name)
    by_element = entry is not None and entry.elementwise and not entry.aux and entry.outputs == 1
    by_element = by_element or (isinstance(plain, np.ufunc) and plain.signature is None and plain.nout == 1)

    def function(*args: Any, **settings: Any) -> Any:
        if not any(isinstance(a, Rows) for a in args):
            return plain(*args, **settings)
        if own is not None:
            return own(*args, **settings)
        if not by_element or settings:
            raise UnliftedError
        return pointwise(plain, *args)

    return function


lifted = _Lifted()
