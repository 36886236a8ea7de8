"""From what a function wrote down on symbols to a kernel and how it is called."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from . import functions as functions  # what symbols make of NumPy's
from .reductions import Reduction, reduction
from .symbols import Pieces, Summed, Symbol
from .traces import Trace, UnfitError, UntraceableError
from .words import PREAMBLE

SIZED: Any = object()
"""Stands for programs of which there is one for each shape."""
VALUED: Any = object()
"""Stands for programs of which there is one for each value of the numbers among the arguments: x ** 2 is x * x."""


class Program(NamedTuple):
    """A kernel and how it is called."""

    kernel: Any
    views: tuple[tuple[int, Any], ...]
    reads: tuple[int, ...]
    numbers: tuple[Any, ...]
    writes: tuple[int, ...]
    """The arguments that it changes."""
    result: Any
    """What the function returns: the number of a new array, None, or a tuple of these."""
    ending: Summed | Whole | None
    """What the library sums in the end, or the array that the results are pieces of."""

    def run(self, arrays: list[Any]) -> Any:
        """Launch it."""
        arrays += [look(arrays[of]) for of, look in self.views]
        given = [*[arrays[i] for i in self.reads], *self.numbers]
        if isinstance(self.ending, Whole):
            return self.ending.filled(self.kernel, given)
        made = self.kernel(*given, *[arrays[i] for i in self.writes])
        if isinstance(self.result, tuple):
            return tuple([None if r is None else made[r] for r in self.result])
        if self.ending is not None:
            return getattr(made[0], self.ending.name)(axis=self.ending.axis, keepdims=self.ending.keepdims)
        return None if self.result is None else made[self.result]


class Whole(NamedTuple):
    """An array whose pieces along a dimension a kernel fills."""

    library: Any
    shape: tuple[int, ...]
    dtype: Any
    axis: int
    count: int

    def filled(self, kernel: Any, given: list[Any]) -> Any:
        whole = self.library.empty(self.shape, self.dtype)
        kernel(*given, *self.library.split(whole, self.count, self.axis))
        return whole


class Traced(NamedTuple):
    """What came of tracing."""

    program: Program | Reduction | None
    """None where the function is no arithmetic."""
    sized: bool = False
    """Whether that holds for these shapes only."""
    decided: bool = False
    """Whether numbers decided, so that it is worth another try with `valued`: for these numbers only."""
    unfit: bool = False
    """Whether nothing but its shapes was wrong."""


def traced(function: Any, args: Any, settings: dict[str, Any], alike: bool, valued: bool) -> Traced:
    """The program of a `Fused` function.

    `alike` says that all arrays have one shape, for all arguments that the program will be given.
    """
    trace = Trace()
    found = _attempt(function, args, settings, alike, valued, trace)
    if found.program is not None or not (trace.joins or found.unfit):
        return found
    other = _attempt(function, args, settings, alike, valued, Trace(reducing=False))
    return other._replace(sized=True, unfit=found.unfit and other.program is None)


def _attempt(function: Any, args: Any, settings: dict[str, Any], alike: bool, valued: bool, trace: Trace) -> Traced:
    symbols = _Symbols(trace, function.library, function.narrow, valued)
    try:
        given = [symbols.of(a) for a in args]
        result = function.text()(*given, **{name: symbols.of(s) for name, s in settings.items()})
        if trace.joins:
            return Traced(reduction(trace, result, function), sized=True)
        program = _program(trace, symbols, result, function)
        return Traced(program, trace.sized or not (alike or symbols.fit))
    except UnfitError:
        return Traced(None, sized=True, unfit=True)
    except Exception:  # whatever is wrong with the arguments, the function will say on arrays
        return Traced(None, trace.sized, trace.decides and symbols.numbers and not valued)


class _Symbols:
    """The arguments of a function as symbols."""

    def __init__(self, trace: Trace, library: Any, narrow: bool, valued: bool) -> None:
        self.trace = trace
        self.library = library
        self.narrow = narrow
        self.valued = valued
        self.numbers = False
        """Whether there are numbers of NumPy's."""
        self.fit = True
        """Whether each result has the shape of all arguments together, whatever they are."""

    def of(self, value: Any) -> Any:
        """A symbol for an array or a number of NumPy's; the value itself for what decides the way."""
        on_gpu = value.__class__ is self.library.ndarray
        if not on_gpu and not isinstance(value, np.generic):
            return value
        dtype = value.dtype
        if dtype.name == "bfloat16":
            if not self.narrow:
                raise UntraceableError("bfloat16")
            dtype = np.dtype(np.float32)
        place = len(self.trace.arrays)
        self.trace.arrays.append(value)
        self.numbers |= not on_gpu
        if self.valued and not on_gpu:
            return value
        symbol = Symbol(self.trace, None, dtype, value.shape, frozenset({place} if on_gpu else ()))
        symbol.place = place
        return symbol

    def stored(self, dtype: Any) -> str:
        """The name of the dtype in which a result of `dtype` is stored."""
        return "bfloat16" if self.narrow and dtype == np.float32 else dtype.name


