"""Copies, casts and moves between devices; filling a tensor in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.modes import local
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create import TENSOR_TYPES, TensorType
from nbautograd.ops.samples import SHAPES, Make, through, unary


class Clone(Op):
    """A copy with its own memory; gradients flow through it unchanged."""

    tex = {"x": "1"}
    samples = unary()

    def forward(x):
        return x.copy()

    def dx(g):
        return g


class ToCopy(Op):
    """A copy in another dtype or on another device; the gradient is brought back."""

    promote = "none"
    tex = {"x": "1"}
    samples = through("to", unary(dtype=dtypes.float64), unary(dtype=dtypes.float32), second=False)

    def forward(x, *, dtype=None, device=None):
        moved = x if device is None else arrays.place(x, device)
        return moved.copy() if dtype is None else moved.astype(dtype)

    def dx(g, x_dtype, x_device):
        return xp.to_copy(g, dtype=x_dtype, device=x_device)


def _sources(make: Make) -> Any:
    for target, source in (((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (1,)), ((2, 3), (2, 3)),
                           ((2, 2, 3), (2, 1)), ((1,), ()), ((2, 0), (1, 0)), ((3, 1), (1, 1))):  # fmt: skip
        yield make(*target), make(*source)


class CopyFrom(Op):
    """The numbers of `y` in place of those of `x`, in the shape, dtype and device of `x`."""

    node_name = "CopyBackwards"
    elementwise = True
    promote = "none"
    tex = {"x": "0", "y": "1"}
    samples = through("copy_", _sources)

    def forward(x, y):
        y = arrays.place(y, arrays.device_of(x))
        return xp.broadcast_to(y, x.shape).astype(x.dtype)

    def refuse(x, y):
        try:
            shape = np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return None
        return f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(shape)}"

    def dx(g):
        return xp.zeros_like(g)

    def dy(g, y_dtype, y_device):
        return xp.to_copy(g, dtype=y_dtype, device=y_device)


class FillNumber(Op):
    """One number everywhere: what was there before gets no gradient."""

    node_name = "FillBackward2"
    elementwise = True
    tex = {"x": "0"}
    samples = through("fill_", unary(value=2.5))

    def forward(x, *, value):
        return xp.full_like(x, value)

    def dx(g):
        return xp.zeros_like(g)


class Fill(Op):
    """The number of the 0-d tensor `y` everywhere."""

    node_name = "FillBackward3"
    elementwise = True
    promote = "none"
    tex = {"x": "0", "y": "1"}
    samples = through("fill_", lambda make: ((make(*shape), make()) for shape in SHAPES))
    forward, dx, dy = CopyFrom.forward, CopyFrom.dx, CopyFrom.dy


class Zero(Op):
    """Zeros everywhere: what was there before gets no gradient."""

    elementwise = True
    tex = {"x": "0"}
    samples = through("zero_", unary())

    def forward(x):
        return xp.zeros_like(x)

    def dx(g):
        return xp.zeros_like(g)


# --- copies and casts ---------------------------------------------------------------------------------------------


@public()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with its own memory, through which gradients flow."""
    return Clone.call(input)


@public(top=False)
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if its elements lie in memory in order, else a copy that does."""
    return self if is_contiguous(self) else Clone.call(self)


@public(top=False)
def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in memory in the order of their indices."""
    return isinstance(self._data, np.generic) or bool(self._data.flags.c_contiguous)


@public(top=False)
def to(
    self: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    other: Any = None,
    memory_format: Any = None,
) -> Tensor:
    """This tensor in another dtype or on another device: `to(torch.float64)`, `to("cuda")`, `to(other)`.

    Returns the tensor itself when there is nothing to change.

    Example:
        >>> import nbautograd as torch
        >>> torch.tensor([1, 2]).to(torch.float32)
        tensor([1., 2.])
    """
    for arg in (*args, other):
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, dtypes.dtype | type | np.dtype):
            dtype = arg
        elif isinstance(arg, str | arrays.device) or (isinstance(arg, int) and not isinstance(arg, bool)):
            device = arg
    target = None if dtype is None else dtypes.to_dtype(dtype).numpy
    place = None if device is None else _resolved(device)
    unchanged = (target is None or target == self._data.dtype) and (place is None or place == self.device)
    if unchanged and not copy:
        return self
    return ToCopy.call(self, dtype=target, device=place)


