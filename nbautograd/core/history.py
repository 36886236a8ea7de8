"""The history of what is changed in place: the nodes that carry it from a view to its base, and to other views.

NOTE [Views and history]
A view keeps its base and the path of view ops that leads to it. Changing it in place gives the base a new node,
CopySlices: the old history with the view's part cut out, plus the view's new history put there. Then every live view
gets its node anew, from the base's. Not so a view that a custom function returned (an alias), whose way from the base
only its own backward knows: after a change of the base it may not be used any more, as in torch.
"""

from __future__ import annotations

import weakref
from typing import Any

from . import changeable, inplace
from .array import library_of
from .node import OP, PARENTS, Hooked, Invalid, hooked, is_leaf_node, nobodys_leaf, tick
from .op import TABLE
from .tensor import Tensor


def set_history(target: Tensor, node: Any) -> None:
    """Make `node` the history of `target`, and through it that of its base and all views."""
    base = target._base
    if base is None:
        if node is not None or target._node is not None:
            _renew(target, node)
            _renew_views(target)
        return
    if node is not None and _is_hooked(target, base):
        node[PARENTS] = (_node_from(base, target), *node[PARENTS][1:])
    if node is not None or base._node is not None:
        _renew(base, _copy_slices(base, target, node))
        _renew_views(base)


def _is_hooked(view: Tensor, base: Tensor) -> bool:
    """Whether there are hooks between `view` and `base`: torch goes round them, for a changed part is the base's."""
    node = view._node
    while node is not None and node is not base._node and not is_leaf_node(node):
        if node[OP].__class__ is Hooked:
            return True
        node = node[PARENTS][0]
    return False


def _renew(tensor: Tensor, node: Any) -> None:
    """Make `node` the history of `tensor`; a gradient that it retains is that of its newest values."""
    old = tensor._node
    tensor._node = node
    if old is not None and node is not None and old[OP].__class__ is Hooked:
        retain = old[OP].retain
        if retain is not None and retain() is tensor:
            hooked(node).retain, old[OP].retain = retain, None


def remember_alias(base: Tensor, view: Tensor) -> None:
    """A custom function returned `view`, whose memory is that of `base`."""
    alive = [reference for reference in base._aliases or () if reference() is not None]
    base._aliases = [*alive, weakref.ref(view)]


def _refuse_aliases(base: Tensor) -> None:
    for reference in base._aliases or ():
        view = reference()
        if view is None or view._node is None or is_leaf_node(view._node):
            continue
        node = view._node
        if node[OP] is not Invalid:
            _renew(view, [tick(), Invalid, None, (node,), (changeable.stale(node),)])
            _renew_views(view)


def _renew_views(base: Tensor) -> None:
    _refuse_aliases(base)
    for reference in base._views or ():
        view = reference()
        if view is not None:
            _renew(view, _node_from(base, view))


def renew_quietly(base: Tensor) -> None:
    """After a change that was not recorded, views come from their base itself, no longer from other views."""
    _refuse_aliases(base)
    for reference in base._views or ():
        view = reference()
        if view is not None and _is_plain(view):
            _renew(view, _node_from(base, view))


def cut_views(base: Tensor) -> None:
    """After a change of what `detach_()` took from the graph: its views have no history any more, as in torch."""
    if base._node is not None:
        return
    for reference in base._views or ():
        view = reference()
        if view is not None and view._node is not None and _is_plain(view):
            _renew(view, _as_strided(base, view, nobodys_leaf()))


def _copy_slices(base: Tensor, view: Tensor, part: Any) -> Any:
    """The base's new node after `view` of it got the history `part`."""
    op = TABLE["view_scatter"].on(library_of(base._data))
    saved = {"part_shape": tuple(view._data.shape), "path": view._path}
    return [tick(), op, None, (base._node, part), tuple(saved[name] for name in op.saves)]


def _node_from(base: Tensor, view: Tensor) -> Any:
    """The node of `view`, made anew from its base's present history."""
    return None if base._node is None else _as_strided(base, view, base._node)


def _as_strided(base: Tensor, view: Tensor, parent: Any) -> Any:
    op = TABLE["as_strided"].on(library_of(base._data))
    saved = {"x_shape": tuple(base._data.shape), "path": view._path}
    return [tick(), op, None, (parent,), tuple(saved[name] for name in op.saves)]


def _is_plain(view: Tensor) -> bool:
    """Whether `view` is none of several, was not made under `no_grad`, and is no view of such."""
    return not any(quiet or nr is not None for _, _, nr, quiet, _ in view._path)


def late_node(base: Tensor, view: Tensor) -> Any:
    """The node of a view from before its base asked for a gradient; see NOTE [Quiet views] and NOTE [Paths]."""
    late = _is_plain(view) and inplace.changed_since(view, view._path[-1][-1])
    return _node_from(base, view) if late else nobodys_leaf()
