"""Where a tensor's elements lie: storages, addresses, and other memory for the same tensor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.errors import user_depth
from nbautograd.core.modes import state
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor


class UntypedStorage:
    """The bytes that a tensor and its views share."""

    def __init__(self, *size: int, device: Any = "cpu", tensor: Tensor | None = None) -> None:
        self._owner = np.zeros(size or 0, np.uint8) if tensor is None else inplace.storage(inplace.array_of(tensor))

    @property
    def _flat(self) -> Any:
        return in_memory_order(self._owner).view(np.uint8)

    @property
    def device(self) -> arrays.device:
        """Where the bytes are."""
        return arrays.device_of(self._owner)

    @property
    def is_cuda(self) -> bool:
        return arrays.is_cupy(self._owner)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return arrays.address(self._owner)

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._owner.nbytes

    def size(self) -> int:
        """The number of elements: of bytes here, of numbers in `Tensor.storage()`."""
        return len(self._flat)

    def element_size(self) -> int:
        """The number of bytes of one element."""
        return self._flat.dtype.itemsize

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return self._flat.tolist()

    def __len__(self) -> int:
        return self.size()

    def __getitem__(self, index: Any) -> Any:
        return self._flat[index].item() if isinstance(index, int) else self._flat[index].tolist()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._flat[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def _kind(self) -> str:
        return f"UntypedStorage(device={self.device})"

    def __repr__(self) -> str:
        return "".join(f" {value}\n" for value in self.tolist()) + f"[torch.storage.{self._kind()} of size {len(self)}]"


class TypedStorage(UntypedStorage):
    """The elements that a tensor and its views share, one after another in memory."""

    def __init__(self, numbers: Any = (), *, dtype: dtypes.dtype | None = None, tensor: Tensor | None = None) -> None:
        self.dtype = (dtype or dtypes.get_default_dtype()) if tensor is None else tensor.dtype
        super().__init__(0, tensor=tensor)
        if tensor is None:
            self._owner = np.array(numbers, self.dtype.numpy)

    @property
    def _flat(self) -> Any:
        return in_memory_order(self._owner).view(self.dtype.numpy)

    def _kind(self) -> str:
        return f"TypedStorage(dtype={self.dtype}, device={self.device})"


def in_memory_order(data: Any) -> Any:
    """All elements of the owner of some memory as one row, shared with it."""
    return data.reshape(-1) if data.flags.c_contiguous else data.T.reshape(-1)


@public(top=False)
def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    return arrays.address(inplace.array_of(self))


@public(top=False)
def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes that this tensor and its views share."""
    return UntypedStorage(tensor=self)


@public(top=False)
def storage(self: Tensor) -> TypedStorage:
    """The elements that this tensor and its views share; torch calls it deprecated."""
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
        "class. This should only matter to you if you are using storages directly.  To access UntypedStorage directly, "
        "use tensor.untyped_storage() instead of tensor.storage()",
        UserWarning,
        stacklevel=user_depth(),
    )
    return TypedStorage(tensor=self)


@public(method=False)
def is_storage(obj: Any, /) -> bool:
    """Whether `obj` is the storage of tensors."""
    return isinstance(obj, UntypedStorage)


@public(top=False)
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both tensors show the same elements of the same memory."""
    a, b = inplace.array_of(self), inplace.array_of(tensor)
    return arrays.address(a) == arrays.address(b) and a.shape == b.shape and a.strides == b.strides


# --- other memory for the same tensor -----------------------------------------------------------------------------


def _show(self: Tensor, data: Any) -> Tensor:
    """Let the tensor show `data` from here on."""
    self._data = data
    if state.observer is not None:
        state.observer.mutated(self)
    return self


@public(top=False)
def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Change the shape, and the number of elements if need be; new ones hold whatever the memory held.

    Raises: RuntimeError for tensors that require grad.
    """
    if self._node is not None:
        raise RuntimeError(
            "cannot resize variables that require grad\n  hint: reshape() changes the shape of all elements, torch.cat "
            "adds new ones"
        )
    shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    count = int(np.prod(shape))
    flat = in_memory_order(inplace.array_of(self)) if self._data.flags.forc else self._data.reshape(-1)
    if flat.size < count:
        grown = arrays.library_of(flat).zeros(count, flat.dtype)
        grown[: flat.size] = flat
        flat = grown
    return _show(self, flat[:count].reshape(shape))


@public("resize_as_")
def resize_as_(input: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(input, *the_template._data.shape)


@public(top=False)
def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Show the memory of another tensor or storage, from an offset and with sizes and steps if given."""
    if source is None:
        return _show(self, arrays.library_of(self._data).zeros(0, self._data.dtype))
    if isinstance(source, Tensor) and size is None:
        inplace.share(source, self)
        return _show(self, source._data)
    flat = in_memory_order(source._owner if isinstance(source, UntypedStorage) else inplace.array_of(source))
    flat = flat.view(self._data.dtype)[storage_offset:]
    shape = flat.shape if size is None else tuple(size) if hasattr(size, "__iter__") else (size,)
    if stride is None:
        return _show(self, flat[: int(np.prod(shape))].reshape(shape))
    steps = tuple(step * flat.itemsize for step in ((stride,) if isinstance(stride, int) else stride))
    if sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) >= flat.nbytes and 0 not in shape:
        raise RuntimeError(f"setStorage: sizes {list(shape)} are out of bounds for storage of size {flat.nbytes}")
    return _show(self, arrays.library_of(flat).lib.stride_tricks.as_strided(flat, shape, steps))


@public(top=False)
def apply_(self: Tensor, callable: Callable[[Any], Any], /) -> Tensor:
    """Put `callable(element)` in the place of each element: slow, one call for each.

    Raises: RuntimeError for tensors that require grad, TypeError for those on a GPU.
    """
    if self._node is not None:
        raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
    if self.is_cuda:
        raise TypeError("apply_ is only implemented on CPU tensors")
    inplace.write(self, np.array([callable(v) for v in self._data.reshape(-1).tolist()]).reshape(self._data.shape))
    return self


FUNCTIONS.update(UntypedStorage=UntypedStorage, TypedStorage=TypedStorage)
