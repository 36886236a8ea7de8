"""torch's old types: `FloatTensor`, `LongTensor` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.call import wrap
from nbautograd.core.device import gpu_count, set_default_device
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import finish, size_of
from nbautograd.ops.create.numbers import numbers_of


def from_old_arguments(args: tuple[Any, ...], dtype: dtypes.dtype, device: Any) -> Any:
    """What torch's old constructors mean: the numbers of a sequence, another tensor's, or a size.

    Raises: torch's errors for what is none of these.
    """
    first = args[0] if len(args) == 1 else None
    if isinstance(first, Tensor):
        return finish(first._data, device or first.device)._data
    is_number = isinstance(first, int | np.integer) and not isinstance(first, bool)
    if first is None or is_number or isinstance(first, arrays.Size):
        shape = _size(args)
        return finish(np.zeros(shape, dtype.numpy), device)._data
    if isinstance(first, str):
        raise TypeError("new(): invalid data type 'str'")
    if not hasattr(first, "__len__") or not hasattr(first, "__getitem__"):
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return finish(numbers_of(first, dtype), device)._data


def _size(args: tuple[Any, ...]) -> tuple[int, ...]:
    given = args[0] if len(args) == 1 and isinstance(args[0], arrays.Size) else args or (0,)
    negative = next((n for n in given if isinstance(n, int) and n < 0), None)
    if negative is not None:
        raise RuntimeError(f"Trying to create tensor with negative dimension {negative}: {list(given)}")
    return size_of("new", (tuple(given),))


Tensor._from_old_arguments = staticmethod(from_old_arguments)


class TensorType(type):
    """The type of `FloatTensor` and its kin, which make and recognise tensors of one dtype and kind of device."""

    dtype: dtypes.dtype
    device: arrays.device

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        cls.require()
        if len(args) == 1 and isinstance(args[0], Tensor) and args[0].dtype is not cls.dtype:
            raise TypeError(f"expected {args[0].dtype} (got {cls.dtype})")
        return wrap(from_old_arguments(args, cls.dtype, device or cls.device))

    def require(cls) -> None:
        """Refuse types of a device that is not there.

        Raises: TypeError in torch's words.
        """
        if cls.device.type == "cuda" and not gpu_count():
            raise TypeError(
                f"type {cls!r} not available. Torch not compiled with CUDA enabled.\n"
                f"  hint: torch.tensor(numbers, dtype={cls.dtype}, device=device) works on every device"
            )

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cuda == cls.on_cuda()

    def on_cuda(cls) -> bool:
        return cls.device.type == "cuda"

    def __repr__(cls) -> str:
        return f"<class 'torch.{'cuda.' if cls.on_cuda() else ''}{cls.__name__}'>"


def _types(device: arrays.device) -> dict[str, TensorType]:
    found: dict[str, TensorType] = {}
    for d in dtypes.ALL:
        if not d.is_complex and not d.tensor_type.startswith("UInt"):
            name = f"{d.tensor_type}Tensor"
            about = f"Tensors of {d}; `torch.tensor` is the usual way."
            found[name] = TensorType(name, (), {"dtype": d, "device": device, "__doc__": about, "__module__": __name__})
    return found


def cuda_types() -> dict[str, TensorType]:
    """`torch.cuda.FloatTensor` and its kin."""
    return _types(arrays.device("cuda"))


TENSOR_TYPES = _types(arrays.CPU)
FUNCTIONS.update(TENSOR_TYPES)


def named_type(name: str) -> TensorType:
    """The type that a text such as `torch.cuda.FloatTensor` names.

    Raises: ValueError for what is none.
    """
    head, _, last = name.rpartition(".")
    found = {"torch": TENSOR_TYPES, "torch.cuda": cuda_types()}.get(head, {}).get(last)
    if found is None:
        raise ValueError(f"invalid type: '{name}'")
    return found


@public(method=False)
def set_default_tensor_type(t: Any, /) -> None:
    """Let Python floats become the dtype of this old type, and new tensors go to its device."""
    kind = named_type(t) if isinstance(t, str) else t
    if not isinstance(kind, TensorType):
        raise TypeError("invalid type object")
    kind.require()
    dtypes.set_default_dtype(kind.dtype)
    set_default_device(kind.device if kind.on_cuda() else None)
