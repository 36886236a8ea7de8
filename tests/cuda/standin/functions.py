"""CuPy's functions and methods: NumPy's of that name, with CuPy's parameters, and those that differ written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .array import Capsule, array_of, foreign, launched, ndarray, view_of
from .array import empty as new_memory
from .facts_of import FACTS, binder
from .machine import machine, run, synchronized, uploaded
from .ufuncs import operand, where

ON_HOST = {
    "can_cast", "result_type", "promote_types", "min_scalar_type", "common_type", "isscalar", "ndim", "shape",
    "size", "may_share_memory", "shares_memory", "iscomplexobj", "isrealobj", "isfortran", "issubdtype",
    "isdtype", "broadcast_shapes", "mintypecode", "typename", "get_printoptions", "set_printoptions",
}  # fmt: skip
"""Functions whose result is known without looking at numbers."""
CREATE = {
    "arange", "empty", "eye", "full", "identity", "linspace", "logspace", "ones", "tri", "zeros", "bartlett",
    "blackman", "hamming", "hanning", "kaiser", "indices", "tril_indices", "triu_indices", "fftfreq", "rfftfreq",
    "mask_indices", "diag_indices",
}  # fmt: skip
VIEWS = {
    "reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "squeeze", "expand_dims", "broadcast_to",
    "broadcast_arrays", "diagonal", "split", "array_split", "hsplit", "vsplit", "dsplit", "atleast_1d",
    "atleast_2d", "atleast_3d", "flip", "fliplr", "flipud", "rot90", "real", "imag", "matrix_transpose",
    "permute_dims", "as_strided", "sliding_window_view",
}  # fmt: skip
"""Functions whose results may share the memory of their argument."""
WAITS = {
    "nonzero", "argwhere", "flatnonzero", "unique", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "bincount", "histogram", "histogram2d", "histogramdd", "isin", "in1d", "setdiff1d",
    "intersect1d", "union1d", "setxor1d", "compress", "extract", "place", "delete", "trim_zeros", "digitize",
    "array2string", "array_str", "array_repr", "choose",
}  # fmt: skip
"""Functions whose result's size depends on numbers, or that look at some otherwise."""


OWN: dict[str, Callable[..., Any]] = {}
"""Functions that are not NumPy's, by their name."""


def own(function: Callable[..., Any]) -> Callable[..., Any]:
    OWN[function.__name__.strip("_")] = function
    return function


def numbers_of(value: Any) -> Any:
    """What NumPy is given for an argument. Raises: TypeError for arrays of the host."""
    if isinstance(value, ndarray):
        return operand(value)._numbers
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, list | tuple):
        return type(value)(numbers_of(v) for v in value)
    return value


