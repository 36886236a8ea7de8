"""Kernels written in C++: their sources are read as Python and computed by NumPy, as strictly as a compiler would."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import scipy.special

from .array import empty, ndarray
from .draws import drawn
from .facts_of import dtype_of
from .losses import REFERENCE as LOSSES
from .machine import run
from .places import REFERENCE as PLACES
from .ufuncs import operand
from .windows import REFERENCE as WINDOWS

LINE = re.compile(r"const (\w+)_ (\w+) = (.+);")
STORE = re.compile(r"(\w+) = (\w+);")
NARROW = "float16", "bfloat16"


def dtype_called(name: str) -> np.dtype:
    return dtype_of("E") if name == "bfloat16" else np.dtype(name)


def _cast(name: str) -> Any:
    return lambda x: np.asarray(x).astype(name)


def _pick(which: Any, a: Any, b: Any) -> Any:
    if np.asarray(which).dtype != bool or np.asarray(a).dtype != np.asarray(b).dtype:
        raise TypeError("the template does not fit")
    return np.where(which, a, b)


SAME = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "floor", "ceil", "trunc", "rint", "fabs", "fmax", "fmin", "hypot", "copysign", "fmod", "reciprocal",
]  # fmt: skip
WORDS: dict[str, Any] = {
    **{name: getattr(np, name) for name in SAME},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"{name}_": _cast(name) for name in ("bool", "int8", "uint8", "int16", "int32", "int64", "float32", "float64")},
    "erf": scipy.special.erf, "erfc": scipy.special.erfc, "pow": np.power, "atan2": np.arctan2, "pick": _pick,
    "larger": np.maximum, "smaller": np.minimum, "sign_of": np.sign, "is_nan": np.isnan, "is_finite": np.isfinite,
    "is_infinite": np.isinf, "negated": np.logical_not, "floor_divided": np.floor_divide, "rest_of": np.remainder,
    "whole_divided": np.floor_divide, "whole_rest": np.remainder, "__builtins__": {},
}  # fmt: skip


def evaluate(operation: str, values: dict[str, Any], outs: dict[str, Any]) -> None:
    """Compute `operation` from arrays and numbers by name, into `outs`; what an out holds may be read before.

    Raises: TypeError where C++ would convert what NumPy does not, for then the two would differ.
    """
    known = {**values, **outs}
    for line in operation.split("\n"):
        if made := LINE.fullmatch(line):
            kind, name, expression = made.groups()
            found = np.asarray(eval(expression, WORDS, known))
            if found.dtype != np.dtype(kind):
                raise TypeError(f"{line} computes {found.dtype}")
            known[name] = found
        elif stored := STORE.fullmatch(line):
            target, found = outs[stored[1]], np.asarray(known[stored[2]])
            if found.dtype != target.dtype and not (found.dtype == np.float32 and target.dtype.name in NARROW):
                raise TypeError(f"{line} stores {found.dtype} as {target.dtype}")
            target[...] = found.astype(target.dtype)
        else:
            raise SyntaxError(line)


REFERENCE = {**LOSSES, **PLACES, **WINDOWS}


class Parameter:
    """One parameter of a kernel."""

    def __init__(self, text: str) -> None:
        *words, kind, self.name = text.split()
        self.dtype = dtype_called(kind)
        self.raw = "raw" in words


class ElementwiseKernel:
    """CuPy's, for operations of lines that define a value or store one."""

    made: list[ElementwiseKernel] = []  # noqa: RUF012
    """All of them, for tests that look at their sources."""

    def __init__(
        self,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "kernel",
        reduce_dims: bool = True,
        preamble: str = "",
        no_return: bool = False,
        return_tuple: bool = False,
    ) -> None:
        if not re.fullmatch("[a-zA-Z_][a-zA-Z_0-9]*", name):
            raise ValueError(f'Invalid kernel name: "{name}"')
        self.in_params, self.out_params = (
            [Parameter(p) for p in text.split(",") if p.strip()] for text in (in_params, out_params)
        )
        self.texts = in_params, out_params
        self.operation, self.name, self.preamble, self.return_tuple = operation, name, preamble, return_tuple
        self.made.append(self)

    def __call__(self, *args: Any, size: int = -1) -> Any:
        if self.name in REFERENCE:
            return self._refer(*args)
        if size != -1:
            return self._draw(*args)
        count = len(self.in_params)
        if len(args) not in (count, count + len(self.out_params)):
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        args = tuple(map(operand, args))
        given = [_fitting(p, a) for p, a in zip([*self.in_params, *self.out_params], args, strict=False)]
        arrays = [a for a in args if isinstance(a, ndarray)]
        if not arrays:
            raise ValueError("Loop size is undecided.")
        shape = np.broadcast_shapes(*[a.shape for a in arrays])
        outs = list(args[count:]) or [empty(shape, p.dtype) for p in self.out_params]
        if any(not isinstance(o, ndarray) or o.shape != shape for o in outs):
            raise ValueError("Out shape is mismatched")
        values = {p.name: np.broadcast_to(g, shape) for p, g in zip(self.in_params, given, strict=False)}
        targets = {p.name: o._numbers for p, o in zip(self.out_params, outs, strict=True)}

        def kernel() -> None:
            with np.errstate(all="ignore"):
                evaluate(self.operation, values, targets)

        if 0 not in shape:
            run(kernel)
        return tuple(outs) if self.return_tuple or len(outs) > 1 else outs[0]

    def _refer(self, *args: Any) -> None:
        """A kernel that works out where its elements lie, for which NumPy's reference stands in."""
        given = [_fitting(p, operand(a)) for p, a in zip((*self.in_params, *self.out_params), args, strict=True)]
        run(lambda: REFERENCE[self.name](*given))

    def _draw(self, *args: Any) -> None:
        """A kernel over raw memory: those that draw random numbers, for which NumPy's reference stands in."""
        *figures, out = args
        numbers = [p.dtype.type(f) for p, f in zip(self.in_params, figures, strict=True)]
        if not out.flags.c_contiguous or out.dtype != self.out_params[0].dtype:
            raise TypeError("Type is mismatched")
        kind, target, (seed, offset, count, *rest) = self.name.removeprefix("nb_draw_"), out._numbers, numbers

        def kernel() -> None:
            found = drawn(kind, self.out_params[0].dtype.name, int(seed), int(offset), int(count), *rest)
            target.reshape(-1)[:count] = found.astype(target.dtype)

        run(kernel)


def _fitting(parameter: Parameter, given: Any) -> Any:
    """The numbers of an argument. Raises: TypeError for an array of another dtype."""
    if not isinstance(given, ndarray):
        return parameter.dtype.type(given)
    if given.dtype != parameter.dtype:
        raise TypeError(f"Type is mismatched. {parameter.name} {given.dtype} {parameter.dtype}")
    return given._numbers
