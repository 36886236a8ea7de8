"""A node called by hand, `grad_fn(g)`, and what hooks of nodes may return."""

from __future__ import annotations

from typing import Any

from . import errors
from .call import wrap
from .modes import is_grad_enabled
from .node import OP, PARENTS, SAVED, Hooked, Leaf, Node, leaf_tensor, op_of
from .restored import as_tensors
from .saved import unpack
from .steps import contributions
from .tensor import Tensor


def hook_values(hook: Any, result: Any, count: int) -> tuple[Any, ...]:
    """What the hook of a node returned, in place of `count` gradients.

    Raises: TypeError, RuntimeError in torch's words for anything but so many tensors in a tuple.
    """
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    values: tuple[Any, ...] = result
    if len(values) != count:
        raise RuntimeError(
            f"hook '{getattr(hook, '__name__', repr(hook))}' has returned an incorrect number of values "
            f"(got {len(values)}, but expected {count})"
        )
    for value in values:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"expected Variable, but hook returned '{type(value).__name__}'")
    return values


def called(node: Node, grads: tuple[Tensor | None, ...]) -> Any:
    """The gradients of what `node` came from, given those of its outputs; a leaf's node adds to `.grad`.

    Raises: RuntimeError when what the node had saved is freed.
    """
    op, saved = op_of(node), node[SAVED]
    if op is Leaf:
        leaf = leaf_tensor(node)
        if leaf is not None and grads[0] is not None:
            leaf.grad = grads[0].detach().clone() if leaf.grad is None else leaf.grad + grads[0].detach()
        return ()
    if saved is None:
        raise errors.freed(node)
    if node[OP].__class__ is Hooked and node[OP].packed:
        saved = unpack(saved)
    g: Any = (
        grads[0]
        if op.outputs == 1
        else grads
        if op.outputs is not None
        else {nr: x for nr, x in enumerate(grads) if x is not None}
    )
    sent = [c for _, c in contributions(op, op.recording_pulls(), node, g, as_tensors(node, op, saved))]
    shares = iter([c if is_grad_enabled() or c is None else wrap(c._data) for c in sent])
    found = tuple(next(shares) if parent is not None else None for parent in node[PARENTS])
    return found[0] if len(found) == 1 else found
