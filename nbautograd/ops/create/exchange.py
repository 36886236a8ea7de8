"""Sharing memory with other libraries: DLPack both ways, and CUDA's array interface.

NOTE [DLPack]
DLPack is how PyTorch, NumPy, CuPy, JAX and others hand each other their memory: the giver's `__dlpack__` makes a
capsule, the taker's `from_dlpack` reads it once. Here both ends are NumPy's or CuPy's own; nothing is copied, and what
one side writes the other sees.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.call import wrap
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor


class DLDeviceType(IntEnum):
    """DLPack's numbers for kinds of devices."""

    # ruff: noqa: N815  (DLPack's names)
    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLROCM = 10


class _Giver:
    """Another library's array, or a bare capsule, on its way to NumPy."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.tells_read_only = True
        """Whether the capsule can say that nobody may write: those of DLPack before 1.0 cannot."""

    def __dlpack__(self, **wishes: Any) -> Any:
        capsule = self._source
        if not _is_capsule(capsule):
            capsule = capsule.__dlpack__(**wishes)
        self.tells_read_only = "versioned" in repr(capsule)
        return capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (DLDeviceType.kDLCPU, 0) if _is_capsule(self._source) else self._source.__dlpack_device__()


def _is_capsule(obj: Any) -> bool:
    return type(obj).__name__ == "PyCapsule"


class _Memory:
    """The memory of an array, which NumPy took to be read-only for want of an answer, as one to write to."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.__array_interface__ = {**data.__array_interface__, "data": (data.ctypes.data, False)}


def _from_host(source: Any) -> Any:
    giver = _Giver(source)
    data = np.from_dlpack(giver)
    return data if data.flags.writeable or giver.tells_read_only else np.asarray(_Memory(data))


@public(method=False)
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array: PyTorch's, NumPy's, CuPy's, JAX's.

    Raises: RuntimeError for what speaks no DLPack; BufferError when the giver refuses.
    Example:
        >>> import numpy as np
        >>> import nbautograd as torch
        >>> a = np.zeros(2)
        >>> torch.from_dlpack(a)[0] = 1
        >>> a
        array([1., 0.])
    """
    if not hasattr(ext_tensor, "__dlpack__") and not _is_capsule(ext_tensor):
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you "
            f"might have already constructed a tensor from it once.\n  got {type(ext_tensor).__name__}, "
            "which has no __dlpack__\n  hint: torch.tensor(…) copies numbers of any kind"
        )
    on_gpu = hasattr(ext_tensor, "__dlpack_device__") and ext_tensor.__dlpack_device__()[0] == DLDeviceType.kDLCUDA
    data = arrays.cupy().from_dlpack(ext_tensor) if on_gpu else _from_host(ext_tensor)
    dtypes.of_numpy(data.dtype)
    t = wrap(data)
    if device is not None:
        t = t.to(device)
    return t.clone() if copy and t._data is data else t


@public("to_dlpack", method=False)
def to_dlpack(tensor: Tensor) -> Any:
    """A capsule that hands the tensor's memory to another library's `from_dlpack`, once."""
    return tensor.__dlpack__()


def _dlpack(
    self: Tensor, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
) -> Any:
    """The tensor's memory as a DLPack capsule.

    Raises: BufferError for tensors that require grad.
    """
    if self._node is not None:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    data = inplace.array_of(self)
    if arrays.is_cupy(data):
        wishes = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        return data.__dlpack__(**{name: wish for name, wish in wishes.items() if wish is not None})
    if stream is not None:
        raise AssertionError("stream should be None on cpu.")
    if data.dtype.kind == "V":
        raise BufferError("Can't export bfloat16 tensors: NumPy's DLPack has no such dtype\n  hint: x.float()")
    if dl_device is None and copy is None:
        return data.__dlpack__() if max_version is None else data.__dlpack__(max_version=max_version)
    return data.__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy)


def _dlpack_device(self: Tensor) -> tuple[Any, int]:
    """(kind, number) of the tensor's device in DLPack's numbers."""
    return (DLDeviceType.kDLCUDA, self.get_device()) if self.is_cuda else (DLDeviceType.kDLCPU, 0)


def _cuda_array_interface(self: Tensor) -> Any:
    """How Numba, CuPy and others see this tensor's memory on a GPU.

    Raises: AttributeError for tensors on the CPU, RuntimeError for those that require grad.
    """
    if not self.is_cuda:
        raise AttributeError("__cuda_array_interface__")
    if self._node is not None:
        raise RuntimeError(
            "Can't get __cuda_array_interface__ on Variable that requires grad. If gradients aren't required, use "
            "var.detach() to get Variable that doesn't require grad."
        )
    return self._data.__cuda_array_interface__


Tensor.__dlpack__ = _dlpack
Tensor.__dlpack_device__ = _dlpack_device
Tensor.__cuda_array_interface__ = property(_cuda_array_interface)