def function(module: str, name: str, text: str, source: Any) -> Callable[..., Any]:
    """The function `name` with the parameters `text`, computed by that of NumPy in `source`."""
    check, plain = binder(name, text), getattr(source, name, None)
    given = OWN.get(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        arguments = check(*args, **kwargs)
        if given is not None:
            return given(*args, **kwargs)
        if plain is None:
            raise NotImplementedError(f"the stand-in does not emulate {module}.{name}")
        if name in ON_HOST:
            return plain(*[numbers_of(a) for a in args], **kwargs)
        if name not in CREATE and name not in ("meshgrid", "einsum"):
            first = next(iter(arguments.values()), None)
            if not _has_array(first):
                raise TypeError(f"{name}: only cupy.ndarray is taken, not {type(first)}")
        return computed(name, plain, args, kwargs)

    call.__name__ = call.__qualname__ = name
    call.__module__ = module
    return call


def _has_array(value: Any) -> bool:
    if isinstance(value, dict):
        return True
    if isinstance(value, list | tuple):
        return bool(value) and all(_has_array(v) for v in value)
    return isinstance(value, ndarray) or hasattr(value, "__cuda_array_interface__")


def computed(name: str, plain: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The result of NumPy's function `plain` in the device's memory, or in `out`."""
    out = kwargs.pop("out", None)
    kwargs.pop("blocking", None)
    if name in WAITS:
        synchronized()
    arrays = [a for a in _flat((*args, *kwargs.values())) if isinstance(a, ndarray)]
    args, kwargs = numbers_of(list(args)), {k: numbers_of(v) for k, v in kwargs.items()}

    def compute() -> Any:
        found = plain(*args, **kwargs)
        return tuple(found) if isinstance(found, list | tuple) else found

    if out is not None:
        return into(out, compute)
    if name in VIEWS:
        found = plain(*args, **kwargs)
        several = isinstance(found, list | tuple)
        shared = [_shared(f, arrays, args, kwargs) for f in (found if several else [found])]
        if all(s is not None for s in shared):
            return type(found)(shared) if several else shared[0]
    return launched(compute, "K" if name.endswith("_like") else "C")


def _shared(found: Any, arrays: list[ndarray], args: Any, kwargs: Any) -> Any:
    """The view that `found` is of one of `arrays`, or None where it has memory of its own."""
    for array in arrays:
        if found is array._numbers:
            return array
        if np.may_share_memory(found, array._numbers) or (found.size == 0 and found.base is not None):
            return view_of(array, found)
    return None


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (_flat(v) if isinstance(v, list | tuple) else [v])]


def into(out: Any, compute: Callable[[], Any]) -> Any:
    """Write what `compute` returns into the array `out`."""
    if not isinstance(out, ndarray):
        raise TypeError("out must be a cupy.ndarray")
    target, found = out._numbers, np.asarray(compute())
    if found.shape != target.shape:
        raise ValueError(f"output shape mismatch: {found.shape} into {target.shape}")
    if not np.can_cast(found.dtype, target.dtype, "same_kind"):
        raise TypeError(f"output (typecode '{found.dtype.char}') could not be coerced to '{target.dtype.char}'")
    run(lambda: np.copyto(target, compute(), casting="unsafe"))
    return out


def methods() -> None:
    """Give the array CuPy's methods, with CuPy's parameters."""
    for name, text in FACTS["cupy.ndarray"].items():
        if isinstance(text, str) and not name.startswith("_") and name not in vars(ndarray):
            setattr(ndarray, name, _method(name, text))


IN_PLACE = {"sort", "partition", "put"}


def _method(name: str, text: str) -> Callable[..., Any]:
    check = binder(name, text if text.startswith("(self") else "(self, " + text[1:])

    def call(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        check(self, *args, **kwargs)
        if name in ("sort", "argsort") and kwargs.get("kind") not in (None, "stable"):
            raise ValueError("kind can only be None or 'stable'")
        if f"ndarray_{name}" in OWN:
            return OWN[f"ndarray_{name}"](self, *args, **kwargs)
        if name in IN_PLACE:
            numbers, rest = operand(self)._numbers, numbers_of(list(args))
            return run(lambda: getattr(numbers, name)(*rest, **kwargs))
        if not hasattr(np.ndarray, name):
            raise NotImplementedError(f"the stand-in does not emulate ndarray.{name}")
        return computed(name, getattr(np.ndarray, name), (self, *args), kwargs)

    call.__name__ = name
    return call


# --- what differs from NumPy ---


@own
def array(
    obj: Any, dtype: Any = None, copy: Any = True, order: Any = "K", subok: Any = False, ndmin: int = 0, **rest: Any
) -> Any:
    if subok:
        raise NotImplementedError
    elsewhere = isinstance(obj, ndarray) and obj.data.device_id != machine.device
    if (
        not elsewhere
        and copy is not True
        and dtype in (None, getattr(obj, "dtype", None))
        and order in ("K", None)
        and not ndmin
    ):
        if isinstance(obj, ndarray):
            return obj
        if hasattr(obj, "__cuda_array_interface__"):
            return foreign(obj)
    return array_of(obj, dtype, order, ndmin)


@own
def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: Any = False) -> Any:
    same = isinstance(a, ndarray) and (dtype is None or np.dtype(dtype) == a.dtype)
    same = same and a.data.device_id == machine.device
    if same and (order in (None, "K") or a.flags[f"{order}_CONTIGUOUS"]):
        return a if not copy else a.copy()
    return array(a, dtype, bool(copy), order)


OWN["asanyarray"] = asarray


@own
def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    if not isinstance(a, ndarray):
        return ascontiguousarray(array_of(a, dtype))
    fits = a.flags.c_contiguous and (dtype is None or a.dtype == np.dtype(dtype)) and a.ndim
    return a if fits else computed("ascontiguousarray", np.ascontiguousarray, (a, dtype), {})


@own
def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    return a.get(stream, order, out, blocking) if isinstance(a, ndarray) else np.asarray(a, order=order)


@own
def get_array_module(*args: Any) -> Any:
    import cupy

    return cupy if any(isinstance(a, ndarray) for a in args) else np


@own
def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return condition.nonzero()
    return where(condition.astype("?", copy=False), x, y)


@own
def nonzero(a: Any) -> Any:
    if not a.ndim:
        raise ValueError("Calling nonzero on 0d arrays is not allowed.")
    return computed("nonzero", np.nonzero, (a,), {})


OWN["ndarray_nonzero"] = nonzero


@own
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    source = operand(src)
    kind = source.dtype if isinstance(source, ndarray | np.generic) else np.result_type(source, dst.dtype)
    if not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"Cannot cast {kind} to {dst.dtype} in {casting} casting mode")
    target, values, mask = dst._numbers, numbers_of(source), True if where is None else numbers_of(where)
    run(lambda: np.copyto(target, values, casting="unsafe", where=mask))


@own
def putmask(a: Any, mask: Any, values: Any) -> None:
    target, m, v = a._numbers, numbers_of(operand(mask)), numbers_of(operand(values))
    run(lambda: np.putmask(target, m, v))


@own
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    target, i, v = arr._numbers, numbers_of(indices), numbers_of(values)
    run(lambda: np.put_along_axis(target, i, v, axis))


@own
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    target, v = a._numbers, numbers_of(val)
    run(lambda: np.fill_diagonal(target, v, wrap))


@own
def take(a: Any, indices: Any, axis: Any = None, out: Any = None) -> Any:
    if not np.isscalar(indices) and not isinstance(indices, ndarray):
        indices = array_of(indices, int)
    numbers, places = a._numbers, getattr(indices, "_numbers", indices)

    def compute() -> Any:
        return np.take(numbers, places, axis, mode="wrap")

    return launched(compute) if out is None else into(out, compute)


OWN["ndarray_take"] = take


@own
def matmul(*args: Any, **kwargs: Any) -> Any:
    arrays = [operand(a) for a in args]
    if not all(isinstance(a, ndarray) for a in arrays):
        raise TypeError("matmul takes arrays of the device")
    return computed("matmul", np.matmul, tuple(arrays[:2]), {**kwargs, "out": kwargs.get("out", (*arrays, None)[2])})


@own
def broadcast_to(array: Any, shape: Any) -> Any:
    return view_of(array, np.broadcast_to(array._numbers, shape))


@own
def from_dlpack(array: Any, device: Any = None, copy: Any = None) -> Any:
    if array.__dlpack_device__()[0] != 2:
        raise ValueError("the stand-in takes DLPack from the device only")
    capsule = array.__dlpack__(stream=1)
    if not isinstance(capsule, Capsule):
        raise TypeError(f"no capsule: {capsule!r}")
    return view_of(capsule.array, capsule.array._numbers)


@own
def squeeze(a: Any, axis: Any = None) -> Any:
    return view_of(a, np.squeeze(a._numbers, axis))


@own
def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> Any:
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, ndarray) else np.array(fill_value).dtype
    new = ndarray(shape, dtype, order=order)
    new.fill(fill_value)
    return new


@own
def empty(shape: Any, dtype: Any = float, order: str = "C") -> Any:
    return ndarray(shape, dtype, order=order)


@own
def empty_like(prototype: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> Any:
    kind = prototype.dtype if dtype is None else dtype
    return new_memory(prototype.shape if shape is None else shape, kind, order, prototype._numbers)


class PinnedMemoryPointer(bytearray):
    """Memory of the host that the device can read by itself."""


def pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    """A NumPy array in memory that the device can read; its owner is no array."""
    held = PinnedMemoryPointer(max(int(np.prod(shape)) * np.dtype(dtype).itemsize, 1))
    return np.ndarray(shape, dtype, held, order=order)


__all__ = ["OWN", "array", "asarray", "computed", "function", "methods", "numbers_of", "pinned", "uploaded"]