def _program(trace: Trace, symbols: _Symbols, result: Any, function: Any) -> Program | None:
    """The kernel of what was written down; None where it would save nothing."""
    ending, writes = None, tuple(trace.written)
    if isinstance(result, Summed):
        if symbols.narrow:
            raise UntraceableError("its parts would be rounded")
        ending, result = result._replace(symbol=None), result.symbol
    if isinstance(result, Pieces):
        ending, result = _whole(trace, result, function), result.parts
    found = result if isinstance(result, tuple) else (result,)
    new = [r for r in found if r is not None]
    if any(not isinstance(r, Symbol) or r.place is not None for r in new) or bool(writes) == bool(new):
        raise UntraceableError("its results")
    if trace.steps < 2 and not (symbols.narrow and trace.steps):
        return None
    if trace.turned or any(of in trace.written for of, _ in trace.views):
        raise UntraceableError("its shapes")
    names = [r.read() for r in new]
    reads = tuple(i for i in trace.loaded if i not in writes)
    _check_shapes(symbols, {*reads, *writes}, [*new, *trace.written.values()])
    arrays = trace.arrays
    inputs = [f"{arrays[i].dtype.name} a{i}" for i in reads]
    inputs += [f"{kind} {name}" for name, (kind, _) in trace.numbers.items()]
    outputs = [f"{arrays[i].dtype.name} a{i}" for i in writes]
    outputs += [f"{symbols.stored(r.dtype)} y{n}" for n, r in enumerate(new)]
    stores = [f"a{i} = {symbol.name};" for i, symbol in trace.written.items()]
    stores += [f"y{n} = {name};" for n, name in enumerate(names)]
    kernel = _kernel(
        function.library.ElementwiseKernel, ", ".join(inputs), ", ".join(outputs), (*trace.lines, *stores),
        f"nb_{function.__name__}",
    )  # fmt: skip
    count = iter(range(len(new)))
    places = tuple([None if r is None else next(count) for r in found])
    numbers = tuple(value for _, value in trace.numbers.values())
    given = places if isinstance(result, tuple) else places[0]
    return Program(kernel, tuple(trace.views), reads, numbers, writes, given, ending)


def _whole(trace: Trace, pieces: Pieces, function: Any) -> Whole:
    shape = list(pieces.parts[0].form)
    shape[pieces.axis] *= len(pieces.parts)
    dtype = trace.arrays[0].dtype if function.narrow else pieces.parts[0].dtype
    return Whole(function.library, tuple(shape), dtype, pieces.axis, len(pieces.parts))


def _check_shapes(symbols: _Symbols, used: set[int], results: list[Symbol]) -> None:
    """Refuse results that are smaller than the arguments together: a kernel has one shape.

    Raises: UntraceableError.
    """
    used = {i for i in used if not isinstance(symbols.trace.arrays[i], np.generic)}
    form = np.broadcast_shapes(*[symbols.trace.arrays[i].shape for i in used])
    if not used or any(r.form != form for r in results):
        raise UntraceableError("its shapes")
    symbols.fit = all(used <= r.parts for r in results) and not any(r.place is not None for r in results)


@functools.lru_cache(maxsize=1024)
def _kernel(make: Any, inputs: str, outputs: str, lines: tuple[str, ...], name: str) -> Any:
    """The kernel with this source, whoever asks for it."""
    return make(inputs, outputs, "\n".join(lines), name, preamble=PREAMBLE, return_tuple=True)
