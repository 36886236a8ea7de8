"""The tensor: an array, the node it came from, and torch's attributes. The ops floor attaches the functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

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
from .values import TensorBase


class Tensor(TensorBase):
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
        observer = state.observer
        if observer is not None:
            observer.grad_set(self, value)

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
