"""Sample inputs: every op carries some, and the tests run each op on all of its own.

`samples(make)` yields argument tuples for the public function of the op's name (where there is none: for `Op.call`). A
dictionary at the end of a tuple holds keyword arguments. Float arrays come from `make`, so that the tests choose dtype
and memory layout; integer and truth arrays are never differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

Case = tuple[Any, ...]

ENOUGH = 25
"""So many cases every op is to have."""


class Fixed(np.ndarray):
    """A float array that the tests do not differentiate."""


class Make:
    """Makes the arrays of samples: `make(2, 3)` has floats between -2 and 2, the same ones on every run."""

    def __init__(self, dtype: Any = np.float64, seed: int = 0) -> None:
        self.dtype = np.dtype(dtype)
        self._random = np.random.default_rng(seed)

    def __call__(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Any:
        return np.asarray(self._random.uniform(low, high, shape), self.dtype)

    def fixed(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Any:
        """Floats that are never differentiated."""
        return self(*shape, low=low, high=high).view(Fixed)

    def distinct(self, *shape: int) -> Any:
        """Floats that keep a distance from each other, for functions that compare them."""
        count = int(np.prod(shape))
        values = (self._random.permutation(count) - count / 2) * 0.37 + self._random.uniform(0, 0.05, count)
        return np.asarray(values.reshape(shape), self.dtype)

    def ints(self, *shape: int, low: int = 0, high: int = 5, dtype: Any = np.int64) -> Any:
        return np.asarray(self._random.integers(low, high, shape), dtype)

    def bools(self, *shape: int) -> Any:
        return np.asarray(self._random.random(shape) < 0.5)


def columns_first(array: Any) -> Any:
    """The same numbers with their dimensions the other way round in memory; a vector with gaps."""
    if array.ndim == 1:
        return np.repeat(array, 3)[::3].view(type(array))
    return np.array(array.T, order="C").T.view(type(array))


def cut_out(array: Any) -> Any:
    """The same numbers as the middle of a larger array."""
    return np.pad(array, 1)[(slice(1, -1),) * array.ndim].view(type(array)) if array.ndim else array


def _in_layout(layout: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return layout(value)
    if isinstance(value, list | tuple):
        return type(value)(_in_layout(layout, v) for v in value)
    return {k: _in_layout(layout, v) for k, v in value.items()} if isinstance(value, dict) else value


class Samples(NamedTuple):
    """A generator of cases, and what the tests may do with them."""

    cases: Callable[[Make], Iterator[Case]]
    name: str | None = None
    """The public function that the cases are for, if not the op's own name; "" when they are for `Op.call` itself."""
    gradient: bool = True
    second: bool = True
    numeric: bool = True
    """Whether finite differences can tell the gradient."""
    named: bool = True
    """Whether the node has torch's name."""

    def __call__(self, make: Make) -> Iterator[Case]:
        """The cases; if they are few, again in two layouts of memory that are not contiguous."""
        found = list(self.cases(make))
        yield from found
        if len(found) < ENOUGH:
            for layout in (columns_first, cut_out):
                yield from (_in_layout(layout, case) for case in self.cases(make))


def _with(case: Case, settings: dict[str, Any]) -> Case:
    return (*case, settings) if settings else case


SHAPES = (
    (), (1,), (5,), (0,), (2, 3), (2, 0, 3), (2, 3, 2), (1, 1, 1, 2), (3, 1), (2, 2), (1, 4), (8,), (17,), (0, 2),
    (3, 0), (4, 5), (1, 1), (3, 1, 2), (1, 2, 1), (2, 2, 2, 2), (2, 1, 3, 1), (1, 3, 1, 1, 2),
)  # fmt: skip
"""From no dimension to five, with sizes of zero and one among them."""


def scattered(draw: Callable[..., Any]) -> Iterator[Any]:
    """Arrays that are not contiguous: transposed, permuted, with gaps, from the middle of another."""
    yield draw(4, 3).T
    yield draw(7)[::2]
    yield draw(2, 3, 4).transpose(1, 2, 0)
    yield draw(3, 8)[:, 1:6:2]
    yield draw(5, 2)[1::2]
    yield draw(3, 4, 2)[:, 1]


def unary(low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """One tensor: 0-d, empty, of up to five dimensions, and not contiguous."""

    def cases(make: Make) -> Iterator[Case]:
        def draw(*shape: int) -> Any:
            return make(*shape, low=low, high=high)

        for x in (*(draw(*shape) for shape in SHAPES), *scattered(draw)):
            yield _with((x,), settings)

    return Samples(cases)


_PAIRS = (
    ((), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), ()), ((0,), (1,)),
    ((2, 3, 2), (3, 1)), ((1, 3), (2, 0, 3)), ((1,), ()), ((1,), (4,)), ((2, 3), (2, 3)), ((1, 1), (1,)),
    ((0, 3), (3,)), ((2, 1, 2), (2, 2, 1)), ((1, 2, 1, 3), (2, 1)), ((2,), (2, 2, 2, 2)), ((9,), (9,)),
    ((2, 1, 1, 2), (2, 1, 3, 1, 1)),
)  # fmt: skip


