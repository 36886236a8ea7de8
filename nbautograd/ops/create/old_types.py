"""torch's old types: `FloatTensor`, `LongTensor` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.device import gpu_count, set_default_device
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import finish, size_of
from nbautograd.ops.create.numbers import numbers_of


class TensorType(type):
    """The type of `FloatTensor` and its kin, which make and recognise tensors of one dtype and kind of device."""

    dtype: dtypes.dtype
    device: arrays.device

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        where = device or cls.device
        cls.require()
        if len(args) == 1 and isinstance(args[0], Tensor):
            found = args[0]
            if found.dtype is not cls.dtype:
                raise TypeError(f"expected {found.dtype} (got {cls.dtype})")
            return found.detach().to(where)
        numbers = len(args) == 1 and isinstance(args[0], list | tuple | np.ndarray | range)
        if numbers and not isinstance(args[0], arrays.Size):
            return finish(numbers_of(args[0], cls.dtype), where)
        return finish(np.zeros(size_of("new", args or ((0,),)), cls.dtype.numpy), where)

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
