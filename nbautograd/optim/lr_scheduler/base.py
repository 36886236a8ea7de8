"""What all schedules share: the count of steps, the base rates, and saving and loading."""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.tensor import Tensor
from nbautograd.optim.optimizer import Group, Optimizer


class LRScheduler:
    """Changes the learning rate of an optimizer from step to step. A subclass says in `get_lr` what the rates become.

    `base_lrs` are the rates that the groups started with, `last_epoch` is the number of steps so far: torch's names.
    """

    base_lrs: list[Any]
    last_epoch: int
    _last_lr: list[Any]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        self._is_initial = False
        self._get_lr_called_within_step = False  # torch's name, which schedules of people's own ask for in `get_lr`
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler "
                    "with last_epoch >= 0.\n"
                    "  hint: load the optimizer's state_dict first, or leave last_epoch out to start anew"
                )
        self.base_lrs = [_copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Any]:
        """The rates that the groups have after `last_epoch` steps, worked out from the present ones."""
        raise NotImplementedError

    def _get_closed_form_lr(self) -> list[Any]:
        """The same, worked out from `base_lrs` alone, where a schedule can."""
        return self.get_lr()

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step set."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Move on by one step. Call it after `optimizer.step()`."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you "
                "should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to "
                "do this will result in PyTorch skipping the first value of the learning rate schedule.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if epoch is None else self._get_closed_form_lr()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, rate)
        self._last_lr = self.rates()

    def rates(self) -> list[Any]:
        """The present rate of each group."""
        return [_copied(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, but for the optimizer."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave."""
        self.__dict__.update(state_dict)


def checked_optimizer(optimizer: Any) -> Optimizer:
    """`optimizer`, if it is one.

    Raises: TypeError in torch's words.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def set_rate(group: Group, rate: Any) -> None:
    """Set a group's learning rate; one that is a tensor is filled in place."""
    if isinstance(group["lr"], Tensor):
        group["lr"].data.fill_(float(rate))
    else:
        group["lr"] = rate


def per_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """A setting given once for all groups, or in a list with one for each.

    Raises: ValueError when the list has another length.
    """
    groups = optimizer.param_groups
    if not isinstance(value, list | tuple):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {len(groups)}."
        )
    return list(value)


def _copied(rate: Any) -> Any:
    return rate.clone() if isinstance(rate, Tensor) else rate
