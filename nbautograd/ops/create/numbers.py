"""Tensors from Python numbers and from arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.call import wrap
from nbautograd.core.device import preferred
from nbautograd.core.errors import user_depth
from nbautograd.core.modes import state
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create.base import check_words, finish, numpy_dtype
from nbautograd.ops.create.exchange import from_dlpack


@public(method=False)
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A tensor of the numbers in `data`: a number, nested lists, or an array, always copied.

    Floats become `torch.float32` (the default dtype), integers `torch.int64`; a NumPy array keeps its dtype.

    Raises: RuntimeError when integers should require grad; ValueError for lists of different lengths.
    Example:
        >>> import nbautograd as torch
        >>> torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        tensor([[1., 2.],
                [3., 4.]])
    """
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=user_depth(),
        )
    if pin_memory:
        check_words("tensor", {"pin_memory": pin_memory})
    where = arrays.device_of(data._data) if isinstance(data, Tensor) and device is None else device
    return finish(numbers_of(data, dtype), where, requires_grad)


def numbers_of(data: Any, dtype: Any) -> Any:
    """`data` as an array of its own, in the dtype that torch would choose."""
    if isinstance(data, Tensor):
        _tell(data)
        return data._data.astype(data._data.dtype if dtype is None else numpy_dtype(dtype))
    kind = type(data)
    if kind is float or kind is int or kind is bool or kind is complex:
        found, natural = np.asarray(data), dtypes.python_dtype(kind).numpy
        if found.dtype == object:
            raise ValueError("Overflow when unpacking long long")
    elif isinstance(data, np.ndarray | np.generic) or arrays.is_cupy(data):
        found = arrays.library_of(data).array(data)
        natural = dtypes.of_numpy(found.dtype).numpy
    else:
        found, natural = _from_sequence(data)
    if dtype is None:
        return found.astype(natural, copy=False)
    target = numpy_dtype(dtype)
    if target.kind in "iu" and found.dtype.kind in "iu" and found.size and found.max() > np.iinfo(target).max:
        raise RuntimeError(f"value cannot be converted to type {dtypes.of_numpy(target).name} without overflow")
    return found.astype(target)


def _tell(source: Tensor) -> None:
    """The numbers of a tensor are taken out of it."""
    if state.observer is not None:
        state.observer.read(source, "torch.tensor", source._data)


def _from_sequence(data: Any) -> tuple[Any, Any]:
    """Nested sequences as an array of full precision, and the dtype that torch would choose.

    Raises: torch's errors for ragged lists, for text and for what is no number at all.
    """
    if not isinstance(data, list | tuple | range):
        if isinstance(data, str):
            raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
        if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
            raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
        data = np.asarray(data) if hasattr(data, "__array__") else list(data)
    kinds = _leaf_types(data)
    if not kinds <= PYTHON_NUMBERS:
        data = _checked_leaves(data)
    try:
        found = np.array(data)
    except ValueError:
        raise _ragged(data, 0) or TypeError("not a sequence") from None
    if found.dtype.kind == "O":
        raise ValueError("Overflow when unpacking long long")
    if not kinds <= PYTHON_NUMBERS:
        return found, _promoted(data)
    if found.dtype.kind in "fc":
        return found, (dtypes.get_default_dtype() if found.dtype.kind == "f" else dtypes.default_complex()).numpy
    return found, found.dtype


PYTHON_NUMBERS = {float, int, bool, complex}


def _leaf_types(data: Any) -> set[type]:
    """The types of the numbers in nested sequences."""
    kinds = set(map(type, data))
    nested = kinds & {list, tuple}
    if nested:
        kinds = (kinds - nested).union(*(_leaf_types(item) for item in data if isinstance(item, list | tuple)))
    return kinds


def _checked_leaves(data: Any) -> Any:
    """`data` with tensors replaced by their numbers.

    Raises: torch's errors for leaves that are no numbers.
    """
    if isinstance(data, Tensor):
        if data._data.size != 1:
            raise ValueError(
                "only one element tensors can be converted to Python scalars\n  hint: torch.stack([...]) joins tensors"
            )
        _tell(data)
        return data._data.reshape(())[()]
    if isinstance(data, list | tuple):
        return [_checked_leaves(item) for item in data]
    if isinstance(data, str):
        raise ValueError(f"too many dimensions '{type(data).__name__}'")
    if not isinstance(data, int | float | complex | np.generic | np.ndarray | range):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return data


