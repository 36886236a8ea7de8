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
        return self.cases(make)


def _with(case: Case, settings: dict[str, Any]) -> Case:
    return (*case, settings) if settings else case


def unary(low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """One tensor: 0-d, empty, of several dimensions, transposed, with gaps."""

    def cases(make: Make) -> Iterator[Case]:
        for shape in ((), (1,), (5,), (0,), (2, 3), (2, 0, 3), (2, 3, 2), (1, 1, 1, 2)):
            yield _with((make(*shape, low=low, high=high),), settings)
        yield _with((make(4, 3, low=low, high=high).T,), settings)
        yield _with((make(7, low=low, high=high)[::2],), settings)

    return Samples(cases)


_PAIRS = (
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((0,), (1,)),
    ((2, 3, 2), (3, 1)),
    ((1, 3), (2, 0, 3)),
)


def binary(low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """Two tensors that broadcast."""

    def cases(make: Make) -> Iterator[Case]:
        for a, b in _PAIRS:
            yield _with((make(*a, low=low, high=high), make(*b, low=low, high=high)), settings)
        yield _with((make(4, 3, low=low, high=high).T, make(8, low=low, high=high)[::2]), settings)

    return Samples(cases)


SHAPES = ((), (1,), (5,), (0,), (2, 3), (2, 0, 3), (2, 3, 2), (1, 1, 1, 2), (3, 1), (2, 2))


def same_shapes(make: Make) -> Iterator[Case]:
    """Two tensors of one shape."""
    for shape in SHAPES:
        yield make(*shape), make(*shape)


def by_number(*numbers: float, low: float = -2.0, high: float = 2.0, **settings: Any) -> Samples:
    """A tensor and a Python number."""

    def cases(make: Make) -> Iterator[Case]:
        for number in numbers:
            for shape in ((), (3,), (2, 3), (0, 2)):
                yield _with((make(*shape, low=low, high=high), number), settings)
        yield _with((make(4, 3, low=low, high=high).T, numbers[0]), settings)

    return Samples(cases)


def shaped(*rows: Any, low: float = -2.0, high: float = 2.0, distinct: bool = False) -> Samples:
    """Rows of shapes, each with keyword arguments behind them or not: `((2, 3), (3,), {"dim": 0})`."""

    def all_rows(make: Make) -> Iterator[Case]:
        for row in rows:
            draw = make.distinct if distinct else lambda *shape: make(*shape, low=low, high=high)
            yield tuple(part if isinstance(part, dict) else draw(*part) for part in row)

    return Samples(all_rows)


_ALONG = (
    ((4,), 0),
    ((4,), -1),
    ((1,), 0),
    ((2, 3), 0),
    ((2, 3), 1),
    ((3, 2), -2),
    ((2, 3, 2), 1),
    ((2, 2, 3), -1),
    ((3, 1), 0),
    ((0, 3), 1),
    ((2, 1, 3, 2), 2),
)


def along(low: float = -2.0, high: float = 2.0, distinct: bool = False, **settings: Any) -> Samples:
    """One tensor and one `dim`."""
    return shaped(
        *(((shape), {"dim": dim, **settings}) for shape, dim in _ALONG), low=low, high=high, distinct=distinct
    )


def over(low: float = -2.0, high: float = 2.0, distinct: bool = False, **settings: Any) -> Samples:
    """One tensor and one or several dimensions to reduce, which are kept or not."""
    several = (((2, 3), (0, 1)), ((2, 3, 2), (0, 2)), ((2, 3, 2), (-1, 0)), ((2, 2, 3), (1,)))
    rows = [(shape, {"dim": dim, "keepdim": i % 2 == 0, **settings}) for i, (shape, dim) in enumerate(_ALONG + several)]
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
