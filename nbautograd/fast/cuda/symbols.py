"""Symbols that stand for arrays: a function of arrays, called with them once, writes down what it computes.

NOTE [Symbols]
The text of an op is Python over NumPy's names. Called with symbols instead of arrays, it runs as it stands: settings
decide its branches, helpers are called, `x += y` changes what `x` stands for, and NumPy hands each of its ufuncs over
to the symbol (`__array_ufunc__`), which writes a line of C++ with exactly the dtypes that NumPy would take. Whatever a
symbol does not know (a reshape, a sum, a look at numbers) raises, and the text runs on arrays as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .words import NARROW, type_of, word


class UntraceableError(Exception):
    """What was asked for is no arithmetic of single elements."""


class Trace:
    """The lines that one call of a function writes."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.numbers: dict[str, tuple[str, Any]] = {}
        """Numbers by their names, with their types: they are arguments of the kernel, so that none makes a new one."""
        self.loaded: dict[int, str] = {}
        """The arguments that are read, with their names."""
        self.written: dict[int, Symbol] = {}
        """The arguments that were changed in place."""
        self.sized = False
        """Whether the function has asked for a shape."""
        self.steps = 0
        """How many kernels it would have been."""
        self.decides = False
        """Whether the function has looked at a number."""
        self._known: dict[tuple[str, str], str] = {}

    def line(self, text: str, kind: str) -> str:
        """The name of the value that `text` computes."""
        name = self._known.get((kind, text))
        if name is None:
            name = self._known[kind, text] = f"v{len(self.lines)}"
            self.lines.append(f"const {kind} {name} = {text};")
        return name

    def number(self, value: Any, dtype: Any) -> str:
        """The name of a number that takes `dtype`."""
        wide = np.dtype(np.float32) if dtype.name in NARROW else dtype
        number = wide.type(value)
        name = self._known.get((wide.name, repr(number)))
        if name is None:
            name = self._known[wide.name, repr(number)] = f"k{len(self.numbers)}"
            self.numbers[name] = (wide.name, number)
        return name

    def cast(self, x: Any, dtype: Any) -> str:
        """The name of `x`, a symbol or a number, as `dtype`."""
        if not isinstance(x, Symbol):
            return self.number(x, dtype)
        kind, has = type_of(dtype), type_of(x.dtype)
        return x.read() if kind == has else self.line(f"{kind}({x.read()})", kind)

    def compute(self, text: str, dtypes: Any, inputs: Any) -> Symbol:
        """The symbol of `text` with `inputs`, brought to their dtypes, in its holes; the last dtype is the result's."""
        self.steps += 1
        *kinds, kind = dtypes
        names = [self.cast(x, d) for x, d in zip(inputs, kinds, strict=True)]
        symbols = [x for x in inputs if isinstance(x, Symbol)]
        shape = np.broadcast_shapes(*[x.form for x in symbols])
        parts = frozenset[int]().union(*[x.parts for x in symbols])
        return Symbol(self, self.line(text.format(*names), type_of(kind)), kind, shape, parts)