def _resolved(device: Any) -> arrays.device:
    """`device` with its number: "cuda" is the current GPU."""
    found = arrays.device(device)
    if found.type == "cuda" and found.index is None:
        return arrays.device("cuda", arrays.cupy().cuda.runtime.getDevice())
    return arrays.CPU if found.type == "cpu" else found


def _cast(name: str, dtype: dtypes.dtype) -> None:
    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, dtype)

    method.__name__, method.__doc__ = name, f"This tensor as {dtype}."
    setattr(Tensor, name, method)


for _name, _dtype in (
    ("float", dtypes.float32), ("double", dtypes.float64), ("half", dtypes.float16), ("long", dtypes.int64),
    ("int", dtypes.int32), ("short", dtypes.int16), ("char", dtypes.int8), ("byte", dtypes.uint8),
    ("bool", dtypes.bool),
    ("cfloat", dtypes.complex64), ("cdouble", dtypes.complex128),
):  # fmt: skip
    _cast(_name, _dtype)


@public(top=False)
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor in the computer's own memory."""
    return to(self, arrays.CPU)


@public(top=False)
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """This tensor on a GPU."""
    return to(self, "cuda" if device is None else device)


@public("type", top=False)
def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of torch's old type of this tensor, or with `dtype` the tensor in that type."""
    if dtype is None:
        return f"torch.{'cuda.' if self.is_cuda else ''}{self.dtype.tensor_type}Tensor"
    if isinstance(dtype, TensorType):
        dtype = dtype.dtype
    elif isinstance(dtype, str):
        try:
            dtype = TENSOR_TYPES[dtype.rpartition(".")[2]]
        except KeyError:
            raise ValueError(f"invalid type: '{dtype}'") from None
    return to(self, dtype)


@public(top=False)
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the dtype and on the device of `other`."""
    return to(self, other)


@public(top=False)
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """The tensor itself: NumPy's memory is used as it is."""
    return self


@public("detach", method=False)
def detach(input: Tensor) -> Tensor:
    """The same numbers without the history; see `Tensor.detach`."""
    return input.detach()


# --- in place -----------------------------------------------------------------------------------------------------


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
def zero_(self: Tensor) -> Tensor:
    """Put zeros everywhere."""
    if not _plain(self):
        return inplace.apply(Zero, self)
    inplace.write(self, 0)
    return self


# --- questions about a tensor -------------------------------------------------------------------------------------


@public()
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floats."""
    return input._data.dtype.kind == "f"


@public()
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return input._data.dtype.kind == "c"


@public(method=False)
def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


@public(top=False)
def element_size(self: Tensor) -> int:
    """The number of bytes of one element."""
    return self._data.dtype.itemsize


@public(top=False)
def get_device(self: Tensor) -> int:
    """The number of the GPU that holds this tensor; −1 for the CPU."""
    index = self.device.index
    return -1 if index is None else index


@public(top=False)
def data_ptr(self: Tensor) -> int:
    """The address of the first element."""
    data = inplace.array_of(self)
    return data.data.ptr if arrays.is_cupy(data) else data.ctypes.data


@public(method=False)
def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype that arithmetic on the two would give."""
    operands = [(x._data.dtype, x._data.ndim) if isinstance(x, Tensor) else (type(x), None) for x in (tensor1, tensor2)]
    return dtypes.of_numpy(dtypes.result_dtype(operands))


@public(method=False)
def promote_types(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """The smallest dtype that both fit in by torch's rules."""
    return dtypes.of_numpy(dtypes.result_dtype([(type1.numpy, 1), (type2.numpy, 1)]))


@public(method=False)
def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether torch lets `from_` be written into `to` in place."""
    return from_.category <= to.category and not (to is dtypes.bool and from_ is not dtypes.bool)
