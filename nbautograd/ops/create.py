"""Making tensors: from Python numbers, from NumPy arrays, and filled ones."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import errors
from nbautograd.core.call import wrap
from nbautograd.core.inference import mark_new
from nbautograd.core.modes import state
from nbautograd.core.node import leaf_node
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor


def finish(data: Any, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A leaf round the array `data`, on `device`.

    Raises: RuntimeError when integers should require grad.
    """
    if device is not None:
        data = arrays.place(data, arrays.device(device))
    t = wrap(arrays.compact(data))
    if state.special:
        mark_new(t)
    if requires_grad:
        if data.dtype.kind not in "fc":
            raise errors.integer_requires_grad(t.dtype)
        t._node = leaf_node(t)
    return t


def numpy_dtype(dtype: Any) -> Any:
    """The NumPy dtype for a `dtype=` argument; the default float for None."""
    return (dtypes.get_default_dtype() if dtype is None else _checked(dtype)).numpy


def _checked(dtype: Any) -> dtypes.dtype:
    if isinstance(dtype, str):
        raise TypeError(
            "tensor(): argument 'dtype' must be torch.dtype, not str\n  hint: torch.float32, without quotes"
        )
    return dtypes.to_dtype(dtype)


def size_of(name: str, size: Any) -> tuple[int, ...]:
    """The shape that `zeros(2, 3)`, `zeros((2, 3))` and `zeros(size=(2, 3))` all mean."""
    if (
        len(size) == 1
        and not hasattr(size[0], "__index__")
        and hasattr(size[0], "__iter__")
        and not isinstance(size[0], str)
    ):
        size = size[0]
    try:
        shape = tuple([operator.index(n) for n in size])
    except TypeError:
        wrong = next(n for n in size if not hasattr(n, "__index__"))
        raise TypeError(f"{name}(): argument 'size' must be tuple of ints, not {type(wrong).__name__}") from None
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: Dimension size must be non-negative.\n  got {list(shape)}")
    return shape


# --- from numbers -------------------------------------------------------------------------------------------------


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
            stacklevel=2,
        )
    return finish(_numbers(data, dtype), device, requires_grad)


def _numbers(data: Any, dtype: Any) -> Any:
    """`data` as an array of its own, in the dtype that torch would choose."""
    if isinstance(data, Tensor):
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
    if isinstance(data, np.ndarray):
        t = from_numpy(data)
        return t if dtype is None and device is None else t.to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


@public(method=False)
def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """Like `as_tensor`, in the array API's words."""
    if copy:
        return tensor(
            obj._data if isinstance(obj, Tensor) else obj, dtype=dtype, device=device, requires_grad=requires_grad
        )
    t = as_tensor(obj, dtype, device)
    return t.requires_grad_() if requires_grad else t


@public(method=False)
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array: changing one changes the other.

    Raises: TypeError for what is no array, or has a dtype that torch lacks.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of_numpy(ndarray.dtype)
    if any(stride < 0 for stride in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().)"
        )
    return wrap(ndarray)


@public(method=False)
def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the default dtype."""
    return finish(np.asarray(s, numpy_dtype(dtype)), device, requires_grad)


# --- filled -------------------------------------------------------------------------------------------------------


@public(method=False)
def zeros(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A tensor of zeros."""
    return _filled("zeros", np.zeros, size, named, out, dtype, device, requires_grad)


