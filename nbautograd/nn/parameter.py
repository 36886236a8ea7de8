"""The tensors that a module learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core import errors, inplace
from nbautograd.core.array import device, place
from nbautograd.core.call import wrap
from nbautograd.core.device import get_default_device
from nbautograd.core.tensor import Tensor


class Parameter(Tensor):
    """A tensor that belongs to a module: assigned as an attribute, it is found by `parameters()`.

    It shares memory with the tensor it is made from, and requires grad unless told otherwise.

    Example:
        >>> import nbautograd as torch
        >>> torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        Parameter containing:
        tensor([1., 2.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = wrap(np.empty(0, dtypes.get_default_dtype().numpy))
        elif not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter data must be a Tensor, not {type(data).__name__}\n  hint: torch.tensor(…) first"
            )
        self = object.__new__(cls)
        self._node = None
        inplace.share(data, self)
        if requires_grad:
            if not (self.dtype.is_floating_point or self.dtype.is_complex):
                raise errors.integer_requires_grad(self.dtype)
            self.requires_grad_()
        return self

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that belongs to a module but is not learnt: assigned as an attribute, it is found by `buffers()`."""

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        self = object.__new__(cls)
        self._node = None
        inplace.share(wrap(np.empty(0, dtypes.get_default_dtype().numpy)) if data is None else data, self)
        self.persistent = persistent
        return self


class UninitializedTensorMixin:
    """A tensor whose shape is not known before the first input; see `nbautograd.nn.lazy`."""

    becomes: type[Tensor]

    def materialize(self: Any, shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> None:
        """Take on the shape `shape` and become a usual tensor; the numbers are for the module to fill in."""
        self._data = empty(shape, device or self.device, dtype or self.dtype)._data
        self.__class__ = self.becomes

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is not known before the first input."""

    becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return Parameter.__new__(cls, empty((0,), device, dtype), requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known before the first input."""

    becomes = Tensor

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> Any:
        self = object.__new__(cls)
        self._node = None
        inplace.share(empty((0,), device, dtype), self)
        return self


def is_lazy(value: Any) -> bool:
    """Whether `value` is a parameter or buffer still without a shape."""
    return isinstance(value, UninitializedTensorMixin)


def empty(shape: tuple[int, ...], where: Any = None, dtype: Any = None) -> Tensor:
    """An uninitialised tensor of a module, to be filled by `reset_parameters`."""
    kind = dtypes.get_default_dtype() if dtype is None else dtypes.to_dtype(dtype)
    data = np.empty(shape, kind.numpy)
    return wrap(place(data, get_default_device() if where is None else device(where)))


def parameter(shape: tuple[int, ...], where: Any = None, dtype: Any = None) -> Parameter:
    """An uninitialised parameter."""
    return Parameter(empty(shape, where, dtype))
