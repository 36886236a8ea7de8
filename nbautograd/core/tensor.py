"""The tensor: an array, the node it came from, and torch's attributes. The ops floor attaches the functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import array as arrays
from . import dtype as dtypes
from . import errors, modes
from .absent import absent
from .grad_fn import GradFn, grad_fn_of
from .inference import mark_new
from .modes import state
from .node import (
    Hooked,
    Invalid,
    RemovableHandle,
    hooked,
    is_leaf_node,
    is_nobodys,
    leaf_node,
    node_and_output,
    op_of,
)


class Tensor:
    """A multi-dimensional array that remembers how it was computed, so that `backward()` can find its gradients.

    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
    """

    __slots__ = ("__dict__", "__weakref__", "_data", "_node")

    _data: Any
    _node: Any
    # What few tensors have is set where they have it: making a tensor sets two things only, and is fast.
    _grad: Tensor | None = None
    _inference: Any = None
    _base: Tensor | None = None
    _path: Any = None
    _views: Any = None
    _aliases: Any = None
    _untracked: bool = False
    _scalar_changes: int = 0
    _scalar_group: Any = None

    __array_priority__ = 1000  # NumPy's operators give way to ours
    __hash__ = object.__hash__

    def __new__(cls, *args: Any, dtype: Any = None, device: Any = None) -> Tensor:
        """torch's old constructor: `Tensor(2, 3)` is uninitialised, `Tensor([1, 2])` holds numbers as floats."""
        t = object.__new__(cls)
        t._data = Tensor._from_old_arguments(args, dtype or dtypes.get_default_dtype(), device)
        t._node = None
        if state.special:
            mark_new(t)
        return t

    if TYPE_CHECKING:  # what the ops floor attaches, for type checkers

        @staticmethod
        def _from_old_arguments(args: tuple[Any, ...], dtype: dtypes.dtype, device: Any) -> Any: ...

        def _binary(self, other: Any, /) -> Tensor: ...
        def _unary(self) -> Tensor: ...
        def __getitem__(self, index: Any, /) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any, /) -> None: ...
        def __iter__(self) -> Iterator[Tensor]: ...
        def __eq__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]

        __add__ = __radd__ = __iadd__ = __sub__ = __rsub__ = __isub__ = _binary
        __mul__ = __rmul__ = __imul__ = __truediv__ = __rtruediv__ = __itruediv__ = _binary
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __ipow__ = __matmul__ = _binary
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lt__ = __le__ = __gt__ = __ge__ = _binary
        __neg__ = __pos__ = __invert__ = __abs__ = _unary

    def __getattr__(self, name: str) -> Any:
        raise absent("Tensor", name, type(self).__name__)

    # --- what it is ---

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

    @property
    def _version(self) -> int:
        from . import inplace

        if self._inference is not None:
            raise RuntimeError("Inference tensors do not track version counter.")
        return inplace.version(self)

    def is_inference(self) -> bool:
        """Whether this was made in `inference_mode`, and so can never be part of a graph."""
        return self._inference is not None

    # --- its place in the graph ---

    @property
    def requires_grad(self) -> bool:
        """Whether backward will bring a gradient here."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Let ops on this leaf be recorded from now on (or no longer).

        Raises: RuntimeError for integer tensors, and for turning it off on a tensor that was computed.
        """
        if requires_grad and (self._node is None or is_nobodys(self._node)):
            if self._data.dtype.kind not in dtypes.INEXACT:
                raise errors.integer_requires_grad(self.dtype, method=True)
            if self._inference is not None and modes.local.inference is None:
                raise RuntimeError(
                    "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
                )
            self._node = leaf_node(self)
            self._quiet_views()
        elif not requires_grad and self._node is not None:
            if not self.is_leaf:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            if not is_nobodys(self._node):
                self._node = None
                self._quiet_views()
        return self

    def _quiet_views(self) -> None:
        """Let the views that no path leads to say what their base says; see NOTE [Quiet views] in `views`."""
        from . import history

        for view in [v for v in (r() for r in self._views or ()) if v is not None]:
            if self._node is None and view._node is not None and is_nobodys(view._node):
                view._node = None
            elif self._node is not None and view._node is None:
                view._node = history.late_node(self, view)

    @property
    def is_leaf(self) -> bool:
        """True for tensors that were made, not computed; only those get a `.grad`."""
        return self._node is None or is_leaf_node(self._node)

    @property
    def grad_fn(self) -> GradFn | None:
        """The backward node of the op that computed this tensor; None for leaves."""
        if self.is_leaf:
            return None
        node, nr = node_and_output(self._node)
        if op_of(node) is Invalid:
            Invalid.refuse(node)
        view = grad_fn_of(node)
        view.saw(nr, self._data)
        return view

    @property
    def output_nr(self) -> int:
        return 0 if self.is_leaf else node_and_output(self._node)[1]

    @property
    def grad(self) -> Tensor | None:
        """The gradients that backward has added up here; None until there is one.

        It is never cleared by itself: every `backward()` adds to it.
        """
        if self._grad is None and not self.is_leaf and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for "
                "a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
                f"mistake, make sure you access the leaf Tensor instead. (this one comes {errors.origin(self)})",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value._data.shape != self._data.shape:
                raise RuntimeError("assigned grad has data of a different size")
            if value._data.dtype != self._data.dtype:
                raise RuntimeError("assigned grad has data of a different type")
        self._grad = value
        if state.observer is not None:
            state.observer.grad_set(self, value)

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the derivative of this tensor with respect to each leaf to the leaf's `.grad`.

        Math: x.grad += ∂self/∂x for a scalar; x.grad += gradientᵀ · ∂self/∂x in general.
        Raises: RuntimeError when there are several elements and no `gradient`, when nothing was recorded, and when the
            graph was freed by an earlier backward.
        Example:
            >>> import nbautograd as torch
            >>> x = torch.tensor(3.0, requires_grad=True)
            >>> (x**2).backward()
            >>> x.grad
            tensor(6.)
        """
        from .backward import backward

        backward([self], [gradient], retain_graph, create_graph, inputs)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` whenever the gradient of this tensor is known; what it returns replaces the gradient."""
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return RemovableHandle(hooked(self._node).on_gradient, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook(tensor)` after backward has added to this leaf's `.grad`."""
        if self._node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return RemovableHandle(hooked(self._node).after_accumulate, hook)

    def retain_grad(self) -> None:
        """Let backward fill `.grad` of this tensor too, although it is no leaf."""
        if self._node is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if not self.is_leaf:
            import weakref

            hooked(self._node).retain = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad()` was called on this computed tensor."""
        if self.is_leaf or self._node[1].__class__ is not Hooked:
            return False
        return self._node[1].retain is not None and self._node[1].retain() is self

    def detach(self) -> Tensor:
        """The same numbers without the history. They share memory: writing to one changes the other.

        Example:
            >>> import nbautograd as torch
            >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
            >>> x.detach()
            tensor([1., 2.])
        """
        from . import inplace

        t = object.__new__(Tensor)
        t._node = None
        inplace.share(self, t)
        t._untracked = self._untracked
        return t

    def detach_(self) -> Tensor:
        """Forget the history of this very tensor."""
        from . import inplace

        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        if not self.is_leaf:
            inplace.detaching(self)
        self._node = None
        self._quiet_views()
        return self

    @property
    def data(self) -> Tensor:
        """The same numbers without history and without torch's protection: changes through it are not noticed."""
        t = self.detach()
        t._untracked = True
        return t

    @data.setter
    def data(self, value: Tensor) -> None:
        self._data = value._data
        if state.observer is not None:
            state.observer.mutated(self)

    # --- as Python and NumPy values ---

    def numpy(self, *, force: bool = False) -> Any:
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
        found = bool((self._data == (value._data if isinstance(value, Tensor) else value)).any())
        return self._told("contains", found)

    def __repr__(self) -> str:
        from .printing import tensor_text

        return self._told("repr", tensor_text(self))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self._data.ndim == 0 else object.__format__(self, spec)

    def __copy__(self) -> Tensor:
        """Another tensor over the same memory, a leaf if it needs gradients: what `copy.copy` gives."""
        from . import inplace

        t = self._with_attributes()
        t._node = None
        inplace.share(self, t)
        if self._node is not None:
            t._node = leaf_node(t)
        return t

    def _with_attributes(self) -> Tensor:
        """A new tensor, still empty, with the attributes that users have given to this one."""
        t = object.__new__(type(self))
        t.__dict__.update({name: v for name, v in self.__dict__.items() if name not in Tensor.__annotations__})
        return t

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
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