def binary(low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """Two tensors that broadcast, and such that are not contiguous."""

    def cases(make: Make) -> Iterator[Case]:
        def draw(*shape: int) -> Any:
            return make(*shape, low=low, high=high)

        for a, b in _PAIRS:
            yield _with((draw(*a), draw(*b)), settings)
        for x, y in zip(scattered(draw), scattered(draw), strict=True):
            yield _with((x, y), settings)
        yield _with((draw(4, 3).T, draw(8)[::2]), settings)

    return Samples(cases)


def same_shapes(make: Make) -> Iterator[Case]:
    """Two tensors of one shape."""
    for shape in SHAPES:
        yield make(*shape), make(*shape)
    yield from zip(scattered(make), scattered(make), strict=True)


def by_number(*numbers: float, low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """A tensor and a Python number: the first number with every shape, the others with some."""

    def cases(make: Make) -> Iterator[Case]:
        def draw(*shape: int) -> Any:
            return make(*shape, low=low, high=high)

        for i, number in enumerate(numbers):
            for shape in ((), (3,), (2, 3), (0, 2)) if i else SHAPES:
                yield _with((draw(*shape), number), settings)
        for x in scattered(draw):
            yield _with((x, numbers[0]), settings)

    return Samples(cases)


def shaped(*rows: Any, low: float = -2.0, high: float = 2.0, distinct: bool = False) -> Samples:
    """Rows of shapes, each with keyword arguments behind them or not: `((2, 3), (3,), {"dim": 0})`."""

    def all_rows(make: Make) -> Iterator[Case]:
        for row in rows:
            draw = make.distinct if distinct else lambda *shape: make(*shape, low=low, high=high)
            yield tuple(part if isinstance(part, dict) else draw(*part) for part in row)

    return Samples(all_rows)


ALONG = (
    ((4,), 0), ((4,), -1), ((1,), 0), ((2, 3), 0), ((2, 3), 1), ((3, 2), -2), ((2, 3, 2), 1), ((2, 2, 3), -1),
    ((3, 1), 0), ((0, 3), 1), ((2, 1, 3, 2), 2), ((), 0), ((), -1), ((3, 1), 1), ((3, 1), -1), ((2, 3, 4), 0),
    ((2, 3, 4), -3), ((1, 1, 1), 1), ((2, 0, 3), -1), ((2, 1, 3, 2), -4), ((2, 2, 2, 2), 3),
)  # fmt: skip
"""Shapes and one of their dimensions, which is never empty."""


def along(low: float = -2.0, high: float = 2.0, distinct: bool = False, **settings: Any) -> Samples:
    """One tensor and one `dim`, and such that are not contiguous."""

    def cases(make: Make) -> Iterator[Case]:
        def draw(*shape: int) -> Any:
            return make.distinct(*shape) if distinct else make(*shape, low=low, high=high)

        for shape, dim in ALONG:
            yield draw(*shape), {"dim": dim, **settings}
        for i, x in enumerate(scattered(draw)):
            yield x, {"dim": i % x.ndim, **settings}

    return Samples(cases)


_SEVERAL = (
    ((2, 3), (0, 1)), ((2, 3, 2), (0, 2)), ((2, 3, 2), (-1, 0)), ((2, 2, 3), (1,)), ((2, 1, 3, 2), (1, -1)),
    ((2, 2, 2, 2), (0, 1, 2)), ((0, 3, 2), (1, 2)), ((3,), (0,)), ((1, 1), (-1, -2)),
)  # fmt: skip


def over(low: float = -2.0, high: float = 2.0, distinct: bool = False, **settings: Any) -> Samples:
    """One tensor and one or several dimensions to reduce, which are kept or not."""
    rows = [(shape, {"dim": dim, "keepdim": i % 2 == 0, **settings}) for i, (shape, dim) in enumerate(ALONG + _SEVERAL)]
    return shaped(*rows, low=low, high=high, distinct=distinct)


def cases(*generators: Callable[[Make], Iterator[Case]], **what: Any) -> Samples:
    """Several generators of cases in a row."""

    def all_of_them(make: Make) -> Iterator[Case]:
        for generator in generators:
            yield from generator(make)

    return Samples(all_of_them, **what)


def through(name: str, *generators: Callable[[Make], Iterator[Case]], **what: Any) -> Samples:
    """Cases for the public function `name`, which leads to this op."""
    return cases(*generators, name=name, **what)


def forward_only(*generators: Callable[[Make], Iterator[Case]], **what: Any) -> Samples:
    """Cases for a function without a gradient."""
    return cases(*generators, gradient=False, **what)
