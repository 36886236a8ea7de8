"""The array of the stand-in: as strict as CuPy's about what it takes, and no NumPy array in any respect."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

from .facts_of import FACTS, binder
from .machine import Device, Stream, current_stream, machine, run, synchronized, uploaded
from .memory import MemoryPointer, alloc

DTYPES = "?bhilqBHILQefdFDE"
SCALARS = (int, float, complex, bool, np.generic)


class ndarray:  # noqa: N801
    """Numbers in the memory of a device: `_numbers` is a NumPy array on a block of it."""

    __slots__ = ("__weakref__", "_numbers", "base", "data")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __new__(cls, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: Any = "C") -> Any:
        dtype = np.dtype(dtype)
        if dtype.char not in DTYPES and dtype.kind != "V":
            raise ValueError(f"Unsupported dtype {dtype}")
        shape = (int(shape),) if isinstance(shape, int | np.integer) else tuple(shape)
        if memptr is None:
            memptr = alloc(int(np.prod(shape, dtype=object)) * dtype.itemsize)
        numbers = np.ndarray(shape, dtype, memptr.mem.bytes.data, memptr._offset, strides, order)
        return made(numbers, memptr, None)

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self._numbers.shape

    @shape.setter
    def shape(self, value: Any) -> None:
        self._numbers.shape = value

    dtype = property(lambda self: self._numbers.dtype)
    ndim = property(lambda self: self._numbers.ndim)
    size = property(lambda self: self._numbers.size)
    strides = property(lambda self: self._numbers.strides)
    itemsize = property(lambda self: self._numbers.itemsize)
    nbytes = property(lambda self: self._numbers.nbytes)
    flags = property(lambda self: Flags(self))
    device = property(lambda self: Device(self.data.device_id))
    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2))  # noqa: N815

    @property
    def real(self) -> ndarray:
        return view_of(self, self._numbers.real) if self.dtype.kind == "c" else self

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> ndarray:
        numbers = self._numbers
        return view_of(self, numbers.imag) if self.dtype.kind == "c" else launched(lambda: numbers.imag)

    @imag.setter
    def imag(self, value: Any) -> None:
        view_of(self, self._numbers.imag)[...] = value

    # --- to the host: the program waits ---

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        if blocking:
            synchronized()
        if out is None:
            return self._numbers.copy(order)
        if not isinstance(out, np.ndarray) or out.dtype != self.dtype or out.shape != self.shape:
            raise TypeError("Only numpy.ndarray of the same shape and dtype can be obtained from cupy.ndarray")
        out[...] = self._numbers
        return out

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(self.get())

    tolist = lambda self: self.get().tolist()  # noqa: E731
    tobytes = lambda self, order="C": self.get().tobytes(order)  # noqa: E731
    __int__ = lambda self: int(self.get())  # noqa: E731
    __float__ = lambda self: float(self.get())  # noqa: E731
    __complex__ = lambda self: complex(self.get())  # noqa: E731
    __repr__ = lambda self: repr(self.get())  # noqa: E731
    __str__ = lambda self: str(self.get())  # noqa: E731
    __format__ = lambda self, spec: format(self.get(), spec)  # noqa: E731
    __copy__ = lambda self: self.copy()  # noqa: E731
    __deepcopy__ = lambda self, memo: self.copy()  # noqa: E731
    __reduce__ = lambda self: (array_of, (self.get(),))  # noqa: E731

    def __array__(self, dtype: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    # --- from the host ---

    def set(self, arr: Any, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype or arr.shape != self.shape:
            raise ValueError("Shape or dtype mismatch")
        if not self.flags.forc:
            raise RuntimeError("Cannot set to non-contiguous array")
        uploaded()
        self._numbers[...] = arr

    def fill(self, value: Any) -> None:
        numbers = self._numbers
        found = value._numbers if isinstance(value, ndarray) else np.array(value, dtype=self.dtype)
        if found.shape:
            raise ValueError("non-scalar arrays cannot be used for fill")
        run(lambda: numbers.fill(found[()]))

    # --- copies ---

    def copy(self, order: str = "C") -> ndarray:
        numbers = self._numbers
        return launched(lambda: numbers.copy(order), order=order)

    def astype(self, dtype: Any, order: Any = "K", casting: Any = None, subok: Any = None, copy: Any = True) -> ndarray:
        if casting is not None or subok is not None:
            raise TypeError("casting is not supported yet")
        if np.dtype(dtype) == self.dtype and not copy and order in ("K", None):
            return self
        numbers = self._numbers
        return launched(lambda: numbers.astype(dtype, order or "K"), order="K")

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:  # noqa: A002
        return view_of(self, self._numbers.view() if dtype is None else self._numbers.view(dtype))

    # --- NumPy's protocols ---

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        import cupy
        import cupyx.scipy.special as special

        out = kwargs.get("out", ())
        if out:
            if len(out) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            kwargs["out"] = out[0]
        function = getattr(cupy, ufunc.__name__, None) or getattr(special, ufunc.__name__, None)
        if method != "__call__" and function is not None:
            function = getattr(function, method, None)
        known = all(isinstance(x, (ndarray, np.ndarray, *SCALARS)) for x in (*inputs, *out))
        if function is None or not known:
            return NotImplemented
        if ufunc.__name__ in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
            inputs = tuple(x.item() if isinstance(x, np.ndarray) and x.ndim == 0 else x for x in inputs)
        return function(*inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        import cupy

        try:
            module = functools.reduce(getattr, func.__module__.split(".")[1:], cupy)
            found = getattr(module, func.__name__)
        except AttributeError:
            return NotImplemented
        if found is func or not all(issubclass(t, ndarray | np.ndarray) for t in types):
            return NotImplemented
        return found(*args, **kwargs)

    # --- other libraries ---

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "stream": 1,
            "version": 3,
            "strides": None if self._numbers.flags.c_contiguous else self.strides,
            "data": (self._numbers.ctypes.data if self.size else 0, False),
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.device.id

    def __dlpack__(self, *, stream: Any = None, dl_device: Any = None, copy: Any = None, **rest: Any) -> Any:
        if dl_device not in (None, self.__dlpack_device__()) or copy:
            raise BufferError("unsupported device requested.")
        return Capsule(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))


ndarray.__module__ = "cupy"
if "__cuda_array_interface__" not in FACTS["cupy.ndarray"]:
    raise AssertionError("facts.json is not of CuPy")


class Capsule:
    """What DLPack's exporter hands to the importer."""

    def __init__(self, array: ndarray) -> None:
        self.array = array


