"""Schedules that multiply the learning rate: each says which part of the base rate is left after `t` steps.

NOTE [Chained factors]
A step multiplies the present rate by `part(t) / part(t − 1)` instead of setting it to base · part(t). Followed alone,
both come to the same; but so a rate can also be changed by hand, or by a second schedule, without being overwritten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from nbautograd.optim.optimizer import Optimizer

from .base import LRScheduler, per_group


class FactorLR(LRScheduler):
    """A schedule given by the part of the base rate that is left after `t` steps."""

    steps_when_resumed: ClassVar[bool] = False
    """Whether a schedule made with `last_epoch` multiplies at once, as some of torch's do."""

    def part(self, t: int) -> float:
        """The part of the base rate after `t` steps."""
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        t = self.last_epoch
        if self._is_initial and t > 0 and not self.steps_when_resumed:
            return self.rates()
        before = self.part(t - 1) if t > 0 else 1.0
        factor = self.part(t) / before if before else 0.0
        return [rate * factor if factor != 1 else rate for rate in self.rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.part(self.last_epoch) for base in self.base_lrs]


class StepLR(FactorLR):
    """Multiplies the rate by `gamma` every `step_size` steps.

    Math: lrₜ = lr₀ · γ^⌊t / step_size⌋
    Example:
        >>> import nbautograd as torch
        >>> optimizer = torch.optim.SGD([torch.tensor(1.0, requires_grad=True)], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> for _ in range(4):
        ...     optimizer.step()
        ...     schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    steps_when_resumed = True

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(FactorLR):
    """Multiplies the rate by `gamma` at each of `milestones`.

    Math: lrₜ = lr₀ · γ^#{m ≤ t}
    """

    steps_when_resumed = True

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        return self.gamma ** sum(count for milestone, count in self.milestones.items() if milestone <= t)


class ConstantLR(FactorLR):
    """Multiplies the rate by `factor` until `total_iters` steps are done."""

    steps_when_resumed = True

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        return self.factor if t < self.total_iters else 1.0


class LinearLR(FactorLR):
    """Moves the rate in equal steps from `start_factor` to `end_factor` of the base rate: a warm-up.

    Math: lrₜ = lr₀ · (start + (end − start) · min(t, n)/n)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if not 0 <= end_factor <= 1:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        return self.start_factor + (self.end_factor - self.start_factor) * min(t, self.total_iters) / self.total_iters


class ExponentialLR(FactorLR):
    """Multiplies the rate by `gamma` at each step.

    Math: lrₜ = lr₀ · γᵗ
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        return self.gamma**t


class PolynomialLR(FactorLR):
    """Lets the rate fall to zero within `total_iters` steps, along a power.

    Math: lrₜ = lr₀ · (1 − min(t, n)/n)^power
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def part(self, t: int) -> float:
        return (1 - min(t, self.total_iters) / self.total_iters) ** self.power


class _CallableLR(LRScheduler):
    """A schedule given by a function of the step, or one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        functions = [lr_lambda] * len(optimizer.param_groups)
        if isinstance(lr_lambda, list | tuple):
            if len(lr_lambda) != len(functions):
                raise ValueError(f"Expected {len(functions)} lr_lambdas, but got {len(lr_lambda)}")
            functions = per_group("lr_lambda", lr_lambda, optimizer)
        if not all(callable(function) for function in functions):
            raise TypeError("lr_lambda should be a function")
        self.lr_lambdas: list[Callable[[int], float]] = functions
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The state without the functions; of callable objects, their attributes."""
        state = {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}
        plain = type(lambda: None)
        state["lr_lambdas"] = [None if isinstance(f, plain) else dict(f.__dict__) for f in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(_CallableLR):
    """Sets the rate to the base rate times a function of the step.

    Math: lrₜ = lr₀ · f(t)
    """

    def get_lr(self) -> list[Any]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(_CallableLR):
    """Multiplies the rate at each step by a function of the step.

    Math: lrₜ = lrₜ₋₁ · f(t)
    """

    def get_lr(self) -> list[Any]:
        if self._is_initial:
            return self.rates()
        return [rate * f(self.last_epoch) for rate, f in zip(self.rates(), self.lr_lambdas, strict=True)]
