"""Functions that reduce some dimensions and compute with what came out, as one kernel made of their own text.

NOTE [Reductions]
A sum or a maximum needs all elements of a row before the next step: the gradient of `std` was nine kernels. On symbols
(NOTE [Symbols]) a reduction is a line like any other; its elements lie along some dimensions, the row, and each
combination of the others is a row of its own. In the kernel a block of threads goes along a row once for every
reduction that waits for another one, and once more for what has its shape. What is computed of elements is computed
again on each way, so that nothing but the results is ever stored. Where rows lie side by side in memory up to 32 of
them are a block's, so that neighbouring threads read neighbouring numbers. An array comes with the distances of its
elements: from row to row, among the dimensions before and behind those reduced, along the row in two parts at most.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .halves import HALVES
from .layouts import Layout, Load
from .symbols import Symbol
from .traces import Shape, Trace, UntraceableError
from .words import NARROW, PREAMBLE, TYPES

HEAD = (
    PREAMBLE
    + HALVES
    + """
#define EACH for (long long j = part; j < n; j += step)
template<typename T> __device__ T added(T x, T y) { return x + y; }
template<typename T> __device__ T multiplied(T x, T y) { return x * y; }
template<typename T> __device__ T joined(T x, long long lanes, T (*join)(T, T)) {
  __shared__ T held[256];
  held[threadIdx.x] = x;
  __syncthreads();
  for (int half = blockDim.x / 2; half >= lanes; half /= 2) {
    if (threadIdx.x < half) held[threadIdx.x] = join(held[threadIdx.x], held[threadIdx.x + half]);
    __syncthreads();
  }
  T found = held[threadIdx.x % lanes];
  __syncthreads();
  return found;
}
"""
)
"""`joined` gives all threads of a row what their values are together; lanes and threads are powers of two."""

BEGIN = """
const long long lane = threadIdx.x % lanes, part = threadIdx.x / lanes, step = blockDim.x / lanes;
const bool there = blockIdx.x * lanes + lane < rows;
const long long row = there ? blockIdx.x * lanes + lane : 0, before = row / inner, beside = row % inner;
""".strip()

STARTS = {"added": "0", "multiplied": "1", "larger": "-1 / {}(0)", "smaller": "1 / {}(0)"}
LAST = "9223372036854775807"
"""The largest whole number, from which the smallest position is sought."""
LINE = re.compile(r"const (\w+) (\w+) = (.+);")
NAMES = re.compile(r"\b[akv]\d+\b")


class Reduction(NamedTuple):
    """A kernel of rows and how it is called."""

    kernel: Any
    library: Any
    layout: Layout
    views: tuple[tuple[int, Callable[[Any], Any]], ...]
    loads: tuple[Load, ...]
    outs: tuple[tuple[Shape, Any], ...]
    rest: tuple[Any, ...]
    """The numbers, and those that tell how long rows are."""
    result: Any
    """The number of the result, or a tuple of such."""

    def run(self, arrays: list[Any]) -> Any:
        """Launch it."""
        arrays += [look(arrays[of]) for of, look in self.views]
        made = [self.library.empty(shape, dtype) for shape, dtype in self.outs]
        given = [part for load in self.loads for part in self._given(load, arrays[load.place])]
        self.kernel(*self.layout.grid(), (*given, *made, *self.rest))
        return tuple([None if r is None else made[r] for r in self.result]) if self.result != 0 else made[0]

    def _given(self, load: Load, array: Any) -> Any:
        if isinstance(array, np.generic):
            return (array,)
        if array.flags.c_contiguous:
            return (array, *load.steps)
        strides = [s // array.itemsize for s in array.strides]
        steps = self.layout.steps(array.shape, strides, load.narrow)
        return (self.library.ascontiguousarray(array), *load.steps) if steps is None else (array, *steps)


def reduction(trace: Trace, result: Any, function: Any) -> Reduction | None:
    """The kernel of a function that reduces; None where it would save nothing.

    Raises: UntraceableError.
    """
    found = result if isinstance(result, tuple) else (result,)
    new = [r for r in found if r is not None]
    if trace.written or any(not isinstance(r, Symbol) or r.place is not None for r in new):
        raise UntraceableError("its results")
    if any(a.dtype.name not in (*TYPES, *NARROW) for a in (*[trace.arrays[i] for i in trace.loaded], *new)):
        raise UntraceableError("its dtypes")
    names = [r.read() for r in new]
    layout = Layout(list(trace.joins.values()))
    if trace.steps < 2:
        return None
    text = _Text(trace, layout, function.narrow)
    stores = [(text.holds(r), f"y{i}", name, r) for i, (r, name) in enumerate(zip(new, names, strict=True))]
    steps = layout.of_one_piece(layout.form)
    source = text.source(f"nb_rows_{function.__name__}", stores)
    kernel = _kernel(function.library.RawKernel, source, f"nb_rows_{function.__name__}")
    numbers = [getattr(np, kind if kind != "bool" else "bool_")(value) for kind, value in trace.numbers.values()]
    sizes = [np.int64(n) for n in (layout.n, layout.near, layout.inner, layout.rows, layout.lanes)]
    count = iter(range(len(new)))
    places = tuple([None if r is None else next(count) for r in found])
    return Reduction(
        kernel, function.library, layout, tuple(trace.views), tuple(text.loads.values()),
        tuple([(r.form, text.stored(r)) for r in new]), (*steps, *numbers, *sizes),
        places if isinstance(result, tuple) else 0,
    )  # fmt: skip


def _start(word: str, kind: str) -> str:
    """What changes nothing when it is joined."""
    return LAST if word == "smaller" and kind[0] == "i" else STARTS[word].format(kind)


class _Text:
    """The C++ of a trace."""

    def __init__(self, trace: Trace, layout: Layout, narrow: bool) -> None:
        self.trace, self.layout, self.narrow = trace, layout, narrow
        self.loads: dict[str, Load] = {}
        self.lines: dict[str, tuple[str, str, list[str]]] = {}
        """By name the type, the expression and the names in it."""
        self.varying: set[str] = set()
        for line in trace.lines:
            kind, name, text = LINE.fullmatch(line).groups()  # pyright: ignore[reportOptionalMemberAccess]
            self.lines[name] = kind, text, [i for i in NAMES.findall(text) if i[0] != "k"]
            self._place(name)
        self._check()

    def _place(self, name: str) -> None:
        """Find out whether `name` varies along rows."""
        _, _, inputs = self.lines[name]
        if name in self.trace.joins:
            return
        for i in inputs:
            if i[0] == "a" and i not in self.loads:
                self._load(i, name)
        if "(j)" in self.lines[name][1] or any(i in self.varying for i in inputs):
            self.varying.add(name)

    def _load(self, argument: str, name: str) -> None:
        place = int(argument[1:])
        array = self.trace.arrays[place]
        meets = [result for n, _, result in self.trace.uses if n == name]
        varies, self.loads[argument] = self.layout.load(place, array.shape, meets)
        if varies:
            self.varying.add(argument)

    def _check(self) -> None:
        """Refuse what meets others otherwise than as a row or as one number for each row.

        Raises: UntraceableError.
        """
        layout = self.layout
        for name, form, result in self.trace.uses:
            if name[0] == "k":
                continue
            varies = name in self.varying
            if len(result) == len(layout.form):
                form = (1,) * (len(result) - len(form)) + form
                fits = (layout.form, layout.along) if varies else (layout.kept, layout.ones, layout.form)
                good = form in fits and result in (layout.form, layout.kept, layout.along, layout.ones)
            else:
                good = not varies and form in (result, (1,) * len(form)) and result == layout.dropped
            if not good:
                raise UntraceableError("its shapes")

    def holds(self, symbol: Symbol) -> bool:
        """Whether a result has elements along rows.

        Raises: UntraceableError where it has some other shape.
        """
        if symbol.form == self.layout.form and self.layout.n > 1:
            return True
        if (symbol.read() in self.varying and self.layout.n > 1) or math.prod(symbol.form) != self.layout.rows:
            raise UntraceableError("the shape of its result")
        return symbol.read() in self.varying

    def stored(self, result: Symbol) -> Any:
        """The dtype of the array of a result."""
        narrow = self.narrow and result.dtype == np.float32
        return next(a.dtype for a in self.trace.arrays if a.dtype.name == "bfloat16") if narrow else result.dtype

    # --- text ---

    def source(self, name: str, stores: list[tuple[bool, str, str, Symbol]]) -> str:
        """All of the kernel; each store says whether it is along rows, and its array, its value and the result."""
        parameters, begins = [], []
        for a, load in self.loads.items():
            array = self.trace.arrays[load.place]
            if isinstance(array, np.generic):
                parameters.append(f"{array.dtype.name}_ {a}")
                continue
            parameters.append(f"const {array.dtype.name}_ *{a}")
            parameters += [f"long long {a}_{part}" for part in self._groups()]
            begins.append(f"{a} += before * {a}_before + beside * {a}_beside;")
        parameters += [f"{self.stored(r).name}_ *{y}" for _, y, _, r in stores]
        parameters += [f"long long y_{part}" for part in self._groups()]
        parameters += [f"{kind}_ {k}" for k, (kind, _) in self.trace.numbers.items()]
        parameters += [f"long long {size}" for size in ("n", "near", "inner", "rows", "lanes")]
        head = f'extern "C" __global__ void {name}({", ".join(parameters)}) {{'
        return "\n".join([HEAD, head, BEGIN, *begins, *self._body(), *self._stores(stores), "}\n"])

    def _body(self) -> list[str]:
        """One loop for all reductions that do not wait for each other, and what is computed once for each row."""
        body: list[str] = []
        waiting: list[str] = []
        for name, (kind, text, inputs) in self.lines.items():
            if name in self.varying:
                continue
            join = self.trace.joins.get(name)
            needed = self._needed([join.source]) if join else set(inputs)
            if waiting and needed & set(waiting):
                body += self._loop(waiting)
                waiting = []
            if join:
                waiting.append(name)
            else:
                body.append(f"const {kind} {name} = {self._read(text)};")
        return body + self._loop(waiting)

    def _needed(self, names: list[str]) -> set[str]:
        """`names` and all that they are computed from along rows."""
        found: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += self.lines[name][2] if name in self.varying and name in self.lines else []
        return found

    def _along(self, names: list[str]) -> list[str]:
        """The lines that compute `names` of one element."""
        needed = self._needed(names) & self.varying
        return [f"const {k} {n} = {self._read(t)};" for n, (k, t, _) in self.lines.items() if n in needed]

    def _loop(self, joins: list[str]) -> list[str]:
        if not joins:
            return []
        found = [self.trace.joins[name] for name in joins]
        kinds = [self.lines[name][0] for name in joins]
        starts = [f"{k} {n} = {_start(j.word, k)};" for n, k, j in zip(joins, kinds, found, strict=True)]
        steps = [f"{n} = {j.word}({n}, {j.source});" for n, j in zip(joins, found, strict=True)]
        ends = [f"{n} = joined({n}, lanes, {j.word}<{k}>);" for n, k, j in zip(joins, kinds, found, strict=True)]
        return [*starts, "EACH {", *self._along([j.source for j in found]), *steps, "}", *ends]

    def _stores(self, stores: list[tuple[bool, str, str, Symbol]]) -> list[str]:
        along = [s for s in stores if s[0]]
        lines = [f"if (there && !part) {y}[row] = {name};" for is_along, y, name, _ in stores if not is_along]
        if along:
            lines += ["if (there) EACH {", *self._along([name for _, _, name, _ in along])]
            at = f"before * y_before + beside * y_beside + {self._along_rows('y')}"
            lines += [f"{y}[{at}] = {name};" for _, y, name, _ in along]
            lines.append("}")
        return lines

    def _groups(self) -> tuple[str, ...]:
        return ("before", "beside", "far", "step") if self.layout.apart else ("before", "beside", "step")

    def _along_rows(self, a: str) -> str:
        """Where element j of the row is, from where it begins."""
        return f"j / near * {a}_far + j % near * {a}_step" if self.layout.apart else f"j * {a}_step"

    def _read(self, text: str) -> str:
        """An expression whose arguments are read where they lie."""

        def element(found: re.Match[str]) -> str:
            a = found[0]
            if a[0] != "a" or isinstance(self.trace.arrays[int(a[1:])], np.generic):
                return a
            return f"{a}[{self._along_rows(a)}]" if a in self.varying else f"{a}[0]"

        return NAMES.sub(element, text)


@functools.lru_cache(maxsize=1024)
def _kernel(make: Any, source: str, name: str) -> Any:
    """The kernel with this source, whoever asks for it."""
    return make(source, name)
