"""`Variable`, what tensors with gradients were called before PyTorch 0.4."""

from __future__ import annotations

from typing import Any

from nbautograd.core.tensor import Tensor


class _IsATensor(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_IsATensor):
    """A tensor. `Variable(x)` gives one that shares memory with `x`, as old programs expect; new ones need it no more.

    Example:
        >>> import nbautograd as torch
        >>> torch.autograd.Variable(torch.tensor([1.0]), requires_grad=True)
        tensor([1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        return data.detach().requires_grad_(requires_grad)
