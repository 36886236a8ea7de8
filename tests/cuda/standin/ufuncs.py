"""Ufuncs with CuPy's loops: the first one that the operands can be cast to, and TypeError where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .array import DTYPES, empty, foreign, ndarray
from .facts_of import dtype_of
from .machine import machine, run

AT = {
    "add": "ifdeILQ",
    "sub": "iI",
    **dict.fromkeys(("max", "min", "and", "or", "xor"), "ifdILQ"),
}
"""The dtypes that `ufunc.at` takes in every CuPy since 13: what the hardware has atomic operations for."""
KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2, "c": 3}


class Unsupported:
    """The dtype of an operand that no kernel takes."""


def operand(x: Any) -> Any:
    """An operand as an array of the device or a scalar.

    Raises: TypeError for arrays of the host and whatever else.
    """
    if isinstance(x, ndarray):
        if x.data.device_id != machine.device:
            raise ValueError(f"Array device must be same as the current device: {x.data.device_id} is not")
        return x
    if hasattr(x, "__cuda_array_interface__"):
        return foreign(x)
    if type(x) in (int, float, complex, bool) or (isinstance(x, np.generic) and x.dtype.char in DTYPES):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


class ufunc:  # noqa: N801
    """One of CuPy's, computed by NumPy's (or SciPy's) function of that name."""

    def __init__(self, name: str, facts: dict[str, Any], function: Callable[..., Any]) -> None:
        self.name = self.__name__ = name
        self.types, self._refused, self._at = facts["ufunc"], set(facts["refused"]), facts["at"]
        ins, outs = self.types[0].split("->")
        self.nin, self.nout = len(ins), len(outs)
        self.nargs = self.nin + self.nout
        self._function = function

    def __repr__(self) -> str:
        return f"<ufunc 'cupy_{self.name}'>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        out, dtype, casting = kwargs.pop("out", None), kwargs.pop("dtype", None), kwargs.pop("casting", "same_kind")
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        ins = [operand(x) for x in args[: self.nin]]
        outs = args[self.nin :] or (out if isinstance(out, tuple) else (out,) * self.nout if out is None else (out,))
        if any(not isinstance(o, ndarray | None) for o in outs):
            raise TypeError(f"return arrays must be of ArrayType, not {[type(o) for o in outs]}")
        loop = self._loop(ins, None if dtype is None else np.dtype(dtype))
        shape = np.broadcast_shapes(*[getattr(x, "shape", ()) for x in (*ins, *[o for o in outs if o is not None])])
        targets = [self._out(o, shape, char, casting) for o, char in zip(outs, loop.split("->")[1], strict=True)]
        self._run([x._numbers if isinstance(x, ndarray) else x for x in ins], loop, [t._numbers for t in targets])
        return targets[0] if self.nout == 1 else tuple(targets)

    def _run(self, ins: list[Any], loop: str, targets: list[Any]) -> None:
        kinds, function = loop.split("->")[0], self._function

        def kernel() -> None:
            with np.errstate(all="ignore"):
                cast = [np.asarray(x).astype(dtype_of(k)) for x, k in zip(ins, kinds, strict=True)]
                found = function(*cast)
            for target, r in zip(targets, found if len(targets) > 1 else [found], strict=True):
                target[...] = np.asarray(r).astype(target.dtype) if np.iscomplexobj(target) else r

        run(kernel)

    def _out(self, out: Any, shape: tuple[int, ...], char: str, casting: Any) -> ndarray:
        if out is None:
            return empty(shape, dtype_of(char))
        if not np.can_cast(dtype_of(char), out.dtype, casting):
            raise TypeError(f"Cannot cast ufunc {self.name!r} output from {dtype_of(char)} to {out.dtype} ({casting})")
        if out.shape != shape:
            raise ValueError(f"non-broadcastable output operand with shape {out.shape}, not {shape}")
        return out

    def _loop(self, ins: list[Any], dtype: Any) -> str:
        if dtype is not None:
            fits = [t for t in self.types if all(dtype_of(c) == dtype for c in t.split("->")[1])]
        else:
            weak = self._weak(ins)
            fits = [
                t for t in self.types
                if all(_fits(x, c, weak) for x, c in zip(ins, t.split("->")[0], strict=True))
            ]  # fmt: skip
        if not fits:
            kinds = [getattr(x, "dtype", type(x)) for x in ins]
            raise TypeError(f"Wrong type ({dtype or kinds}) of arguments for cupy_{self.name}")
        if fits[0] in self._refused:
            raise TypeError(f"cupy_{self.name} does not take {fits[0]}")
        return fits[0]

    def _weak(self, ins: list[Any]) -> bool:
        """Whether Python's numbers give way to the others: not if they are of a higher kind."""
        strong = [KINDS[x.dtype.kind] for x in ins if hasattr(x, "dtype")]
        numbers = [KINDS[np.dtype(type(x)).kind] for x in ins if not hasattr(x, "dtype")]
        return bool(strong and numbers) and max(strong) >= max(numbers)

    # --- the other ways to call it ---

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        from .indexing import prepared, wrapped

        if self._at is None:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        if not isinstance(b, ndarray) and not np.isscalar(b):
            raise TypeError(f"Unsupported type {type(b)}")
        index = prepared(a, indices)
        advanced = any(isinstance(i, np.ndarray) for i in index)
        masked = any(isinstance(i, np.ndarray) and i.dtype.kind == "b" for i in index)
        if advanced and not masked and a.dtype.char not in AT[self._at]:
            raise TypeError(f"cupy.{self.name}.at does not support {a.dtype}")
        target, values, function = a._numbers, getattr(b, "_numbers", b), getattr(np, self.name)
        run(lambda: function.at(target, wrapped(target.shape, index), np.asarray(values).astype(target.dtype)))

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:  # noqa: N803
        return self(A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape), **kwargs)

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        if self.name not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")
        return (array.sum if self.name == "add" else array.prod)(axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        if self.name not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")
        return (array.cumsum if self.name == "add" else array.cumprod)(axis, dtype, out)

    def reduceat(self, array: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        raise NotImplementedError(f"`{self.name}.reduceat` is not supported yet")


def _fits(x: Any, char: str, weak: bool) -> bool:
    if hasattr(x, "dtype"):
        return np.can_cast(x.dtype, dtype_of(char))
    kind = np.dtype(type(x))
    if np.can_cast(kind, dtype_of(char)):
        return True
    return weak and type(x) is not bool and np.result_type(type(x)(0), dtype_of(char)) == dtype_of(char)


WHERE = {
    "ufunc": [f"?{c}{c}->{c}" for c in "?bBhHiIlLqQefdFD"],
    "refused": [],
    "at": None,
}
where = ufunc("where", WHERE, np.where)
