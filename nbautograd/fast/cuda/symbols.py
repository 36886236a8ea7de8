"""Symbols that stand for arrays: a function of arrays, called with them once, writes down what it computes.

NOTE [Symbols]
The text of an op is Python over NumPy's names. Called with symbols instead of arrays, it runs as it stands: settings
decide its branches, helpers are called, `x += y` changes what `x` stands for, and NumPy hands each of its ufuncs over
to the symbol (`__array_ufunc__`), which writes a line of C++ with exactly the dtypes that NumPy would take. Whatever a
symbol does not know (a reshape, a sum, a look at numbers) raises, and the text runs on arrays as before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .traces import WORDS, Join, Trace, UnfitError, UntraceableError
from .words import type_of, word


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
        self.best: tuple[str, Symbol] | None = None
        """Of positions of largest elements: of what, and these."""

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
        self.name = cast(self.trace, value, self.dtype)
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
        return Symbol(self.trace, cast(self.trace, self, dtype), dtype, self.form, self.parts)

    def copy(self) -> Symbol:
        return self.astype(self.dtype)

    def conj(self) -> Symbol:
        return self

    real = property(conj)

    def clip(self, low: Any, high: Any) -> Any:
        found: Any = self if low is None else np.maximum(self, low)
        return found if high is None else np.minimum(found, high)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        if not self.trace.reducing:
            return Summed(self, "sum", axis, keepdims)
        return (self.astype(np.int64) if self.dtype.kind in "bi" else self).joined("added", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        if not self.trace.reducing:
            return Summed(self, "mean", axis, keepdims)
        total = self.joined("added", axis, keepdims)
        self.trace.steps -= 1  # the library's is one kernel
        return total / (math.prod(self.form) // math.prod(total.form))

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.joined("larger", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.joined("smaller", axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.joined("multiplied", axis, keepdims)

    def joined(self, word: str, axis: Any, keepdims: bool) -> Symbol:
        """What `word` makes of all elements along `axis`; see NOTE [Reductions]."""
        if not self.trace.reducing or (self.dtype.kind not in WORDS[word]):
            raise UntraceableError(word)
        ndim = len(self.form)
        axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted({a % ndim for a in axes if ndim}))
        if not math.prod(self.form):
            raise UnfitError("nothing to reduce")
        kept = tuple([1 if i in axes else n for i, n in enumerate(self.form)])
        self.trace.steps += 1
        self.trace.sized = True
        self.trace.uses.append((self.read(), self.form, self.form))
        name = self.trace.line(f"joined({self.read()}, {word}, {axes})", type_of(self.dtype))
        self.trace.joins[name] = Join(word, self.read(), self.form, axes)
        shape = kept if keepdims else tuple([n for i, n in enumerate(self.form) if i not in axes])
        return Symbol(self.trace, name, self.dtype, shape, frozenset())

    def position(self, word: str, axis: Any, keepdims: bool = False) -> Symbol:
        """Where along `axis` the first of the elements is that are the best by `word`."""
        axes = tuple(range(len(self.form))) if axis is None else axis
        best = self.joined(word, axes, True)
        hit = (self == best) | ((self != self) & (best != best))
        trace, whole = self.trace, np.dtype(np.int64)
        along = Symbol(trace, trace.line("int64_(j)", "int64_"), whole, self.form, self.parts)
        found = np.where(hit, along, np.int64(math.prod(self.form))).joined("smaller", axes, keepdims)
        found.best = self.read(), best
        return found

    # --- other shapes ---

    def seen(self, look: Callable[[Any], Any]) -> Symbol:
        """A view of an argument, which is one more argument."""
        trace = self.trace
        if self.place is None or self.place in trace.written or isinstance(trace.arrays[self.place], np.generic):
            raise UntraceableError("a view")
        place, array = len(trace.arrays), look(trace.arrays[self.place])
        trace.views.append((self.place, look))
        trace.arrays.append(array)
        trace.sized = True
        symbol = Symbol(trace, None, self.dtype, array.shape, frozenset({place}))
        symbol.place = place
        return symbol

    def reshape(self, *shape: Any) -> Symbol:
        """The same elements in another shape: of what was computed only to be returned, or with dimensions of one."""
        form = shape if len(shape) != 1 else tuple(shape[0]) if isinstance(shape[0], tuple | list) else shape
        if -1 in form:
            form = tuple([-(math.prod(self.form) // math.prod(form)) if n == -1 else n for n in form])
        if math.prod(form) != math.prod(self.form):
            raise UntraceableError("reshape")
        if self.place is not None:
            return self.seen(lambda array: array.reshape(form))
        self.trace.turned = True
        found = Symbol(self.trace, self.name, self.dtype, form, frozenset())
        found.best = self.best
        return found

    def __getitem__(self, index: Any) -> Symbol:
        parts = index if isinstance(index, tuple) else (index,)
        if not all(i is None or i is ... or isinstance(i, slice | int) for i in parts):
            raise UntraceableError("positions")
        return self.seen(lambda array: array[index])

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise UntraceableError("it has no numbers")

    def __bool__(self) -> bool:
        self.trace.decides = True
        raise UntraceableError("it has no numbers")

    def __setitem__(self, where: Any, value: Any) -> None:
        self.put(value if where is ... else np.where(where, value, self))

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
        found = compute(self.trace, word(ufunc.__name__, dtypes), dtypes, inputs)
        return found if out is None else out[0].put(found)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        known = FUNCTIONS.get(function)
        if known is None:
            raise UntraceableError(function.__name__)
        return known(*args, **kwargs)


def cast(trace: Trace, x: Any, dtype: Any) -> str:
    """The name of `x`, a symbol or a number, as `dtype`."""
    if not isinstance(x, Symbol):
        return trace.number(x, dtype)
    kind = type_of(dtype)
    if kind == type_of(x.dtype):
        return x.read()
    trace.uses.append((x.read(), x.form, x.form))
    return trace.line(f"{kind}({x.read()})", kind)


def compute(trace: Trace, text: str, dtypes: Any, inputs: Any) -> Symbol:
    """The symbol of `text` with `inputs`, brought to their dtypes, in its holes; the last dtype is the result's."""
    trace.steps += 1
    *kinds, kind = dtypes
    names = [cast(trace, x, d) for x, d in zip(inputs, kinds, strict=True)]
    symbols = [x for x in inputs if isinstance(x, Symbol)]
    shape = np.broadcast_shapes(*[x.form for x in symbols])
    trace.uses += [(n, x.form, shape) for n, x in zip(names, inputs, strict=True) if isinstance(x, Symbol)]
    parts = frozenset[int]().union(*[x.parts for x in symbols])
    return Symbol(trace, trace.line(text.format(*names), type_of(kind)), kind, shape, parts)


FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""What NumPy's functions that are no ufuncs do with symbols."""


class Summed(NamedTuple):
    """A sum or mean of what a symbol stands for. A function may end with it: the library computes it."""

    symbol: Symbol
    name: str
    axis: Any
    keepdims: bool


class Pieces(NamedTuple):
    """Symbols of one shape, joined along a dimension. A function may end with them."""

    parts: tuple[Symbol, ...]
    axis: int


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
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "and": np.bitwise_and,
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
