"""Places in the graph as users name them, in the stead of tensors: `get_gradient_edge(x)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .call import slot
from .dtype import get_default_dtype
from .grad_fn import GradFn, grad_fn_of
from .node import is_leaf_node, leaf_tensor, node_and_output, op_of
from .tensor import Tensor


class GradientEdge(NamedTuple):
    """The place in the graph where the gradient of a tensor arrives: a node, and which of its outputs."""

    node: GradFn
    output_nr: int
    ownership_token: GradFn | None = None


def edge_of(tensor: Tensor) -> GradientEdge:
    """Where the gradient of `tensor` arrives; for a leaf, its `AccumulateGrad` node.

    Raises: RuntimeError when it does not require grad.
    """
    if tensor._node is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, number = node_and_output(tensor._node)
    view = grad_fn_of(node)
    view.saw(number, tensor._data)
    return GradientEdge(view, number)


def as_tensors(values: Any, gradients: Any = None) -> list[Any]:
    """A list of `values` (one of them, or several) with a tensor in the place of each edge."""
    if isinstance(values, Tensor | GradientEdge):
        values = [values]
    if gradients is None or isinstance(gradients, Tensor):
        gradients = [gradients]
    given = dict(enumerate(gradients))
    return [_stand_in(v, given.get(i)) if isinstance(v, GradientEdge) else v for i, v in enumerate(values)]


def wanted(inputs: Any, function: str) -> list[Any]:
    """The tensors that `inputs` names, one of them, several, or a dict of them, for torch's `function`."""
    if not isinstance(inputs, Tensor | list | tuple) and isinstance(inputs, Mapping):
        if type(inputs) is not dict:
            raise TypeError(
                f"`inputs` argument to `{function}` must be a dict, not {type(inputs).__name__}. "
                "Other Mapping types are not supported."
            )
        inputs = inputs.values()
    found = as_tensors(inputs)
    if not found:
        raise RuntimeError(f"`inputs` argument to `{function}` cannot be empty.")
    return found


def _stand_in(edge: GradientEdge, gradient: Tensor | None) -> Tensor:
    """The leaf of an edge, or a tensor at its place in the graph with the shape it is known to have and no memory."""
    node = edge.node._node
    leaf = leaf_tensor(node) if is_leaf_node(node) else None
    if leaf is not None:
        return leaf
    known = edge.node.seen(edge.output_nr)
    if known is None and gradient is not None:
        known = gradient._data.shape, gradient._data.dtype
    shape, dtype = known or ((), get_default_dtype().numpy)
    t = object.__new__(Tensor)
    t._data = np.broadcast_to(np.zeros((), dtype), shape)
    t._node = node if is_leaf_node(node) or op_of(node).outputs == 1 else slot(node, edge.output_nr)
    return t
