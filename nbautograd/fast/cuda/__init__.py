"""One kernel for each function of the op table on a GPU, made from the function's own text.

NOTE [One kernel per rule]
On arrays of a GPU every ufunc is a kernel of its own: the gradient of gelu was ten. `Fused` is a function that is run
once on symbols (NOTE [Symbols]) for each combination of dtypes and settings; what it wrote down becomes a
`cupy.ElementwiseKernel`, and that runs from then on. Its source is the same for all numbers among the settings, so
that a learning rate that changes compiles nothing. Half precision is computed in float32 and rounded once, when it is
stored. A function that is more than arithmetic of single elements runs as it did, call by call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .programs import SIZED, VALUED, Program, Reduction, traced

STATIC = (bool, int, float, str, type(None), tuple, type)
"""Arguments that decide what a function computes: for each value it is traced anew."""
ATTEMPTS = 3
"""So often a function may prove to be more than arithmetic before it is no longer tried."""
ENTRIES = 256
"""How many programs of a function are kept."""


class Fused:
    """A function of arrays as one kernel; see NOTE [One kernel per rule]."""

    def __init__(self, name: str, text: Callable[[], Any], plain: Any, library: Any, narrow: bool = False) -> None:
        self.__name__ = name
        self.text = text
        """Gives the function for symbols."""
        self.plain = self.__wrapped__ = plain
        """The function for arrays."""
        self.library = library
        self.narrow = narrow
        """Whether bfloat16 is computed in float32 and rounded."""
        self.__code__: Any = getattr(plain, "__code__", None)
        self.__kwdefaults__: Any = getattr(plain, "__kwdefaults__", None)
        self._programs: dict[Any, Any] = {}
        self._attempts = ATTEMPTS

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if self._attempts:
            arrays, key = self._looked_at(args, settings)
            if key is not None and (program := self._program(key, arrays, args, settings)) is not None:
                return program.run(arrays)
        return self.plain(*args, **settings)

    def rounding(self, plain: Any) -> Fused:
        """This function for bfloat16; `plain` is that for arrays."""
        twin = Fused(self.__name__, self.text, plain, self.library, narrow=True)
        twin.__code__, twin.__kwdefaults__ = self.__code__, self.__kwdefaults__
        return twin

    def _looked_at(self, args: Any, settings: dict[str, Any]) -> tuple[list[Any], Any]:
        """The arrays among the arguments, and what decides how they are used: None where there is anything unknown."""
        arrays: list[Any] = []
        kinds: list[Any] = list(settings)
        on_gpu, shape, alike = self.library.ndarray, None, True
        for value in (*args, *settings.values()):
            if value.__class__ is on_gpu:
                kinds.append(value.dtype)
                arrays.append(value)
                alike = alike and (shape is None or shape == value.shape)
                shape = value.shape
            elif isinstance(value, np.generic):
                kinds.append(value.dtype.type)
                arrays.append(value)
            elif isinstance(value, STATIC):
                kinds.append((value.__class__, value or repr(value)))  # 0.0 is not -0.0
            else:
                return [], None
        return arrays, None if shape is None else (alike, *kinds)

    def _program(self, key: Any, arrays: list[Any], args: Any, settings: dict[str, Any]) -> Program | Reduction | None:
        try:
            found = self._programs.get(key, key)
        except TypeError:  # a tuple of what has no hash
            return None
        alike, valued = key[0], found is VALUED
        if valued:
            key = (key, *[repr(a) for a in arrays if isinstance(a, np.generic)])
            found = self._programs.get(key, key)
        if found is SIZED:
            sized = (key, *[a.shape for a in arrays])
            found = self._programs.get(sized, key)
        if found is not key:
            return found
        if len(self._programs) >= ENTRIES:
            self._programs.clear()
        program, sized, decided, unfit = traced(self, args, settings, alike, valued)
        if decided:
            self._programs[key] = VALUED
            return self._program(key, arrays, args, settings)
        if program is not None:
            self._attempts = -1  # for ever
        elif self._attempts > 0 and not unfit:
            self._attempts -= 1
        if sized:
            self._programs[key], key = SIZED, (key, *[a.shape for a in arrays])
        self._programs[key] = program
        return program
