"""Filling a tensor in place: with another's numbers, with one number, with zeros."""

from __future__ import annotations

from typing import Any

from nbautograd.core import inplace
from nbautograd.core.modes import local, told
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.convert.copies import Clone, CopyFrom, Fill, FillNumber, Zero


def _plain(tensor: Tensor) -> bool:
    """Whether neither the tensor nor what it is a view of has a history, or could have a tangent."""
    return tensor._node is None and (tensor._base is None or tensor._base._node is None) and not local.levels


@public(top=False)
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Put the numbers of `src` into this tensor, broadcast and cast as needed."""
    if isinstance(src, int | float | complex):
        return fill_(self, src)
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'src' (position 1) must be Tensor, not {type(src).__name__}")
    return inplace.apply(CopyFrom, self, src)


@public()
def fill_(self: Tensor, value: Any) -> Tensor:
    """Put one number everywhere."""
    if not isinstance(value, Tensor):
        return inplace.apply(FillNumber, self, value=value)
    if value._data.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value._data.ndim} dimensions."
        )
    return inplace.apply(Fill, self, value)


@public(method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A copy with one number everywhere."""
    return fill_(Clone.call(input), value)


@public()
@told
def zero_(self: Tensor) -> Tensor:
    """Put zeros everywhere."""
    if not _plain(self):
        return inplace.apply(Zero, self)
    inplace.write(self, 0)
    return self