class Symbol:
    """Stands for an array of one call; see NOTE [Symbols]."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, trace: Trace, name: str | None, dtype: Any, form: tuple[int, ...], parts: frozenset[int]
    ) -> None:
        self.trace = trace
        self.name = name
        self.dtype = dtype
        self.form = form
        self.parts = parts
        """The arguments whose shapes, broadcast, are its own."""
        self.place: int | None = None
        """The number of the argument that it is."""

    def read(self) -> str:
        """Its name, to be computed with.

        Raises: UntraceableError for memory that nothing has been written to.
        """
        if self.name is None:
            if self.place is None:
                raise UntraceableError("empty")
            self.trace.loaded[self.place] = f"a{self.place}"
            kind = type_of(self.dtype)
            self.name = self.trace.line(f"{kind}(a{self.place})", kind)
        return self.name

    def put(self, value: Any) -> Symbol:
        """Let it stand for `value` from now on, as a change in place does."""
        form, parts = (value.form, value.parts) if isinstance(value, Symbol) else ((), frozenset[int]())
        if np.broadcast_shapes(form, self.form) != self.form:
            raise UntraceableError("it does not fit")
        if isinstance(value, Symbol) and not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise UntraceableError("its dtype does not fit")
        self.name = self.trace.cast(value, self.dtype)
        self.parts |= parts
        if self.place is not None:
            self.trace.written[self.place] = self
        return self

    # --- what functions ask for ---

    @property
    def shape(self) -> tuple[int, ...]:
        self.trace.sized = True
        return self.form

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:
        dtype = np.dtype(dtype)
        self.trace.steps += dtype != self.dtype
        return Symbol(self.trace, self.trace.cast(self, dtype), dtype, self.form, self.parts)

    def copy(self) -> Symbol:
        return self.astype(self.dtype)

    def conj(self) -> Symbol:
        return self

    real = property(conj)

    def clip(self, low: Any, high: Any) -> Any:
        found: Any = self if low is None else np.maximum(self, low)
        return found if high is None else np.minimum(found, high)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Summed:
        return Summed(self, "sum", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Summed:
        return Summed(self, "mean", axis, keepdims)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UntraceableError("it has no numbers")

    def __bool__(self) -> bool:
        self.trace.decides = True
        raise UntraceableError("it has no numbers")

    def __setitem__(self, where: Any, value: Any) -> None:
        self.put(value if where is ... else chosen(where, value, self))

    def __pow__(self, exponent: Any) -> Any:
        plain = exponent.__class__ in (int, float)
        if plain and exponent == 2:
            return self * self
        return np.sqrt(self) if plain and exponent == 0.5 else np.power(self, exponent)

    # --- NumPy's protocols ---

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **more: Any) -> Any:
        dtype = more.pop("dtype", None)
        if method != "__call__" or more or ufunc.nout != 1:
            raise UntraceableError(ufunc.__name__)
        inputs = tuple(map(plain, inputs))
        if dtype is not None:
            inputs = tuple([x.astype(dtype) if isinstance(x, Symbol) else x for x in inputs])
        dtypes = ufunc.resolve_dtypes((*map(kind_of, inputs), None))
        found = self.trace.compute(word(ufunc.__name__, dtypes), dtypes, inputs)
        return found if out is None else out[0].put(found)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        known = FUNCTIONS.get(function)
        if known is None:
            raise UntraceableError(function.__name__)
        return known(*args, **kwargs)


class Summed(NamedTuple):
    """A sum or mean of what a symbol stands for. A function may end with it: the library computes it."""

    symbol: Symbol
    name: str
    axis: Any
    keepdims: bool


def plain(x: Any) -> Any:
    """An operand: a symbol or a number."""
    if isinstance(x, np.ndarray) and not x.ndim:
        return x[()]
    if isinstance(x, Symbol | np.generic | bool | int | float):
        return x
    raise UntraceableError(type(x).__name__)


def kind_of(x: Any) -> Any:
    """What NumPy decides dtypes by: a dtype, or the type of a number that takes what the others have."""
    return x.dtype if isinstance(x, Symbol | np.generic) else np.dtype(bool) if isinstance(x, bool) else type(x)


def _operator(ufunc: Any, turned: bool = False) -> Callable[[Any, Any], Any]:
    return (lambda self, other: ufunc(other, self)) if turned else (lambda self, other: ufunc(self, other))


def _in_place(ufunc: Any) -> Callable[[Any, Any], Any]:
    return lambda self, other: self.put(ufunc(self, other))


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor, "pow": np.power,
}.items():  # fmt: skip
    if _name != "pow":
        setattr(Symbol, f"__{_name}__", _operator(_ufunc))
    setattr(Symbol, f"__r{_name}__", _operator(_ufunc, True))
    setattr(Symbol, f"__i{_name}__", _in_place(_ufunc))
for _name, _ufunc in {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}.items():  # fmt: skip
    setattr(Symbol, f"__{_name}__", _operator(_ufunc))
for _name, _ufunc in {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}.items():
    setattr(Symbol, f"__{_name}__", lambda self, ufunc=_ufunc: ufunc(self))


# --- NumPy's functions that are no ufuncs ---


def chosen(where: Any, x: Any, y: Any) -> Symbol:
    """`numpy.where`."""
    inputs = [plain(v) for v in (where, x, y)]
    trace = next(v.trace for v in inputs if isinstance(v, Symbol))
    dtype = np.result_type(*[v.dtype if isinstance(v, Symbol) else v for v in inputs[1:]])
    return trace.compute("pick({}, {}, {})", (np.dtype(bool), dtype, dtype, dtype), inputs)


def _filled(x: Symbol, value: Any, dtype: Any = None) -> Symbol:
    dtype = x.dtype if dtype is None else np.dtype(dtype)
    if x.place is not None:
        x.read()  # its shape is wanted
    x.trace.steps += 1
    return Symbol(x.trace, x.trace.number(plain(value), dtype), dtype, x.form, x.parts)


def _empty(x: Symbol, dtype: Any = None) -> Symbol:
    return Symbol(x.trace, None, x.dtype if dtype is None else np.dtype(dtype), x.form, x.parts)


def _copied(target: Any, value: Any, casting: str = "same_kind", where: Any = True) -> None:
    target.put(value if where is True else chosen(where, value, target).astype(target.dtype))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: chosen,
    np.real: Symbol.conj,
    np.zeros_like: lambda x, dtype=None: _filled(x, 0, dtype),
    np.ones_like: lambda x, dtype=None: _filled(x, 1, dtype),
    np.full_like: _filled,
    np.empty_like: _empty,
    np.astype: lambda x, dtype, copy=True: x.astype(dtype),
    np.clip: lambda x, low, high, out=None: x.clip(low, high) if out is None else out.put(x.clip(low, high)),
    np.copyto: _copied,
    np.sum: Symbol.sum,
    np.mean: Symbol.mean,
}
