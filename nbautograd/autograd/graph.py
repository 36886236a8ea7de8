"""The graph from the outside: nodes, as `grad_fn` shows them, places in it, and hooks for what it saves."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from nbautograd.core import inplace, saved, walk
from nbautograd.core.absent import refuse_in
from nbautograd.core.array import device
from nbautograd.core.edges import GradientEdge
from nbautograd.core.edges import edge_of as get_gradient_edge
from nbautograd.core.grad_fn import GradFn as Node
from nbautograd.core.modes import local
from nbautograd.core.node import ORDER, RemovableHandle, node_and_output
from nbautograd.core.tensor import Tensor

from .mutation import allow_mutation_on_saved_tensors


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a change of `tensor` in place that the engine could not see."""
    for t in [tensor] if isinstance(tensor, Tensor) else tensor:
        if not t.is_inference():
            inplace.touched(t)


# --- hooks for what is saved --------------------------------------------------------------------------------------


class saved_tensors_hooks(saved.pushed):
    """Inside, each tensor that an op saves for backward is replaced by `pack_hook(tensor)`, until backward asks
    `unpack_hook` for it. Of several such blocks the innermost counts.

    Raises: RuntimeError when `pack_hook` changes its tensor in place, TypeError when `unpack_hook` returns no tensor.
    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
        ...     y = x.exp().sum()
        >>> y.backward()
        >>> x.grad
        tensor([2.7183, 7.3891])
    """


class save_on_cpu(saved_tensors_hooks):
    """Inside, what is saved for backward waits in the CPU's memory, and comes back to its device when backward asks.

    `pin_memory` is accepted; CuPy pins the memory of its copies by itself.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(_to_cpu, _from_cpu)


def _to_cpu(tensor: Tensor) -> tuple[device, Tensor]:
    return tensor.device, tensor.cpu()


def _from_cpu(packed: tuple[device, Tensor]) -> Tensor:
    where, tensor = packed
    return tensor.to(where)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, to use `saved_tensors_hooks` is an error.

    Raises: RuntimeError with `error_message`, at once if such hooks are in force already.
    """
    if local.saved_hooks:
        raise RuntimeError(error_message)
    before, local.saved_hooks_refused = local.saved_hooks_refused, error_message
    try:
        yield
    finally:
        local.saved_hooks_refused = before


# --- one hook for several gradients -------------------------------------------------------------------------------


class _Handles(RemovableHandle):
    """The handles of one hook on several tensors."""

    def __init__(self, handles: Iterable[RemovableHandle]) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.handles = tuple(handles)

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: Literal["all", "any"] = "all"
) -> RemovableHandle:
    """Call `fn` once in each backward pass that comes to `tensors`.

    With `all`, when the gradients of all those that the pass comes to are known: `fn` gets the list of them, with None
    for the others. With `any`, when the first is known: `fn` gets that one.

    Raises: ValueError for another mode.
    """
    if mode == "all":
        collect = _Collector(tensors, fn)
        return _Handles([t.register_hook(functools.partial(collect, i)) for i, t in enumerate(tensors)])
    if mode == "any":
        first = _First(fn)
        return _Handles([t.register_hook(first) for t in tensors if t.requires_grad])
    raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")


class _Collector:
    """Gathers the gradients of several tensors, and hands them on when the pass has come to all it will come to."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[[Any], None]) -> None:
        self.nodes = [node_and_output(t._node)[0] for t in tensors if t._node is not None]
        self.fn = fn
        self.count = len(tensors)
        self.lock = threading.Lock()
        self.passes: weakref.WeakKeyDictionary[Any, tuple[list[Any], list[int]]] = weakref.WeakKeyDictionary()

    def __call__(self, index: int, grad: Tensor) -> None:
        now = _pass()
        with self.lock:
            if now not in self.passes:
                self.passes[now] = [None] * self.count, [sum(node[ORDER] in now.reached for node in self.nodes)]
            grads, missing = self.passes[now]
            grads[index] = grad
            missing[0] -= 1
        if not missing[0]:
            del self.passes[now]
            self.fn(grads)


class _First:
    """Hands on the first gradient of each pass."""

    def __init__(self, fn: Callable[[Any], None]) -> None:
        self.fn = fn
        self.last: Callable[[], Any] = lambda: None

    def __call__(self, grad: Tensor) -> None:
        now = _pass()
        if self.last() is not now:
            self.last = weakref.ref(now)
            self.fn(grad)


def _pass() -> Any:
    now = walk.current()
    assert now is not None, "expected this hook to be called inside a backward call"
    return now


__getattr__ = refuse_in("autograd.graph")

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]
