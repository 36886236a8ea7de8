"""One application of a transform: arguments that are its own, and results that are rid of it.

NOTE [Stages]
A transform differentiates with respect to arguments of its own: aliases of what the user gave, so that a tensor which
the function also sees by another name is a constant there. When the transform itself is to be differentiated, by an
outer one or by `backward()`, the alias keeps the history of the original and the derivative is computed with a graph;
otherwise neither is there. What comes out depends on the own arguments only in ways that no outer derivative can ask
about, so a result that reaches nothing else loses its history.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbautograd.core.backward import grad
from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.inference import inference_mode
from nbautograd.core.levels import alias, tangents_of, without_history, zeros_like
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.node import ORDER, PARENTS, Node, is_leaf_node, leaf_node, leaf_tensor, tick
from nbautograd.core.tensor import Tensor


@contextmanager
def recording() -> Iterator[None]:
    """Inside, ops are recorded, wherever the transform is called."""
    with inference_mode(False), enable_grad():
        yield


class Stage:
    """See NOTE [Stages]; make one before the function runs, outside of what it may record."""

    def __init__(self) -> None:
        self._start = tick()
        self._tracked = is_grad_enabled()
        self._own: list[Node] = []

    def argument(self, x: Any) -> Tensor:
        """The transform's own alias of `x`.

        Raises: ValueError for what is no tensor, RuntimeError for a tensor of integers.
        """
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if x._node is not None and self._tracked:
            return alias(x)
        if x._data.dtype.kind not in "fcV":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        own = without_history(x)
        own._node, own._inference = leaf_node(own), None
        self._own.append(own._node)
        return own

    def is_watched(self, x: Tensor) -> bool:
        """Whether an outer derivative can ask about `x`, or about a tangent of it."""
        if not self._tracked:
            return False
        return (x._node is not None and self._reaches_outside(x._node)) or any(
            self.is_watched(tangent) for _, tangent in tangents_of(x)
        )

    def _reaches_outside(self, node: Node) -> bool:
        own = {id(n) for n in self._own}
        seen: set[int] = set()
        stack = [node]
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if is_leaf_node(node):
                if id(node) not in own and leaf_tensor(node) is not None:  # what is gone nobody can ask about
                    return True
            elif node[ORDER] > self._start:  # older than this stage
                return True
            stack.extend(p for p in node[PARENTS] if p is not None)
        return False

    def result(self, x: Any) -> Any:
        """`x` as it leaves the transform."""
        if not isinstance(x, Tensor) or x._node is None or self.is_watched(x):
            return x
        return without_history(x, self.result)

    def pulled(
        self, ys: list[Tensor], xs: list[Tensor], gs: list[Any] | None, keep: bool = False, batch: int | None = None
    ) -> list[Tensor]:
        """The gradients of `ys`, started from `gs`, with respect to the arguments `xs`; zeros where nothing came.

        With a `batch`, each of `gs` holds so many.
        """
        starts = [None] * len(ys) if gs is None else gs
        used = [(y, g) for y, g in zip(ys, starts, strict=True) if y._node is not None]
        found: Any = [None] * len(xs)
        if used:
            roots, starts = zip(*used, strict=True)
            watched = any(self.is_watched(t) for t in (*roots, *starts) if t is not None)
            found = grad(
                roots,
                xs,
                starts,
                retain_graph=keep or None,
                create_graph=watched and is_grad_enabled(),
                allow_unused=True,
                is_grads_batched=batch is not None,
            )
        return [_nothing(x, batch) if g is None else self.result(g) for x, g in zip(xs, found, strict=True)]


def _nothing(x: Tensor, batch: int | None) -> Tensor:
    return zeros_like(x) if batch is None else x.detach().new_zeros((batch, *x.shape))
