"""The graph from the outside: nodes, as `grad_fn` shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from nbautograd.core import inplace
from nbautograd.core.node import GradFn as Node
from nbautograd.core.node import grad_fn_of, node_and_output
from nbautograd.core.tensor import Tensor


class GradientEdge(NamedTuple):
    """The place in the graph where the gradient of a tensor arrives: a node, and which of its outputs."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of `tensor` arrives; for a leaf, its `AccumulateGrad` node.

    Raises: RuntimeError when it does not require grad.
    """
    if tensor._node is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, number = node_and_output(tensor._node)
    return GradientEdge(grad_fn_of(node), number)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a change of `tensor` in place that the engine could not see."""
    for t in [tensor] if isinstance(tensor, Tensor) else tensor:
        inplace.touched(t)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"nbautograd has no torch.autograd.graph.{name}")


__all__ = ["GradientEdge", "Node", "get_gradient_edge", "increment_version"]