class Flags:
    """As much as CuPy tells of an array's layout."""

    def __init__(self, array: ndarray) -> None:
        found = array._numbers.flags
        self.c_contiguous, self.f_contiguous = found.c_contiguous, found.f_contiguous
        self.owndata = array.base is None
        self.forc, self.fnc = found.forc, found.fnc

    def __getitem__(self, name: str) -> bool:
        return {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}[name]


def made(numbers: Any, memptr: MemoryPointer, base: Any) -> ndarray:
    array = object.__new__(ndarray)
    array._numbers, array.data, array.base = numbers, memptr, base
    return array


def view_of(array: ndarray, numbers: Any) -> ndarray:
    """An array on the memory of another."""
    block = array.data.mem
    offset = numbers.ctypes.data - block.bytes.ctypes.data if numbers.size else array.data._offset
    numbers = np.ndarray(numbers.shape, numbers.dtype, block.bytes.data, offset, numbers.strides)  # may be written to
    return made(numbers, MemoryPointer(block, offset), array if array.base is None else array.base)


def empty(shape: Any, dtype: Any, order: str = "C", like: Any = None) -> ndarray:
    """New memory; with order K and `like` laid out like that array."""
    if order != "K" or like is None or like.flags.c_contiguous:
        return ndarray(shape, dtype, order="F" if order == "F" or (order == "A" and like.flags.fnc) else "C")
    strides = np.empty_like(like, dtype=dtype).strides
    return ndarray(shape, dtype, strides=strides)


def launched(compute: Any, order: str = "C") -> Any:
    """What `compute` (of NumPy's arrays) returns, in new memory of the device, written by a kernel."""
    with np.errstate(all="ignore"):
        found = compute()
    several = isinstance(found, tuple | list)
    results = [np.asarray(r) for r in (found if several else [found])]
    outs = [empty(r.shape, r.dtype, order, r) for r in results]
    targets = [out._numbers for out in outs]  # the memory and not the arrays: a graph keeps nothing alive

    def kernel() -> None:
        again = compute() if capturing else found
        for target, r in zip(targets, again if several else [again], strict=True):
            target[...] = r

    capturing = current_stream().is_capturing()
    run(kernel)
    if not several:
        return outs[0]
    return type(found)(*outs) if hasattr(found, "_fields") else tuple(outs)


def array_of(obj: Any, dtype: Any = None, order: Any = "K", ndmin: int = 0) -> ndarray:
    """`obj` (numbers of the host, or arrays of the device) as a new array."""
    if isinstance(obj, ndarray):
        numbers = obj._numbers
        return launched(lambda: np.array(numbers, dtype, order=order, ndmin=ndmin), order=order or "K")
    if hasattr(obj, "__cuda_array_interface__"):
        return array_of(foreign(obj), dtype, order, ndmin)
    if isinstance(obj, list | tuple) and _device_parts(obj):
        nested = _numbers_in(obj)
        return launched(lambda: np.array(nested, dtype, ndmin=ndmin))
    host = np.array(obj, dtype, order=order if isinstance(obj, np.ndarray) else "C", ndmin=ndmin)
    if host.dtype.char not in DTYPES and host.dtype.kind != "V":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    new = empty(host.shape, host.dtype, "F" if host.flags.fnc else "C")
    if host.ndim or isinstance(obj, list | tuple):
        uploaded()
        new._numbers[...] = host
    else:
        new.fill(host[()])
    return new


def _device_parts(obj: Any) -> bool:
    return all(isinstance(x, ndarray) or (isinstance(x, list | tuple) and _device_parts(x)) for x in obj) and bool(obj)


def _numbers_in(obj: Any) -> Any:
    return obj._numbers if isinstance(obj, ndarray) else [_numbers_in(x) for x in obj]


def foreign(obj: Any) -> ndarray:
    """An array on memory that something else with a CUDA array interface owns."""
    facts = obj.__cuda_array_interface__
    dtype = np.dtype(facts["typestr"])
    strides = facts["strides"]
    extent = max(dtype.itemsize, int(np.prod(facts["shape"])) * dtype.itemsize if strides is None else 0)
    for n, s in zip(facts["shape"], strides or (), strict=False):
        extent += abs(s) * max(n - 1, 0)
    if not facts["data"][0]:
        return ndarray(facts["shape"], dtype)
    memory = np.frombuffer((ctypes.c_char * extent).from_address(facts["data"][0]), np.uint8)
    numbers = np.ndarray(facts["shape"], dtype, memory.data, 0, strides)
    return made(numbers, MemoryPointer(Foreign(memory, obj), 0), None)


class Foreign:
    """Memory of somebody else, who is kept alive."""

    def __init__(self, memory: Any, owner: Any) -> None:
        self.bytes, self.owner, self.device_id = memory, owner, machine.device


__all__ = ["Capsule", "Stream", "array_of", "binder", "empty", "foreign", "launched", "made", "ndarray", "view_of"]
