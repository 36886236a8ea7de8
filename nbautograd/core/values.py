"""What a tensor is beside its place in a graph: shape, dtype and device, a value for Python and NumPy, and copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import array as arrays
from . import dtype as dtypes
from . import modes
from .modes import state
from .node import leaf_node

if TYPE_CHECKING:
    from .tensor import Tensor


class TensorBase:
    """What `Tensor`, the only one of the kind, is as numbers; torch has a class of this name below its own."""

    __slots__ = ()

    _data: Any
    _node: Any

    # --- facts ---

    @property
    def shape(self) -> arrays.Size:
        """The size of each dimension."""
        return arrays.Size(self._data.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of the elements."""
        return dtypes.of_numpy(self._data.dtype)

    @property
    def device(self) -> arrays.device:
        """Where the elements live."""
        return arrays.device_of(self._data)

    @property
    def is_cuda(self) -> bool:
        return arrays.is_cupy(self._data)

    @property
    def itemsize(self) -> int:
        return self._data.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self._data.nbytes

    # --- as Python and NumPy values ---

    def numpy(self: Any, *, force: bool = False) -> Any:
        """The elements as a NumPy array that shares this tensor's memory.

        Raises: RuntimeError for tensors that require grad, TypeError for tensors on a GPU.
        """
        if force:
            return self._told("numpy", np.asarray(arrays.place(self._data, arrays.CPU)))
        if self._node is not None and modes.is_grad_enabled():
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.\n"
                "  hint: .detach() is right for plotting and printing; in a loss use torch functions: NumPy's cut it"
            )
        if self.is_cuda:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        if self._data.dtype.kind == "V":
            raise TypeError("Got unsupported ScalarType BFloat16\n  hint: x.float().numpy()")
        from . import inplace

        return self._told("numpy", inplace.array_of(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype, copy=copy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """What NumPy's functions of tensors return: a tensor; of truth values, as in torch, one of bytes."""
        from .tensor import Tensor

        array = np.asarray(array)
        t = object.__new__(Tensor)
        t._data, t._node = arrays.compact(array.astype(np.uint8) if array.dtype.kind == "b" else array), None
        return t

    def item(self) -> Any:
        """The one element as a Python number.

        Raises: RuntimeError when there is not exactly one.
        """
        if self._data.size != 1:
            raise RuntimeError(f"a Tensor with {self._data.size} elements cannot be converted to Scalar")
        return self._told("item", self._data.item())

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self._told("tolist", self._data.tolist())

    def _told(self, how: str, value: Any) -> Any:
        """`value`, which Python gets to see; the observer is told."""
        if state.observer is not None:
            state.observer.read(self, how, value)
        return value

    def __float__(self) -> float:
        return float(self._real_one("double"))

    def __int__(self) -> int:
        return int(self._real_one("int64_t"))

    def __complex__(self) -> complex:
        return complex(self._one())

    def _one(self) -> Any:
        if self._data.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._told("item", self._data.item())

    def _real_one(self, kind: str) -> Any:
        value = self._one()
        if isinstance(value, complex):
            if value.imag:
                raise RuntimeError(
                    f"value cannot be converted to type {kind} without overflow"
                    f"\n  it is {value}\n  hint: x.abs() and x.real are real numbers"
                )
            return value.real
        return value

    def __index__(self) -> int:
        if self._data.dtype.kind not in "biu" or self._data.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._told("item", self._data.item()))

    def __bool__(self) -> bool:
        if self._data.size != 1:
            what = "no values" if self._data.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return self._told("bool", bool(self._data.item()))

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._data.shape[0]

    def __contains__(self, value: Any) -> bool:
        found = bool((self._data == (value._data if isinstance(value, TensorBase) else value)).any())
        return self._told("contains", found)

    def __repr__(self) -> str:
        from .printing import tensor_text

        return self._told("repr", tensor_text(self))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self._data.ndim == 0 else object.__format__(self, spec)

    # --- copies ---

    def __copy__(self: Any) -> Tensor:
        """Another tensor over the same memory, a leaf if it needs gradients: what `copy.copy` gives."""
        from . import inplace

        t = self._with_attributes()
        t._node = None
        inplace.share(self, t)
        if self._node is not None:
            t._node = leaf_node(t)
        return t

    def _with_attributes(self: Any) -> Tensor:
        """A new tensor, still empty, with the attributes that users have given to this one."""
        from .tensor import Tensor

        t = object.__new__(type(self))
        t.__dict__.update({name: v for name, v in self.__dict__.items() if name not in Tensor.__annotations__})
        return t

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a "
                "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
                "\n  hint: x.detach().clone() copies the numbers"
            )
        t = memo[id(self)] = self._with_attributes()
        t._data, t._node = self._data.copy(), None
        if self._node is not None:
            t._node = leaf_node(t)
        if self._grad is not None:
            t._grad = self._grad.__deepcopy__(memo)
        return t

    def __reduce__(self) -> Any:
        raise TypeError("tensors are not pickled: use torch.save and torch.load, which never run code")
