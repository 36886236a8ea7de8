"""Changing in place what backward still needs: the old numbers are copied at the moment of the change."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from nbautograd.core import inplace, saved
from nbautograd.core.tensor import Tensor

_current: AllowMutationOnSavedContext | None = None


class _Kept:
    """A tensor that a node needs: the tensor itself until it is changed, then a copy from before that."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Tensor | None = saved.wrapped(tensor._data)


class AllowMutationOnSavedContext:
    """What the nodes made in one block of `allow_mutation_on_saved_tensors` have saved."""

    def __init__(self) -> None:
        self.kept: dict[int, list[weakref.ref[_Kept]]] = {}

    def pack(self, tensor: Tensor) -> _Kept:
        """Note that a node needs `tensor`."""
        kept = _Kept(tensor)
        self.kept.setdefault(id(inplace.storage(tensor._data)), []).append(weakref.ref(kept))
        return kept

    def unpack(self, kept: _Kept) -> Tensor:
        """The numbers as they were when they were saved."""
        if _current is not self or kept.tensor is None:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the graph was "
                "originally recorded."
            )
        return kept.tensor

    def before_change(self, tensor: Tensor) -> None:
        """Copy what shares memory with `tensor`, which is about to be changed."""
        for reference in self.kept.pop(id(inplace.storage(tensor._data)), ()):
            kept = reference()
            if kept is not None and kept.tensor is not None:
                kept.tensor = saved.wrapped(kept.tensor._data.copy())

    def clear(self) -> None:
        """Let go of everything."""
        for references in self.kept.values():
            for reference in references:
                kept = reference()
                if kept is not None:
                    kept.tensor = None
        self.kept.clear()


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[AllowMutationOnSavedContext]:
    """Inside, tensors that backward needs may be changed in place: they are copied first. Backward must run inside too.

    Raises: RuntimeError when nested.
    Example:
        >>> import nbautograd as torch
        >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
        ...     a = torch.ones(2, requires_grad=True)
        ...     b = a.clone()
        ...     out = (b**2).sum()
        ...     _ = b.sin_()
        ...     out.backward()
        >>> a.grad
        tensor([2., 2.])
    """
    global _current
    if _current is not None:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context: Any = AllowMutationOnSavedContext()
    try:
        _current, inplace.before_change = context, context.before_change
        with saved.pushed(context.pack, context.unpack):
            yield context
    finally:
        _current = inplace.before_change = None
        context.clear()
