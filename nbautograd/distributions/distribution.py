"""What all distributions share: shapes, validation, sampling without gradients, and printing."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any, ClassVar

from nbautograd.core.array import Size
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor


class Distribution:
    """Random numbers that know how probable they are.

    `sample(shape)` draws; `rsample(shape)` draws so that gradients flow to the parameters; `log_prob(value)` tells how
    probable `value` is. Parameters of several elements make a batch of distributions: `batch_shape`; one draw may be a
    vector or matrix itself: `event_shape`. A sample has the shape sample_shape + batch_shape + event_shape.

    A subclass has `arg_constraints` (name of a parameter → constraint), `support`, and its parameters as attributes.
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: Any = {}
    support: Any = None
    _validate_args: bool = __debug__
    _parts: ClassVar[tuple[str, ...]] = ()
    """Attributes that are distributions and expand with this one."""

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self.arg_constraints.items():
                if name in self.__dict__ or not isinstance(getattr(type(self), name), cached_property):
                    self._check_argument(name, getattr(self, name), constraint)

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Turn the checks of parameters and values on (as they are) or off, for all distributions."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def _check_argument(self, name: str, value: Tensor, constraint: Any) -> None:
        if not constraint.holds(value):
            raise ValueError(
                f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
            )

    def _validate_sample(self, value: Any) -> None:
        """Refuse what this distribution cannot have drawn.

        Raises: ValueError in torch's words.
        """
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, wanted = value.shape, self._batch_shape + self._event_shape
        if shape != wanted:
            self._check_shape(shape, wanted)
        support = self.support
        if support is not None and not support.holds(value):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _check_shape(self, shape: Size, wanted: Size) -> None:
        """Refuse a shape that is no draws' of this distribution, of one of its batch, or of many."""
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        if any(i != j and 1 not in (i, j) for i, j in zip(reversed(shape), reversed(wanted), strict=False)):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {wanted}.")

    # --- shapes ---

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters: how many distributions there are."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one draw."""
        return self._event_shape

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its parameters repeated to `batch_shape`, without taking memory."""
        new = copy.copy(self) if _instance is None else _instance
        old, batch = len(self._batch_shape), tuple(batch_shape)
        for name, value in self.__dict__.items():
            if name in self.arg_constraints:
                setattr(new, name, value.expand(batch + tuple(value.shape[old:])))
            elif name in self._parts:
                setattr(new, name, value.expand(batch))
        new._batch_shape = Size(batch)
        return new

    # --- what a distribution can tell ---

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw so that gradients flow from the draw to the parameters."""
        raise NotImplementedError

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the probability (density) of `value`."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a draw up to `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The number up to which a draw lies with probability `value`."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """How uncertain a draw is, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """e to the entropy."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values that a draw can have, along a new first dimension; for discrete distributions."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean of all draws."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable draw."""
        raise NotImplementedError(f"{type(self)} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The mean squared distance from the mean."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return self.variance.sqrt()

    def __repr__(self) -> str:
        given = [name for name in self.arg_constraints if name in self.__dict__]
        texts = [(name, value if value.numel() == 1 else value.size()) for name, value in map(self._named, given)]
        return f"{type(self).__name__}({', '.join(f'{name}: {text}' for name, text in texts)})"

    def _named(self, name: str) -> tuple[str, Any]:
        return name, self.__dict__[name]