@public(method=False)
def ones(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A tensor of ones."""
    return _filled("ones", np.ones, size, named, out, dtype, device, requires_grad)


@public(method=False)
def empty(
    *size: Any, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any
) -> Tensor:
    """A tensor whose numbers are whatever the memory held."""
    return _filled("empty", np.empty, size, named, out, dtype, device, requires_grad)


_LAYOUT = ("layout", "pin_memory", "memory_format")
"""torch's words about memory, which mean nothing to NumPy."""


def _filled(
    name: str, make: Any, size: Any, named: Any, out: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    if "size" in named:
        size = (*size, named.pop("size"))
    unknown = next((word for word in named if word not in _LAYOUT), None)
    if unknown is not None:
        raise TypeError(f"{name}() got an unexpected keyword argument '{unknown}'")
    if not size:
        raise TypeError(f'{name}() missing 1 required positional arguments: "size"')
    return _given(out, make(size_of(name, size), numpy_dtype(dtype)), device, requires_grad)


def _given(out: Any, data: Any, device: Any, requires_grad: bool) -> Tensor:
    if out is None:
        return finish(data, device, requires_grad)
    from nbautograd.core.inplace import write

    write(out, data)
    return out


@public(method=False)
def full(
    size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with the same number everywhere."""
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    target = (
        dtypes.python_dtype(type(fill_value)).numpy
        if dtype is None and type(fill_value) in (bool, int, float, complex)
        else numpy_dtype(dtype)
    )
    return _given(out, np.full(size_of("full", (size,)), fill_value, target), device, requires_grad)


@public(method=False)
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    if n < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {n}")
    return finish(np.eye(n, m, dtype=numpy_dtype(dtype)), device, requires_grad)


# --- like another tensor ------------------------------------------------------------------------------------------


def _like(name: str, input: Any, value: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    data = input._data
    library = arrays.library_of(data)
    target = data.dtype if dtype is None else numpy_dtype(dtype)
    made = library.empty(data.shape, target) if value is None else library.full(data.shape, value, target)
    return finish(made, device, requires_grad)


@public(method=False)
def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    """Zeros of the same shape, dtype and device."""
    return _like("zeros_like", input, 0, dtype, device, requires_grad)


@public(method=False)
def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    """Ones of the same shape, dtype and device."""
    return _like("ones_like", input, 1, dtype, device, requires_grad)


@public(method=False)
def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None
) -> Tensor:
    """Uninitialised numbers of the same shape, dtype and device."""
    return _like("empty_like", input, None, dtype, device, requires_grad)


@public(method=False)
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One number everywhere, with the same shape, dtype and device."""
    return _like("full_like", input, fill_value, dtype, device, requires_grad)


def _new(self: Tensor, name: str, size: Any, value: Any, named: Any) -> Tensor:
    size = (*size, named.pop("size")) if "size" in named else size
    dtype = named.pop("dtype", None) or self.dtype
    device = named.pop("device", None) or (self.device if self.is_cuda else None)
    make = np.empty if value is None else lambda shape, d: np.full(shape, value, d)
    return _filled(name, make, size, named, None, dtype, device, named.pop("requires_grad", False))


@public(top=False)
def new_zeros(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Zeros of the given size with this tensor's dtype and device."""
    return _new(self, "new_zeros", size, 0, named)


@public(top=False)
def new_ones(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Ones of the given size with this tensor's dtype and device."""
    return _new(self, "new_ones", size, 1, named)


@public("new_empty", "new", top=False)
def new_empty(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Uninitialised numbers of the given size with this tensor's dtype and device."""
    return _new(self, "new_empty", size or ((0,),), None, named)


@public(top=False)
def new_full(self: Tensor, size: Any, fill_value: Any, **named: Any) -> Tensor:
    """One number everywhere, with this tensor's dtype and device."""
    return _new(self, "new_full", (size,), fill_value, named)


@public(top=False)
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`tensor(data)` with this tensor's dtype and device."""
    return tensor(
        data,
        dtype=dtype or self.dtype,
        device=device or (self.device if self.is_cuda else None),
        requires_grad=requires_grad,
    )


# --- ranges -------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor | np.generic) else value


@public(method=False)
def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from `start` up to but not including `end`.

    Example:
        >>> import nbautograd as torch
        >>> torch.arange(3), torch.arange(0, 1, 0.25)
        (tensor([0, 1, 2]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    start, end, step = _plain(start), _plain(end), _plain(step)
    if end is None:
        start, end = type(start)(0), start
    _check_step(start, end, step)
    if isinstance(end, float):
        start = float(start)
    return _given(out, _ramp(start, step, math.ceil((end - start) / step), dtype), device, requires_grad)


@public("range", method=False)
def range_(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The numbers from `start` to `end`, which is included; `arange` is the usual one."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    _check_step(start, end, step)
    return finish(_ramp(float(start), step, math.floor((end - start) / step) + 1, dtype), device, requires_grad)


def _check_step(start: Any, end: Any, step: Any) -> None:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _ramp(start: Any, step: Any, count: int, dtype: Any) -> Any:
    integers = isinstance(start, int) and isinstance(step, int)
    target = np.dtype(np.int64) if dtype is None and integers else numpy_dtype(dtype)
    return (start + step * np.arange(count)).astype(target)


@public(method=False)
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, evenly spaced."""
    return _given(out, _spaced(_plain(start), _plain(end), steps, numpy_dtype(dtype)), device, requires_grad)


@public(method=False)
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` powers of `base`, with exponents evenly spaced from `start` to `end`."""
    exponents = _spaced(_plain(start), _plain(end), steps, np.dtype(np.float64))
    return finish(np.power(base, exponents).astype(numpy_dtype(dtype)), device, requires_grad)


def _spaced(start: Any, end: Any, steps: int, target: Any) -> Any:
    """Computed from both ends, as torch does, so that the last number is exactly `end`."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    i = np.arange(steps)
    working = np.float32 if target == np.float32 else np.float64
    step = float((working(end) - working(start)) / working(max(steps - 1, 1)))
    start, end = float(working(start)), float(working(end))
    from_start = i < steps // 2 if steps > 1 else i == 0
    return np.where(from_start, start + step * i, end - step * (steps - 1 - i)).astype(target)


@public(method=False)
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """Rows and columns of the elements on and below a diagonal."""
    return finish(np.stack(np.tril_indices(row, offset, col)).astype(numpy_dtype(dtype)), device)


@public(method=False)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """Rows and columns of the elements on and above a diagonal."""
    return finish(np.stack(np.triu_indices(row, offset, col)).astype(numpy_dtype(dtype)), device)


# --- torch's old types --------------------------------------------------------------------------------------------


class TensorType(type):
    """The type of `FloatTensor` and its kin, which make tensors of one dtype and recognise them."""

    dtype: dtypes.dtype

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        if (
            len(args) == 1
            and isinstance(args[0], list | tuple | np.ndarray | range)
            and not isinstance(args[0], arrays.Size)
        ):
            return finish(_numbers(args[0], cls.dtype), device)
        return finish(np.zeros(size_of("new", args or ((0,),)), cls.dtype.numpy), device)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and not instance.is_cuda


TENSOR_TYPES = {f"{d.tensor_type}Tensor": d for d in dtypes.ALL if not d.is_complex}

for _name, _dtype in TENSOR_TYPES.items():
    FUNCTIONS[_name] = TensorType(
        _name,
        (),
        {"dtype": _dtype, "__doc__": f"Tensors of {_dtype}; `torch.tensor` is the usual way.", "__module__": __name__},
    )
