"""Averaging weights over training: the schedule, and the averaged models, which are modules and stand in `nn`."""

from __future__ import annotations

import importlib
from typing import Any

from .lr_scheduler.base import LRScheduler, per_group
from .lr_scheduler.cycles import along_cosine, along_line
from .optimizer import Optimizer

_OF_NN = (
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
)
"""Names that are imported when first asked for: optimizers know nothing of modules."""


def __getattr__(name: str) -> Any:
    if name not in _OF_NN:
        raise AttributeError(f"module 'nbautograd.optim.swa_utils' has no attribute '{name}'")
    return getattr(importlib.import_module("nbautograd.nn.averaging"), name)


class SWALR(LRScheduler):
    """Leads the learning rate to `swa_lr` over `anneal_epochs` steps and leaves it there."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, per_group("swa_lr", swa_lr, optimizer), strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _part(self, step: int) -> float:
        """How much of the way to `swa_lr` is done after `step` steps."""
        done = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        along = along_cosine if self._anneal_strategy == "cos" else along_line
        return along(0.0, 1.0, done)

    def get_lr(self) -> list[Any]:
        step = self._step_count - 1
        step = max(1, step) if self.anneal_epochs == 0 else step
        before, now = self._part(step - 1), self._part(step)
        rates: list[Any] = []
        for group in self.optimizer.param_groups:
            rate, goal = group["lr"], group["swa_lr"]
            start = goal if before == 1 else (rate - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates


__all__ = ["SWALR", *_OF_NN]
