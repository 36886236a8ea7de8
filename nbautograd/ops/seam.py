"""NumPy's names for the package's own functions: what `xp` means when gradients are tensors themselves.

See NOTE [The seam] in `core/array.py`. A NumPy name that is also an op of the table needs no line here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.op import TABLE, tensors
from nbautograd.core.tensor import Tensor


def _call(name: str) -> Any:
    return TABLE[name].call


def _axes(axis: Any, ndim: int) -> Any:
    if axis is None:
        return None
    span = max(ndim, 1)
    return tuple(a % span for a in axis) if isinstance(axis, tuple) else axis % span


def _reduction(name: str) -> Any:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _call(name)(x, dim=_axes(axis, x.ndim), keepdim=keepdims)

    return reduce


def expand_dims(x: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = x.ndim + len(axes)
    shape = iter(x.shape)
    kept = {a % ndim for a in axes}
    return x.reshape(tuple(1 if i in kept else next(shape) for i in range(ndim)))


def transpose(x: Any, axes: Any = None) -> Any:
    return _call("permute")(x, dims=tuple(axes) if axes is not None else tuple(range(x.ndim))[::-1])


def swapaxes(x: Any, a: int, b: int) -> Any:
    return _call("transpose")(x, dim0=a % x.ndim, dim1=b % x.ndim)


def astype(x: Any, dtype: Any) -> Any:
    dtype = getattr(dtype, "numpy", dtype)
    return _call("to_copy")(x, dtype=np.dtype(dtype)) if isinstance(x, Tensor) else np.asarray(x).astype(dtype)


def _made(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a function of the library makes, which needs no gradient."""
    args = tuple(a._data if isinstance(a, Tensor) else a for a in args)
    if "dtype" in kwargs:
        kwargs["dtype"] = getattr(kwargs["dtype"], "numpy", kwargs["dtype"])
    return wrap(function(*args, **kwargs))


tensors.makers.update(
    dict.fromkeys(("zeros", "ones", "eye", "arange", "zeros_like", "ones_like", "isfinite", "isnan"), _made)
)
tensors.numpy_names.update(
    sum=_reduction("sum"),
    mean=_reduction("mean"),
    prod=_reduction("prod"),
    max=_reduction("amax"),
    min=_reduction("amin"),
    cumsum=lambda x, axis: _call("cumsum")(x, dim=axis % max(x.ndim, 1)),
    expand_dims=expand_dims,
    reshape=lambda x, shape: x.reshape(shape),
    transpose=transpose,
    swapaxes=swapaxes,
    moveaxis=lambda x, a, b: x.movedim(a, b),
    broadcast_to=lambda x, shape: _call("expand")(x, shape=tuple(shape)),
    concatenate=lambda xs, axis=0: _call("cat")(*xs, dim=axis % xs[0].ndim),
    stack=lambda xs, axis=0: _call("stack")(*xs, dim=axis % (xs[0].ndim + 1)),
    flip=lambda x, axis: _call("flip")(x, dims=axis if isinstance(axis, tuple) else (axis,)),
    matmul=lambda x, y: x @ y,
    einsum=lambda equation, *xs, optimize=False: _call("einsum")(*xs, equation=equation),
    tril=lambda x, k=0: _call("tril")(x, diagonal=k),
    triu=lambda x, k=0: _call("triu")(x, diagonal=k),
    astype=astype,
    add=lambda x, y: x + y,
    subtract=lambda x, y: x - y,
    multiply=lambda x, y: x * y,
    divide=lambda x, y: x / y,
    negative=lambda x: -x,
    power=lambda x, y: x**y,
    absolute=lambda x: x.abs(),
    arcsin=lambda x: _call("asin")(x),
    arccos=lambda x: _call("acos")(x),
    arctan=lambda x: _call("atan")(x),
    arcsinh=lambda x: _call("asinh")(x),
    arccosh=lambda x: _call("acosh")(x),
    arctanh=lambda x: _call("atanh")(x),
    conj=lambda x: x.conj() if x.dtype.is_complex else x,
)
