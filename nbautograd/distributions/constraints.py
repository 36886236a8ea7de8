"""Which values a parameter may have and a sample can have.

Each constraint has `check(value)`, which says of every event whether it is valid, and the attributes `event_dim` (how
many of the last dimensions make up one event) and `is_discrete`.
"""

from __future__ import annotations

from typing import Any

from nbautograd.core.tensor import Tensor

from .constraint import Constraint
from .matrix_constraints import (
    CorrCholesky,
    LowerCholesky,
    LowerTriangular,
    PositiveDefinite,
    PositiveSemidefinite,
    Square,
    Symmetric,
)
from .utils import functions

# --- numbers ------------------------------------------------------------------------------------------------------


class Real(Constraint):
    """Any number that is not NaN."""

    _on_arrays = True

    def check(self, value: Tensor) -> Tensor:
        return value == value


class Boolean(Constraint):
    """0 or 1."""

    is_discrete = True
    _on_arrays = True

    def check(self, value: Tensor) -> Tensor:
        return (value == 0) | (value == 1)


class _Above(Constraint):
    _on_arrays = True

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound


class _Below(Constraint):
    _on_arrays = True

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound


class _Between(Constraint):
    _on_arrays = True

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class GreaterThan(_Above):
    """Above a bound."""

    def check(self, value: Tensor) -> Tensor:
        return self.lower_bound < value


class GreaterThanEq(_Above):
    """At a bound or above."""

    def check(self, value: Tensor) -> Tensor:
        return self.lower_bound <= value


class LessThan(_Below):
    """Below a bound."""

    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class Interval(_Between):
    """Between two bounds, or at one of them."""


class HalfOpenInterval(_Between):
    """Between two bounds, or at the lower one."""

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound <= value) & (value < self.upper_bound)


class IntegerInterval(_Between):
    """A whole number between two bounds, or at one of them."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value % 1 == 0) & super().check(value)


class IntegerGreaterThan(_Above):
    """A whole number at a bound or above."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value % 1 == 0) & (value >= self.lower_bound)


# --- vectors, and constraints made of others ----------------------------------------------------------------------


class Simplex(Constraint):
    """Numbers that are not negative and add up to one."""

    event_dim = 1
    _on_arrays = True

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & (abs(value.sum(-1) - 1) < 1e-6)


class OneHot(Constraint):
    """One 1 among zeros."""

    is_discrete = True
    event_dim = 1
    _on_arrays = True

    def check(self, value: Tensor) -> Tensor:
        return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1)


class Multinomial(_Below):
    """Whole numbers that are not negative and add up to a count."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


class IndependentConstraint(Constraint):
    """A constraint that all numbers of the last dimensions must fulfil together."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims
        self._on_arrays = base_constraint._on_arrays and not vars(base_constraint)

    def check(self, value: Tensor) -> Tensor:
        found = self.base_constraint.check(value)
        if found.ndim < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.ndim}")
        kept = found.ndim - self.reinterpreted_batch_ndims
        return found.reshape((*found.shape[:kept], -1)).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """What each component of a mixture supports."""

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        found = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        kept = value.ndim - self.event_dim
        return found.reshape((*found.shape[:kept], -1)).all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


class _Several(Constraint):
    """A constraint of its own for each part along a dimension."""

    def __init__(self, cseq: Any, dim: int = 0) -> None:
        self.cseq = list(cseq)
        self.dim = dim
        self.is_discrete = any(c.is_discrete for c in self.cseq)
        self.event_dim = max(c.event_dim for c in self.cseq)


class Cat(_Several):
    """A constraint of its own for each stretch along a dimension."""

    def __init__(self, cseq: Any, dim: int = 0, lengths: Any = None) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def check(self, value: Tensor) -> Tensor:
        parts = zip(self.cseq, value.split(self.lengths, self.dim), strict=True)
        return functions.cat([c.check(part) for c, part in parts], self.dim)


class Stack(_Several):
    """A constraint of its own for each slice along a dimension."""

    def __init__(self, cseq: Any, dim: int = 0) -> None:
        super().__init__(cseq, dim)
        self.event_dim += int(self.dim + self.event_dim < 0)

    def check(self, value: Tensor) -> Tensor:
        parts = zip(self.cseq, value.unbind(self.dim), strict=True)
        return functions.stack([c.check(part) for c, part in parts], self.dim)


class Dependent(Constraint):
    """Stands where a constraint depends on other values, so that it cannot be checked by itself."""

    def __init__(self, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        self.is_discrete = is_discrete
        self.event_dim = event_dim

    def __call__(self, *, is_discrete: bool = False, event_dim: int = 0) -> Dependent:
        return Dependent(is_discrete=is_discrete, event_dim=event_dim)

    def check(self, value: Tensor) -> Tensor:
        raise ValueError("Cannot determine validity of dependent constraint")


class dependent_property(property):  # noqa: N801
    """A property whose value is a constraint: `@constraints.dependent_property(is_discrete=False, event_dim=0)`."""

    def __new__(cls, function: Any = None, **facts: Any) -> Any:
        return cls if function is None else super().__new__(cls)


def is_dependent(constraint: Any) -> bool:
    """Whether `constraint` cannot be checked by itself."""
    return isinstance(constraint, Dependent)


real, boolean, simplex, one_hot = Real(), Boolean(), Simplex(), OneHot()
positive, nonnegative, unit_interval = GreaterThan(0.0), GreaterThanEq(0.0), Interval(0.0, 1.0)
nonnegative_integer, positive_integer = IntegerGreaterThan(0), IntegerGreaterThan(1)
real_vector = IndependentConstraint(real, 1)
lower_triangular, lower_cholesky, corr_cholesky = LowerTriangular(), LowerCholesky(), CorrCholesky()
square, symmetric = Square(), Symmetric()
positive_definite, positive_semidefinite = PositiveDefinite(), PositiveSemidefinite()
dependent = Dependent()

greater_than, greater_than_eq, less_than = GreaterThan, GreaterThanEq, LessThan
interval, half_open_interval, integer_interval = Interval, HalfOpenInterval, IntegerInterval
independent, multinomial, cat, stack = IndependentConstraint, Multinomial, Cat, Stack
