"""The modules of the stand-in: `cupy` and `cupyx` with the names that CuPy has, and no others."""

from __future__ import annotations

import contextlib
import importlib.machinery
import operator
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from . import machine as machines
from . import memory
from .array import ndarray
from .facts_of import FACTS
from .functions import OWN, computed, function, methods, pinned
from .indexing import getitem
from .kernels import ElementwiseKernel
from .reductions import raw_kernel
from .ufuncs import ufunc

OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "lshift": "left_shift", "rshift": "right_shift", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "matmul": "matmul", "divmod": "divmod", "pow": "power",
}  # fmt: skip
COMPARISONS = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip


def module(name: str) -> ModuleType:
    made = ModuleType(name, "A stand-in for CuPy: no GPU computes.")
    made.__spec__ = importlib.machinery.ModuleSpec(name, None)
    made.__path__ = []  # type: ignore[attr-defined]
    sys.modules[name] = made
    parent, _, last = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], last, made)
    return made


def filled(name: str, source: Any) -> ModuleType:
    """The module `name` with the functions and constants that the facts list, computed by those in `source`."""
    made = module(name)
    for word, fact in FACTS[name].items():
        if isinstance(fact, dict):
            # Several names are one ufunc: abs and absolute.
            plain = getattr(source, word, None) or getattr(np, word, None)
            setattr(made, word, ufunc(getattr(plain, "__name__", word), fact, plain or _missing(name, word)))
        elif isinstance(fact, str):
            setattr(made, word, function(name, word, fact, source))
        elif not isinstance(getattr(source, word, None), ModuleType | None):
            setattr(made, word, getattr(source, word))
    return made


def _missing(name: str, word: str) -> Any:
    def refuse(*args: Any) -> Any:
        raise NotImplementedError(f"the stand-in does not emulate {name}.{word}")

    return refuse


def install() -> None:
    """Put the stand-in where `import cupy` finds it."""
    import scipy.linalg
    import scipy.special

    cupy = filled("cupy", np)
    cupy.ndarray, cupy.ufunc = ndarray, ufunc  # type: ignore[attr-defined]
    cupy.ElementwiseKernel, cupy.RawKernel = ElementwiseKernel, raw_kernel  # type: ignore[attr-defined]
    cupy.__version__ = FACTS["version"]  # type: ignore[attr-defined]
    filled("cupy.fft", np.fft)
    _linalg(filled("cupy.linalg", np.linalg))
    module("cupy.lib")
    filled("cupy.lib.stride_tricks", np.lib.stride_tricks)
    filled("cupy.random", object())
    _cuda(cupy)
    cupyx = module("cupyx")
    cupyx.errstate, cupyx.geterr = _errstate, lambda: dict(_errors)  # type: ignore[attr-defined]
    cupyx.allow_synchronize = machines.allow_synchronize  # type: ignore[attr-defined]
    cupyx.DeviceSynchronized = machines.DeviceSynchronized  # type: ignore[attr-defined]
    cupyx.empty_pinned = pinned  # type: ignore[attr-defined]
    module("cupyx.scipy")
    filled("cupyx.scipy.special", scipy.special)
    filled("cupyx.scipy.linalg", scipy.linalg)
    methods()
    _operators(cupy)


def _operators(cupy: Any) -> None:
    for dunder, name in OPERATORS.items():
        call, plain = getattr(cupy, name), getattr(np, name)
        setattr(ndarray, f"__{dunder}__", lambda x, y, call=call, plain=plain: _binary(call, plain, x, y))
        setattr(ndarray, f"__r{dunder}__", lambda x, y, plain=plain: plain(y, x))
        if dunder not in ("matmul", "divmod"):
            setattr(ndarray, f"__i{dunder}__", lambda x, y, call=call: call(x, y, x))
    ndarray.__pow__ = _power  # type: ignore[attr-defined]
    for dunder, name in COMPARISONS.items():
        call, plain = getattr(cupy, name), getattr(np, name)
        setattr(ndarray, f"__{dunder}__", lambda x, y, call=call, plain=plain: _compare(call, plain, x, y))
    for dunder, name in {"neg": "negative", "abs": "absolute", "invert": "invert", "pos": "positive"}.items():
        call = getattr(cupy, name)
        setattr(ndarray, f"__{dunder}__", lambda x, call=call: call(x))


def _gives_way(y: Any) -> bool:
    found = getattr(y, "__array_ufunc__", operator)
    return found is None if found is not operator else getattr(y, "__array_priority__", 0) > 100