def _promoted(data: Any) -> Any:
    """The dtype that nested sequences of Python and NumPy numbers have together."""
    if isinstance(data, list | tuple):
        found = [(_promoted(item), 1) for item in data]
        return dtypes.result_dtype(found) if found else dtypes.get_default_dtype().numpy
    return data.dtype if isinstance(data, np.generic | np.ndarray) else dtypes.python_dtype(type(data)).numpy


def _ragged(data: Any, dim: int) -> Exception | None:
    """The first place where nested lists differ in length."""
    if not isinstance(data, list | tuple):
        return None
    lengths = [len(item) if isinstance(item, list | tuple) else None for item in data]
    if not lengths or lengths[0] is None:
        return (
            TypeError("'list' object cannot be interpreted as an integer")
            if any(n is not None for n in lengths)
            else None
        )
    for n in lengths:
        if n != lengths[0]:
            return (
                TypeError("not a sequence")
                if n is None
                else ValueError(f"expected sequence of length {lengths[0]} at dim {dim + 1} (got {n})")
            )
    return next((e for e in (_ragged(item, dim + 1) for item in data) if e), None)


@public(method=False)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, without a copy where that is possible: a tensor is returned as it is, an array is shared."""
    if isinstance(data, Tensor):
        return data if dtype is None and device is None else data.to(device=device, dtype=dtype)
    if isinstance(data, np.ndarray) or arrays.is_cupy(data):
        shared = wrap(data) if arrays.is_cupy(data) else from_numpy(data)
        where = preferred() if device is None else device
        return shared if dtype is None and where is None else shared.to(device=where, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


@public(method=False)
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """`obj` as a tensor that shares its memory if it can: tensors, arrays, buffers and what speaks DLPack.

    Raises: ValueError when `copy=False` and it cannot be shared.
    """
    t = _shared(obj, dtype)
    if t is None:
        if copy is False:
            raise ValueError(f"can't alias arbitrary sequence of type {type(obj).__name__}")
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    moved = t if dtype is None and device is None else t.to(device=device, dtype=dtype)
    if copy is False and moved is not t:
        raise ValueError("can't alias tensor with another dtype or on another device")
    moved = moved.clone() if copy and moved is t else moved
    if isinstance(obj, Tensor):
        moved = moved.detach() if moved is not t else moved
    return moved.requires_grad_() if requires_grad else moved


def _shared(obj: Any, dtype: Any) -> Tensor | None:
    """A tensor over the memory of `obj`, if it has memory."""
    if isinstance(obj, Tensor):
        return obj
    if isinstance(obj, np.ndarray) or arrays.is_cupy(obj):
        return as_tensor(obj)
    if hasattr(obj, "__dlpack__"):
        return from_dlpack(obj)
    if isinstance(obj, bytearray | memoryview):
        return frombuffer(obj, dtype=dtypes.get_default_dtype() if dtype is None else dtype)
    return None


@public(method=False)
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array: changing one changes the other.

    Raises: TypeError for what is no array, or has a dtype that torch lacks.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion between "
            "byte orders is currently not supported."
        )
    dtypes.of_numpy(ndarray.dtype)
    if any(stride < 0 for stride in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().)"
        )
    if not ndarray.flags.writeable:
        warnings.warn(_READ_ONLY, UserWarning, stacklevel=user_depth())
    return wrap(np.asarray(ndarray))


_READ_ONLY = (
    "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to "
    "this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it "
    "writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program."
)


@public(method=False)
def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A 1-d tensor over the memory of anything with Python's buffer protocol, such as a `bytearray`.

    Raises: ValueError in torch's words for an empty buffer, and for one that does not fit.
    """
    target, length = numpy_dtype(dtype), memoryview(buffer).nbytes
    size = target.itemsize
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({size})"
        )
    if count > 0 and offset + count * size > length:
        raise ValueError(
            f"requested buffer length ({count} * {size} bytes) after offset ({offset} bytes) must not be greater than "
            f"actual buffer length ({length} bytes)"
        )
    return finish(np.frombuffer(buffer, target, count, offset), arrays.CPU, requires_grad)


@public(method=False)
def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A 0-d tensor of the default dtype."""
    check_words("scalar_tensor", named)
    return finish(np.asarray(_plain_number(s), numpy_dtype(dtype)), device, requires_grad)


def _plain_number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) else value
