"""Tensors like another one in shape, dtype or device."""

from __future__ import annotations

from typing import Any

from nbautograd.core import array as arrays
from nbautograd.core.call import wrap
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import check_words, finish, numpy_dtype
from nbautograd.ops.create.filled import empty_strided, full, make_filled
from nbautograd.ops.create.numbers import tensor
from nbautograd.ops.create.old_types import from_old_arguments


def _like(name: str, input: Any, value: Any, dtype: Any, device: Any, requires_grad: bool, named: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    check_words(name, named)
    data = input._data
    library = arrays.library_of(data)
    target = data.dtype if dtype is None else numpy_dtype(dtype)
    made = library.empty(data.shape, target) if value is None else library.full(data.shape, value, target)
    return finish(made, device or arrays.device_of(data), requires_grad)


@public(method=False)
def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """Zeros of the same shape, dtype and device."""
    return _like("zeros_like", input, 0, dtype, device, requires_grad, named)


@public(method=False)
def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """Ones of the same shape, dtype and device."""
    return _like("ones_like", input, 1, dtype, device, requires_grad, named)


@public(method=False)
def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """Uninitialised numbers of the same shape, dtype and device."""
    return _like("empty_like", input, None, dtype, device, requires_grad, named)


@public(method=False)
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """One number everywhere, with the same shape, dtype and device."""
    return _like("full_like", input, fill_value, dtype, device, requires_grad, named)


def _new(self: Tensor, make: str, size: Any, named: Any) -> Tensor:
    size = (*size, named.pop("size")) if "size" in named else size
    dtype = named.pop("dtype", None) or self.dtype
    device = named.pop("device", None) or self.device
    return make_filled(f"new_{make}", make, size, named, None, dtype, device, named.pop("requires_grad", False))


@public(top=False)
def new_zeros(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Zeros of the given size with this tensor's dtype and device."""
    return _new(self, "zeros", size, named)


@public(top=False)
def new_ones(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Ones of the given size with this tensor's dtype and device."""
    return _new(self, "ones", size, named)


@public(top=False)
def new_empty(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Uninitialised numbers of the given size with this tensor's dtype and device."""
    return _new(self, "empty", size or ((0,),), named)


@public(top=False)
def new(self: Tensor, *size: Any, device: Any = None) -> Tensor:
    """torch's old constructor with this tensor's dtype and device: numbers from a list, or a size."""
    return wrap(from_old_arguments(size, self.dtype, device or self.device))


@public(top=False)
def new_empty_strided(self: Tensor, size: Any, stride: Any, **named: Any) -> Tensor:
    """`empty_strided` with this tensor's dtype and device."""
    return empty_strided(size, stride, **{"dtype": self.dtype, "device": self.device, **named})


@public(top=False)
def new_full(self: Tensor, size: Any, fill_value: Any, **named: Any) -> Tensor:
    """One number everywhere, with this tensor's dtype and device."""
    return full(size, fill_value, **{"dtype": self.dtype, "device": self.device, **named})


@public(top=False)
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`tensor(data)` with this tensor's dtype and device."""
    return tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)
