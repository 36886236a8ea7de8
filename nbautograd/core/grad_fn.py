"""`grad_fn`: the view of a node that users see."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from .node import (
    ORDER,
    PARENTS,
    Node,
    RemovableHandle,
    hooked,
    is_leaf_node,
    is_nobodys,
    leaf_tensor,
    node_and_output,
    op_of,
)

_views: weakref.WeakValueDictionary[int, GradFn] = weakref.WeakValueDictionary()


class GradFn:
    """The backward node of an op, as `tensor.grad_fn` shows it.

    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> (x * x).grad_fn.name()
        'MulBackward0'
    """

    __slots__ = ("__weakref__", "_node", "_seen")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen: dict[int, tuple[tuple[int, ...], Any]] = {}

    def saw(self, nr: int, data: Any) -> None:
        """Note the shape and dtype of output `nr`, which a node does not know."""
        self._seen[nr] = data.shape, data.dtype

    def seen(self, nr: int) -> tuple[tuple[int, ...], Any] | None:
        """The shape and dtype of output `nr`, if a tensor has shown them."""
        return self._seen.get(nr)

    def name(self) -> str:
        """torch's name of the node, such as `MulBackward0`."""
        name = op_of(self._node).node_name
        return f"torch::autograd::{name}" if name in ("AccumulateGrad", "CopySlices") else name

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """Per input, the node it came from and which of that node's outputs it was."""
        edges: list[tuple[GradFn | None, int]] = []
        for parent in self._node[PARENTS]:
            node, nr = (None, 0) if parent is None or is_nobodys(parent) else node_and_output(parent)
            edges.append((None if node is None else grad_fn_of(node), nr))
        return tuple(edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of one's own on this node; anomaly mode keeps the lines that made the node there."""
        return hooked(self._node).metadata

    @property
    def requires_grad(self) -> bool:
        return True

    def _sequence_nr(self) -> int:
        return -self._node[ORDER]

    def __getattr__(self, name: str) -> Any:
        """`_saved_self` and its like; for a custom function, what its `forward` left in `ctx`."""
        from . import saved

        if name == "_node":
            raise AttributeError(name)  # a copy that was not filled yet
        found = getattr(op_of(self._node), "attribute", saved.attribute)
        return found(self._node, name)

    def __dir__(self) -> list[str]:
        from . import saved

        return [*super().__dir__(), *saved.attributes(self._node)]

    @property
    def variable(self) -> Any:
        """The leaf that an `AccumulateGrad` node belongs to."""
        if not is_leaf_node(self._node):
            raise AttributeError(f"'{self.name()}' object has no attribute 'variable'")
        return leaf_tensor(self._node)

    def __call__(self, *grads: Any) -> Any:
        """The gradients of what the node came from, given those of its outputs: one step of backward by hand."""
        from .calls import called

        return called(self._node, grads)

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after this node has run."""
        return RemovableHandle(hooked(self._node).after, hook)

    def register_prehook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before this node runs."""
        return RemovableHandle(hooked(self._node).before, hook)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self._node))}>"


_classes: dict[str, type[GradFn]] = {}
"""A class for each node name, because people print `type(y.grad_fn).__name__`."""


def grad_fn_of(node: Node) -> GradFn:
    """The one `GradFn` of `node` while anybody holds it."""
    view = _views.get(id(node))
    if view is None:
        name = op_of(node).node_name
        kind = _classes.get(name)
        if kind is None:
            kind = _classes[name] = type(name, (GradFn,), {"__slots__": ()})
        view = _views[id(node)] = kind(node)
    return view
