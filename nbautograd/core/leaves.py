"""The end of a pass: gradients come to leaves, and are added to `.grad`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from . import array as arrays
from . import inplace
from .call import wrap
from .node import OP, Hooked, Leaf, Node, is_leaf_node, leaf_tensor
from .received import numbers
from .tensor import Tensor

if TYPE_CHECKING:
    from .walk import Walk

_adding = threading.RLock()
"""Held while something is added to a tensor's `.grad`."""


def bring(walk: Walk, node: Node, g: Any, sole: bool = False) -> None:
    """Bring `g` to the leaf of `node`; `sole` says that nobody else holds the array."""
    tensor = leaf_tensor(node)
    if tensor is None or tensor._node is None or walk.kind == "grad":
        return
    if tensor._node is not node and not is_leaf_node(tensor._node):
        raise RuntimeError("leaf variable has been moved into the graph interior")  # by `detach_()` and a change
    accumulate(walk, tensor, g, sole)
    if node[OP].__class__ is Hooked:
        for hook in list(node[OP].after_accumulate.values()):
            hook(tensor)


def accumulate(walk: Walk, tensor: Tensor, g: Any, sole: bool = False) -> None:
    """Add `g` to `tensor.grad`."""
    with _adding:
        held = tensor._grad
        if not walk.create_graph and isinstance(g, Tensor):
            g = g._data
        before = None
        if walk.observer is not None and held is not None:
            before = np.array(held._data, copy=True) if not arrays.is_cupy(held._data) else held._data.copy()
        if walk.create_graph:
            tensor._grad = g.clone() if held is None else held + g  # `g` may go to other leaves too
        elif held is None:
            tensor._grad = wrap(arrays.compact(g) if sole and g.base is None else own(g))
        else:
            add_to(held, g)
        if walk.fresh is not None and held is None and tensor._node[OP] is Leaf:  # no hook may change it
            walk.fresh.append((tensor, tensor._grad))
        elif walk.observer is not None:
            walk.observer.accumulate(tensor, numbers(g), before, numbers(tensor._grad))


def own(g: Any) -> Any:
    """`g` as numbers that nobody else can change."""
    if not arrays.is_cupy(g):
        return g if isinstance(g, np.generic) else arrays.compact(g.copy())
    with arrays.beside(g):
        return g.copy()


def add_to(held: Tensor, g: Any) -> None:
    """Add `g` to the numbers of the tensor `held`, in place as torch does."""
    if isinstance(held._data, np.generic):
        inplace.write(held, held._data + g)
        return
    data = inplace.writable(held)
    if arrays.is_cupy(data):
        with arrays.beside(data):
            data += g
    else:
        data += g
    inplace.touched(held)
