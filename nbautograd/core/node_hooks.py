"""The hooks of a node in a pass: they see its gradient, and what it sends, and may replace both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import dtype as dtypes
from .calls import hook_values
from .leaves import accumulate
from .node import PARENTS, Hooked, Node
from .received import as_tensor, as_tensors, numbers
from .tensor import Tensor

if TYPE_CHECKING:
    from .walk import Walk


def before(walk: Walk, hooks: Hooked, g: Any) -> Any:
    """The gradient `g` as the hooks before a node leave it; a tensor that retains its gradient gets it on the way."""
    for hook in list(hooks.on_gradient.values()):
        result = hook(as_tensor(g))
        if result is not None:
            _check_replacement(hook, result, g)
            g = result if walk.tensors else result._data
    if hooks.retain is not None:
        tensor = hooks.retain()
        if tensor is not None:
            accumulate(walk, tensor, g)
    for hook in list(hooks.before.values()):
        given = as_tensors(g)
        result = hook(given)
        if result is not None:
            values = _received(walk, hook_values(hook, result, len(given)))
            g = values if isinstance(g, tuple) else values[0]
    return g


def after(walk: Walk, hooks: Hooked, node: Node, g: Any, sent: list[Any]) -> list[Any]:
    """What `node` sends, as the hooks after it leave it."""
    goes = [p is not None and walk.needs(p) for p in node[PARENTS]]
    by_parent = iter(sent)
    shares = tuple([next(by_parent)[1] if there else None for there in goes])
    for hook in list(hooks.after.values()):
        result = hook(tuple(map(as_tensor, shares)), as_tensors(g))
        if result is not None:
            shares = _received(walk, hook_values(hook, result, len(shares)))
    return [(p, share) for p, share, there in zip(node[PARENTS], shares, goes, strict=True) if there]


def _received(walk: Walk, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The tensors that a hook returned, as the pass has its gradients."""
    return values if walk.tensors else numbers(values)


def _check_replacement(hook: Any, result: Any, g: Any) -> None:
    """Refuse what a tensor's hook returned if it cannot stand for the gradient `g`."""
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    old, new = numbers(g), result._data
    name = getattr(hook, "__name__", repr(hook))
    if old.shape != new.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    if old.dtype != new.dtype:
        was, got = (f"torch.{dtypes.of_numpy(d.dtype).tensor_type}Tensor" for d in (old, new))
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {was} got {got})")
