"""Averages of a model's weights over training, which often generalise better than the last ones."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from .module import Module
from .normalization import _BatchNorm

Average = Callable[[Tensor, Tensor, Any], Tensor]
"""`average(averaged, new, count)`: the average with one more model in it; `count` are in it already."""


def get_swa_avg_fn() -> Average:
    """The plain mean of all models so far."""

    @no_grad()
    def average(averaged: Tensor, new: Tensor, count: Any) -> Tensor:
        return averaged + (new - averaged) / (count + 1)

    return average


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A mean that forgets: each model weighs `decay` times as much as the one after it.

    Raises: ValueError for a `decay` outside [0, 1].
    """
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")

    @no_grad()
    def average(averaged: Tensor, new: Tensor, count: Any) -> Tensor:
        return decay * averaged + (1 - decay) * new

    return average


def _for_many(average: Average) -> Callable[[Any, Any, Any], None]:
    @no_grad()
    def update(averaged: Any, new: Any, count: Any) -> None:
        for a, b in zip(averaged, new, strict=True):
            a.copy_(average(a, b, count))

    return update


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """`get_swa_avg_fn` for lists of tensors, in place."""
    return _for_many(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """`get_ema_avg_fn` for lists of tensors, in place."""
    return _for_many(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model whose weights are the average over training.

    Source: Izmailov et al. 2018, *Averaging weights leads to wider optima and better generalization*.
    Example:
        >>> import nbautograd as torch
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> averaged = torch.optim.swa_utils.AveragedModel(model)
        >>> for weight in (1.0, 3.0):
        ...     model.weight.data.fill_(weight)
        ...     averaged.update_parameters(model)
        tensor([[1.]])
        tensor([[3.]])
        >>> averaged.module.weight
        Parameter containing:
        tensor([[2.]], requires_grad=True)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", FUNCTIONS["tensor"](0))
        if device is not None:
            self.to(device)
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the present weights of `model` into the average; the first ones are copied."""
        held, new = ([t.detach() for t in _weights(m, self.use_buffers)] for m in (self.module, model))
        if self.n_averaged.item() == 0:
            _for_many(lambda averaged, now, count: now)(held, new, 0)
        elif self.multi_avg_fn is not None:
            self.multi_avg_fn(held, new, self.n_averaged)
        else:
            _for_many(self.avg_fn or get_swa_avg_fn())(held, new, self.n_averaged)
        if not self.use_buffers:
            for buffer, now in zip(self.module.buffers(), model.buffers(), strict=True):
                buffer.detach().copy_(now)
        self.n_averaged += 1


def _weights(model: Module, buffers: bool) -> Iterable[Tensor]:
    return itertools.chain(model.parameters(), model.buffers() if buffers else ())


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Let batch norms see all data of `loader` once: averaged weights have other statistics than each of the models."""
    norms = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not norms:
        return
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    for batch in loader:
        input = batch[0] if isinstance(batch, list | tuple) else batch  # noqa: A001
        model(input if device is None else input.to(device))
    for norm, momentum in norms.items():
        norm.momentum = momentum
    model.train(was_training)
