"""Gradients held within bounds, before a step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import told
from nbautograd.core.tensor import Tensor


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    found = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p._grad for p in found if p._grad is not None]


def _norm(data: Any, order: float) -> Any:
    """The norm of all elements, in the array's own precision."""
    xp = library_of(data)
    flat = xp.asarray(data).reshape(-1)
    if order == 2:
        return xp.sqrt(xp.vdot(flat, flat).real)
    return xp.linalg.norm(flat, order) if flat.size else flat.dtype.type(0)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all numbers in `tensors` taken together.

    Raises: RuntimeError with `error_if_nonfinite`, when it is infinite or NaN.
    """
    found = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not found:
        return wrap(np.float32(0))
    if norm_type == 2 and found[0].is_cuda:  # one kernel for each, and two
        xp, flat = library_of(found[0]._data), [t._data.reshape(-1) for t in found]
        total = xp.sqrt(xp.stack([xp.vdot(x, x).real for x in flat]).sum())
    else:
        norms = [_norm(t._data, float(norm_type)) for t in found]
        total = _norm(library_of(norms[0]).stack(norms), float(norm_type))
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it cannot "
            "be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return wrap(total)


def clip_grad_norm(*args: Any, **settings: Any) -> Tensor:
    """The former name of `clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(*args, **settings)


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale the gradients in place so that a total norm of `total_norm` comes down to `max_norm`."""
    if total_norm.is_cuda:  # which is not asked: that would make the program wait
        factor = library_of(total_norm._data).minimum(float(max_norm) / (total_norm._data + 1e-6), 1.0)
    else:
        factor = min(float(max_norm) / (float(total_norm) + 1e-6), 1.0)
        if factor == 1:
            return
    for g in _gradients(parameters):
        data = inplace.writable(g)
        data *= factor if total_norm.is_cuda else data.dtype.type(factor)
        inplace.touched(g)


@told
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients in place so that their total norm is at most `max_norm`; returns what the norm was.

    Example:
        >>> import nbautograd as torch
        >>> w = torch.tensor([0.0], requires_grad=True)
        >>> w.grad = torch.tensor([10.0])
        >>> torch.nn.utils.clip_grad_norm_([w], max_norm=1.0)
        tensor(10.)
        >>> w.grad
        tensor([1.0000])
    """
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(found), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(found, max_norm, total)
    return total


@told
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Hold every gradient within ±clip_value, in place."""
    for g in _gradients(parameters):
        data = inplace.writable(g)
        library_of(data).clip(data, -clip_value, clip_value, out=data)
        inplace.touched(g)
