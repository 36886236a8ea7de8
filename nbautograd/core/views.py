"""Views: tensors that share memory with their base, and remember the way from there.

NOTE [Quiet views]
A view says that it requires a gradient when its base does, also where no path leads from one to the other: when it was
made under `no_grad`, or before the base was told to require one. In torch a gradient that reaches such a view is lost,
and so it is here: its node is a leaf's that belongs to nobody.

NOTE [Paths]
The path of a view has one step per view op: `(op, settings, number of the output or None, made under no_grad, the
newest change by then)`. torch refuses to change views that were made in certain ways, and views of those, and lets no
gradient through to a base that asks for one late unless the memory was changed since; the steps tell all that.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from . import errors, inplace
from .array import library_of, storage
from .dtype import INEXACT
from .modes import is_grad_enabled, local, state
from .node import is_leaf_node, nobodys_leaf
from .rules import names_of
from .tensor import Tensor


def wrap(op: Any, source: Tensor, settings: dict[str, Any], results: tuple[Any, ...], node: Any) -> tuple[Tensor, ...]:
    """Tensors for the results of the view op `op`; those that share memory with `source` remember it."""
    from .call import slot

    if op.outputs == 1:
        return (wrap_one(op, source, settings, results[0], None, node),)
    return tuple([wrap_one(op, source, settings, data, nr, slot(node, nr)) for nr, data in enumerate(results)])


def wrap_one(op: Any, source: Tensor, settings: dict[str, Any], data: Any, nr: int | None, node: Any) -> Tensor:
    """The tensor of one result of a view op."""
    t = object.__new__(Tensor)
    t._node = node
    if not shares(data, source._data):
        t._data = data[()] if data.ndim == 0 else data
        return t
    t._data = data
    base = source._base
    if base is None:
        base = source
    t._base = base
    if source._untracked:
        t._untracked = True
    step = (op, settings, nr, state.special and not is_grad_enabled(), inplace.last_change)
    t._path = (step,) if source._path is None else (*source._path, step)
    remember(base, t)
    if node is None and base._node is not None and data.dtype.kind in INEXACT:
        t._node = nobodys_leaf()
    return t


def shares(data: Any, source: Any) -> bool:
    """Whether `data` is the memory of `source`, or a part of it."""
    if isinstance(data, np.generic):
        return False
    owner = data.base
    return data is source or (owner is not None and (owner is source or storage(data) is storage(source)))


def remember(base: Tensor, view: Tensor) -> None:
    """Keep a weak reference to `view`, dropping the dead ones now and then."""
    views = base._views
    if views is None:
        views = base._views = []
    if len(views) & (len(views) - 1) == 0:  # at powers of two, so that cleaning costs nothing on average
        views[:] = [r for r in views if r() is not None]
    views.append(weakref.ref(view))


def follow(path: Any, x: Any) -> Any:
    """Apply the view ops of `path` to an array, or, differentiably, to a tensor."""
    for op, settings, nr, _, _ in path:
        x = op.call(x, **settings) if isinstance(x, Tensor) else op.on(library_of(x)).forward(x, **settings)
        if nr is not None:
            x = x[nr]
    return x


def pull_back(path: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a base of the given shape, from the gradient `g` of what `path` leads to: `follow` transposed."""
    shapes, x = [], np.empty(shape)
    for step in path:
        shapes.append(x.shape)
        x = follow((step,), x)
    for (op, settings, nr, _, _), x_shape in zip(reversed(path), reversed(shapes), strict=True):
        rule = (op.differentiable() if isinstance(g, Tensor) else op.on(library_of(g)).rules)[0]
        known = {"x_shape": x_shape, **(op.forward.__kwdefaults__ or {}), **settings}
        g = rule(g if nr is None else {nr: g}, *[known[name] for name in names_of(rule)[1:]])
    return g


def become(tensor: Tensor, change: Any) -> Tensor:
    """Let `tensor` itself show its memory in the way that `change` makes a view of it: `x.t_()`.

    Raises: RuntimeError for a leaf that requires a gradient.
    """
    root = tensor if tensor._base is None else tensor._base
    if is_grad_enabled() and root._node is not None and is_leaf_node(root._node):
        raise errors.leaf_in_place(view=root is not tensor)
    before = object.__new__(Tensor)
    before._data, before._node = inplace.array_of(tensor), tensor._node
    before._base, before._path = tensor._base, tensor._path
    others = [v for v in (r() for r in tensor._views or ()) if v is not None]
    for view in others:  # they, and from now on the tensor too, are views of what it was
        view._base = before
        remember(before, view)
    for level in local.levels:
        _hand_on(level, tensor, before)
    after = change(before)
    for level in local.levels:
        _hand_on(level, after, tensor)
    tensor._data, tensor._node, tensor._views = after._data, after._node, None
    if others or tensor._base is not None:
        base = before if before._base is None else before._base
        tensor._base, tensor._path = base, after._path
        remember(base, tensor)
    inplace.touched(tensor)
    return tensor


def _hand_on(level: Any, source: Tensor, target: Tensor) -> None:
    """Give `target` the tangent that `source` has at `level`."""
    tangent = level.get(source)
    if tangent is not None:
        level.set(target, tangent)
