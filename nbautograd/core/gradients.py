"""Clearing `.grad`, as optimizers and modules both do."""

from __future__ import annotations

from collections.abc import Iterable

from . import inplace
from .modes import told
from .tensor import Tensor


@told
def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """Set `.grad` of each tensor to None, or fill it with zeros in place."""
    for t in tensors:
        held = t._grad
        if held is None:
            continue
        if set_to_none:
            t.grad = None
        else:
            held._node = None
            inplace.write(held, 0)