def _binary(call: Any, plain: Any, x: Any, y: Any) -> Any:
    if isinstance(y, ndarray):
        return call(x, y)
    return NotImplemented if _gives_way(y) else plain(x, y)


def _compare(call: Any, plain: Any, x: Any, y: Any) -> Any:
    if y is None and call.name in ("equal", "not_equal"):
        import cupy

        return cupy.full(x.shape, call.name == "not_equal")
    return _binary(call, plain, x, y)


def _power(x: Any, y: Any) -> Any:
    import cupy

    if type(y) in (int, float) and y == 2 and x.dtype.kind != "b":
        return cupy.square(x) if type(y) is int or x.dtype.kind in "fc" else cupy.square(x.astype(float))
    if type(y) is float and y == 0.5:
        return cupy.sqrt(x)
    return _binary(cupy.power, np.power, x, y)


_errors: dict[str, Any] = {"linalg": None}


@contextlib.contextmanager
def _errstate(*, linalg: Any = None, **others: Any) -> Iterator[None]:
    before, _errors["linalg"] = _errors["linalg"], linalg
    try:
        yield
    finally:
        _errors["linalg"] = before


def _linalg(linalg: Any) -> None:
    """CuPy's decompositions know no error unless asked to look, which makes the program wait; and no float16."""
    linalg.LinAlgError = np.linalg.LinAlgError
    names = ("cholesky", "inv", "solve", "svd", "qr", "eigh", "eigvalsh", "det", "slogdet", "lstsq", "pinv", "eig")
    for name in (*names, "eigvals"):
        setattr(linalg, name, _decomposition(getattr(linalg, name), getattr(np.linalg, name)))


def _decomposition(call: Any, plain: Any) -> Any:
    def decomposed(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, ndarray) and a.dtype.char not in "fdFD?bhilqBHILQ" for a in args):
            raise TypeError("Unsupported dtype float16")
        if _errors["linalg"] == "raise":
            machines.synchronized()
            return call(*args, **kwargs)
        try:
            return call(*args, **kwargs)
        except np.linalg.LinAlgError:
            return _rubbish(plain, args, kwargs)

    decomposed.__name__, decomposed.__module__ = call.__name__, call.__module__
    return decomposed


def _rubbish(plain: Any, args: Any, kwargs: Any) -> Any:
    """What comes of a decomposition that failed unnoticed: numbers of the right shape that mean nothing."""

    def compute(*arrays: Any, **rest: Any) -> Any:
        harmless = [
            np.broadcast_to(np.eye(*a.shape[-2:], dtype=a.dtype), a.shape) if getattr(a, "ndim", 0) > 1 else a
            for a in arrays
        ]
        found = plain(*harmless, **rest)
        return tuple(r * np.nan for r in found) if isinstance(found, tuple) else found * np.nan

    return computed("rubbish", compute, args, kwargs)


def _cuda(cupy: Any) -> None:
    cuda = module("cupy.cuda")
    for name in ["Device", "Stream", "Event", "Graph"]:
        setattr(cuda, name, getattr(machines, name))
    for name in ["MemoryPool", "MemoryPointer", "MemoryHook", "alloc", "using_allocator"]:
        setattr(cuda, name, getattr(memory, name))
    cuda.get_current_stream = lambda device_id=-1: machines.current_stream()  # type: ignore[attr-defined]
    cuda.get_elapsed_time = machines.elapsed  # type: ignore[attr-defined]
    cuda.is_available = lambda: True  # type: ignore[attr-defined]
    cuda.get_device_id = lambda: machines.machine.device  # type: ignore[attr-defined]
    made = module("cupy.cuda.memory")
    made.OutOfMemoryError = memory.OutOfMemoryError  # type: ignore[attr-defined]
    runtime: Any = module("cupy.cuda.runtime")
    runtime.CUDARuntimeError = machines.CUDARuntimeError
    runtime.getDeviceCount = lambda: machines.COUNT
    runtime.getDevice = lambda: machines.machine.device
    runtime.setDevice = machines.set_device
    runtime.getDeviceProperties = machines.properties
    runtime.memGetInfo = machines.memory_info
    runtime.runtimeGetVersion = lambda: 13000
    runtime.deviceSynchronize = machines.synchronized
    runtime.streamCaptureModeGlobal, runtime.streamCaptureModeThreadLocal, runtime.streamCaptureModeRelaxed = 0, 1, 2
    cupy.get_default_memory_pool = lambda: memory.default_pool


__all__ = ["OWN", "getitem", "install"]
