"""What a tensor is: questions with torch's names, most with one answer here."""

from __future__ import annotations

from typing import Any

from nbautograd.core import dtype as dtypes
from nbautograd.core import layout
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor


@public()
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floats."""
    return input._data.dtype.kind in dtypes.FLOATING


@public()
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return input._data.dtype.kind == "c"


@public()
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has numbers below zero."""
    return input.dtype.is_signed


@public(method=False)
def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


@public(top=False)
def element_size(self: Tensor) -> int:
    """The number of bytes of one element."""
    return self._data.dtype.itemsize


@public()
def get_device(input: Tensor) -> int:
    """The number of the GPU that holds this tensor; −1 for the CPU."""
    index = input.device.index
    return -1 if index is None else index


@public(top=False)
def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dimensions from the one with the largest steps in memory to the one with the smallest."""
    return tuple(sorted(range(self._data.ndim), key=lambda d: -self._data.strides[d]))


@public(top=False)
def to_dense(self: Tensor, dtype: Any = None) -> Tensor:
    """The tensor itself: all tensors are dense."""
    return self if dtype is None else self.to(dtype)


def _always(answer: Any, about: str) -> property:
    return property(lambda self: answer, doc=about)


for _kind in ("sparse", "sparse_csr", "quantized", "meta", "mps", "xpu", "mkldnn", "vulkan", "nested"):
    setattr(Tensor, f"is_{_kind}", _always(False, f"False: there are no {_kind} tensors."))
Tensor.is_cpu = property(lambda self: not self.is_cuda, doc="Whether the tensor is in the computer's own memory.")
Tensor.layout = _always(layout.strided, "`torch.strided`: all tensors are dense.")


# --- dtypes -------------------------------------------------------------------------------------------------------


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
