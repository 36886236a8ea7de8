"""Kernels made of functions that reduce: their sources are read line by line, with all rows and elements at once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .array import ndarray
from .kernels import NARROW, WORDS, dtype_called
from .machine import run
from .rows import RawKernel
from .ufuncs import operand

HEADER = re.compile(r'extern "C" __global__ void \w+\((.*)\) \{')
PARAMETER = re.compile(r"(?:const )?([\w ]+?)_? (\*?)(\w+)")
DEFINED = re.compile(r"(const )?(\w+)_ (\w+) = (.+);")
JOINED = re.compile(r"(\w+) = (added|multiplied|larger|smaller)\(\1, (\w+)\);")
ENDED = re.compile(r"(\w+) = joined\(\1, lanes, \w+<\w+>\);")
STORED = re.compile(r"(?:if \(there && !part\) )?(\w+)\[.+\] = (\w+);")
WAYS = {"added": np.add, "multiplied": np.multiply, "larger": np.maximum, "smaller": np.minimum}


class Reduction:
    """CuPy's RawKernel, for the sources that `nbautograd.fast.cuda.reductions` writes."""

    made: list[Reduction] = []  # noqa: RUF012
    """All of them, for tests that look at their sources."""

    def __init__(self, code: str, name: str) -> None:
        found = HEADER.search(code)
        assert found
        self.code, self.name = code, name
        self.parameters = [PARAMETER.fullmatch(p).group(1, 3, 2) for p in found[1].split(", ")]  # type: ignore[union-attr]
        self.lines = [line for line in code[found.end() :].split("\n") if line and line != "}"]
        self.made.append(self)

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
        rows, lanes = (int(a) for a in args[-2:])
        (blocks,), (threads,) = grid, block
        if threads > 256 or threads & (threads - 1) or threads < lanes or blocks * lanes < rows:
            raise ValueError(f"{blocks} blocks of {threads} threads for {rows} rows in {lanes} lanes")
        named: dict[str, Any] = {}
        for (kind, name, pointer), given in zip(self.parameters, args, strict=True):
            named[name] = _given(kind, name, pointer, given)
        run(lambda: self.compute(named))

    def compute(self, named: dict[str, Any]) -> None:
        """Run the lines; every value is a column of rows, or rows of elements.

        Raises: TypeError where C++ would convert what NumPy does not.
        """
        n, near, inner, rows = (int(named[size]) for size in ("n", "near", "inner", "rows"))
        values = {**named, "j": np.arange(n)[None]}
        for _, name, pointer in self.parameters:
            if pointer:
                found = _rows_of(named, name, (n, near, inner, rows))
                values[name] = found if name[0] == "y" else found.reshape(rows, n)
        with np.errstate(all="ignore"):
            for line in self.lines:
                self._line(line, values, (rows, n))

    def _line(self, line: str, values: dict[str, Any], shape: tuple[int, int]) -> None:
        if line.startswith("const long long") or " += before" in line or line.endswith("{") or ENDED.fullmatch(line):
            return
        if made := JOINED.fullmatch(line):
            name, word, source = made.groups()
            found = np.broadcast_to(values[source], shape)
            if found.dtype != values[name].dtype:
                raise TypeError(f"{line} joins {found.dtype}")
            total = WAYS[word].reduce(found, axis=1, keepdims=True, dtype=found.dtype)
            values[name] = WAYS[word](values[name], total)
        elif made := DEFINED.fullmatch(line):
            fixed, kind, name, text = made.groups()
            text = re.sub(r"\[j .*?\]", "", text).replace("[0]", "[:, :1]")  # all elements, or the first one
            found = np.asarray(eval(text, WORDS, values))
            if fixed and found.dtype != np.dtype(kind):
                raise TypeError(f"{line} computes {found.dtype}")
            values[name] = found.astype(kind)
        elif made := STORED.fullmatch(line):
            target, found = values[made[1]], values[made[2]]
            if found.dtype != target.dtype and not (found.dtype == np.float32 and target.dtype.name in NARROW):
                raise TypeError(f"{line} stores {found.dtype}")
            target[...] = found if target.ndim == 2 else np.broadcast_to(found, shape).reshape(target.shape)
        elif line.startswith("const bool there"):
            return
        else:
            raise SyntaxError(line)


def _given(kind: str, name: str, pointer: str, given: Any) -> Any:
    """The numbers of an argument. Raises: TypeError for another dtype than the C++ says."""
    wanted = dtype_of_word(kind)
    if pointer:
        array = operand(given)
        if not isinstance(array, ndarray) or array.dtype != wanted:
            raise TypeError(f"{name} is no array of {wanted}")
        return array._numbers
    if not isinstance(given, np.generic) or given.dtype != wanted:
        raise TypeError(f"{name} is {type(given)}")
    return given


def dtype_of_word(kind: str) -> np.dtype:
    return np.dtype("int64") if kind == "long long" else dtype_called(kind)


def _rows_of(named: dict[str, Any], name: str, sizes: tuple[int, int, int, int]) -> Any:
    """What a pointer leads to, where the steps say: rows of elements, or a column."""
    (n, near, inner, rows), array, result = sizes, named[name], name.startswith("y")
    if result and not array.flags.c_contiguous:
        raise ValueError(f"{name} does not lie in one piece")
    if result and array.size == rows and n > 1:
        return array.reshape(rows, 1)
    parts = [int(named.get(f"{'y' if result else name}_{part}", 0)) for part in ("before", "beside", "far", "step")]
    steps = [part * array.itemsize for part in parts]
    return np.lib.stride_tricks.as_strided(array, (rows // inner, inner, n // near, near), steps)


def raw_kernel(code: str, name: str, options: tuple[str, ...] = ()) -> Any:
    """CuPy's RawKernel, for the kernels of this package."""
    return Reduction(code, name) if name.startswith("nb_rows_") else RawKernel(code, name, options)
