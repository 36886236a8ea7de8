"""Changes in place: versions, and how an op changes its operand.

NOTE [Versions]
torch counts the changes of every storage and compares at backward. Here an op pays nothing for that: the *change*
takes a number from the clock that also numbers the nodes, and leaves it in `_changes` under the storage that was
changed. A walk looks there only if something at all was changed after a node was made. A scalar (NOTE [Scalars])
cannot be changed; the tensor gets a new one, and the old one is remembered for a while as changed, so that torch's
error still comes.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from . import changeable, errors, history, inference, inplace_short
from .array import is_cupy, ndarray, storage
from .modes import is_grad_enabled, local, state
from .node import FITS, ORDER, SAVED, op_of, tick
from .tensor import Tensor

KEEP = 4096
"""So many scalars are remembered that were changed."""
MOMENTS = 64
"""So many changes of an array are remembered at least."""


class Changes:
    """When a storage was changed: the last moments on the clock, counted upwards."""

    __slots__ = ("count", "detached", "moments", "reference")

    def __init__(self, reference: Any) -> None:
        self.reference = reference
        self.count = 0
        self.detached: dict[int, int] = {}
        """When which node was taken from a tensor by `detach_()`."""
        self.moments: list[int] = []  # a scalar has one: an empty deque is as large as eight of these

    def version_at(self, moment: int) -> int:
        return self.count - len(self.moments) + bisect_left(self.moments, moment)


_changes: dict[int, Changes] = {}
_old_scalars: OrderedDict[int, tuple[Any, Any]] = OrderedDict()
last_change = 0
"""The moment of the newest change; a node made later has nothing to check."""
before_change: Callable[[Tensor], None] | None = None
"""Who wants to know of each change beforehand; see `nbautograd.autograd.mutation`."""


def version(tensor: Tensor) -> int:
    """How often the memory of `tensor` was changed in place."""
    if isinstance(tensor._data, np.generic):
        return tensor._scalar_changes
    found = _changes.get(id(storage(tensor._data)))
    return found.count if found else 0


def touched(tensor: Tensor, data: Any = None) -> None:
    """Note that the values of `tensor` were changed: raises its version and tells the observer."""
    global last_change
    if not tensor._untracked:
        owner = storage(tensor._data if data is None else data)
        if isinstance(owner, np.generic):
            tensor._scalar_changes += 1
        else:
            found = _record_of(owner)
            last_change = -tick()
            moments = found.moments
            moments.append(last_change)
            if len(moments) > 2 * MOMENTS:
                del moments[:MOMENTS]
            found.count += 1
            if found.detached:
                history.cut_views(tensor if tensor._base is None else tensor._base)
    observer = state.observer
    if observer is not None:
        observer.mutated(tensor)


def _record_of(owner: Any) -> Changes:
    """The record of the changes of the storage `owner`, made at the first one."""
    key = id(owner)
    found = _changes.get(key)
    if found is None:
        found = _changes[key] = Changes(weakref.ref(owner, lambda _: _changes.pop(key, None)))
    return found


def changed_since(tensor: Tensor, moment: int) -> bool:
    """Whether the memory of `tensor` was changed after `moment`."""
    found = changes_of(tensor._data)
    return found is not None and bool(found.moments) and found.moments[-1] > moment


def detaching(tensor: Tensor) -> None:
    """`tensor` is about to lose its node: backward will refuse nodes that saved it, as in torch."""
    global last_change
    data = tensor._data
    if isinstance(data, np.generic):
        changes = Changes(data)
        changes.count = tensor._scalar_changes
        _remember(data, changes)
    else:
        changes = _record_of(storage(data))
    last_change = changes.detached[id(tensor._node)] = -tick()


def array_of(tensor: Tensor) -> Any:
    """The array of `tensor`, one that can be written to: a 0-d scalar becomes a 0-d array first."""
    data = tensor._data
    if isinstance(data, np.generic):
        scalar, data = data, np.asarray(data)
        for t in sharers(tensor):
            t._data = data
        if tensor._scalar_changes:
            _record_of(data).count = tensor._scalar_changes
        before = changes_of(scalar)
        if before is not None and before.detached:
            _record_of(data).detached |= before.detached
        _remember(scalar, data)  # a node may have saved it
    return data


def _remember(scalar: Any, fate: Any) -> None:
    """Keep for a while what became of a scalar: a 0-d array, which has changes of its own, or something else."""
    _old_scalars[id(scalar)] = scalar, fate
    if len(_old_scalars) > KEEP:
        _old_scalars.popitem(last=False)


def sharers(tensor: Tensor) -> list[Tensor]:
    """`tensor` and the tensors that share its scalar with it (`detach`, `.data`)."""
    return [t for t in (r() for r in tensor._scalar_group) if t is not None] if tensor._scalar_group else [tensor]


def share(tensor: Tensor, other: Tensor) -> None:
    """Let `other` share the memory of `tensor`."""
    other._data = tensor._data
    if state.special:
        other._inference = tensor._inference
    if isinstance(tensor._data, np.generic):
        group = tensor._scalar_group
        if group is None:
            group = tensor._scalar_group = [weakref.ref(tensor)]
        group[:] = [r for r in group if r() is not None]
        group.append(weakref.ref(other))
        other._scalar_group = group
        other._scalar_changes = tensor._scalar_changes


def writable(tensor: Tensor) -> Any:
    """The array of `tensor` for whoever changes it by hand, and then says `touched(tensor)`.

    Raises: RuntimeError in torch's words for an inference tensor outside inference mode.
    """
    if state.special:
        _announce(tensor)
    return array_of(tensor)


def _announce(tensor: Tensor) -> None:
    """`tensor` is about to be changed."""
    inference.check_change(tensor)
    if before_change is not None:
        before_change(tensor)


def write(tensor: Tensor, value: Any) -> None:
    """Put the array `value` into the memory of `tensor`."""
    global last_change
    if state.special:
        _announce(tensor)
    data = tensor._data
    if isinstance(data, np.generic):
        fresh = data.dtype.type(value)
        members = sharers(tensor)
        for t in members:
            t._data = fresh
        if tensor._untracked:
            touched(tensor)
            return
        last_change = -tick()
        old = Changes(data)
        old.count = tensor._scalar_changes
        for t in members:
            t._scalar_changes = old.count + 1
        old.moments.append(last_change)
        old.count += 1
        _remember(data, old)
        if state.observer is not None:
            state.observer.mutated(tensor)
        return
    data[...] = value
    touched(tensor)


def changes_of(data: Any) -> Changes | None:
    """The record of the changes of the memory of `data`; None where there were none."""
    if isinstance(data, ndarray) or is_cupy(data):
        return _changes.get(id(storage(data)))
    scalar, fate = _old_scalars.get(id(data), (None, None))
    if scalar is not data:
        return None
    return _changes.get(id(fate)) if fate.__class__ is ndarray else fate


def apply(op: Any, target: Tensor, *others: Any, **settings: Any) -> Tensor:
    """Run `op` on `target` and put the result into it, values and history both: `target.mul_(y)`.

    Raises: RuntimeError in torch's words for leaves, for results that do not fit, and for dtypes that cannot be cast.
    """
    if inplace_short.change(op, target, others, settings):
        return target
    if state.special:
        inference.check_change(target)
    recording = is_grad_enabled()
    leaf = target._base if target._base is not None else target
    if recording and (target._node is not None or any(isinstance(x, Tensor) and x._node is not None for x in others)):
        changeable.check_view(target)
    if recording and changeable.is_held_by_leaf(target, leaf):
        raise errors.leaf_in_place(view=leaf is not target)
    if op.assigns:
        changeable.check_assigned(target._data, others[0]._data)
    elif op.elementwise if op.overlaps is None else not op.overlaps:
        changeable.check_overlap(target._data, others)
    result = _unpacked(op, target, others, settings) if state.special else op.call(target, *others, **settings)
    result = result[0] if isinstance(result, tuple) else result
    changeable.check_result(target, result)
    if state.observer is not None:
        state.observer.in_place(target, result)
    node = result._node
    data = target._data
    changes_operand = False
    if node is not None:
        if any(isinstance(x, Tensor) and x._data.dtype is not data.dtype for x in others):
            _fit_dtypes(node, (target, *others))
        changes_operand = _keep_old_value(node, data)
    write(target, result._data)
    if node is not None:
        node[SAVED] = tuple([target._data if s is result._data else s for s in node[SAVED]])
        if not changes_operand:
            before, node[ORDER] = node[ORDER], tick()  # what it saved is newer than this change
            if state.observer is not None:
                state.observer.renumbered(before, node[ORDER])
    if recording:
        history.set_history(target, node)
    elif leaf._node is not None and (leaf._views is not None or leaf._aliases is not None):
        history.renew_quietly(leaf)
    if node is not None and state.special:
        _pack(node, (target, *others))
    if local.levels:
        from . import forward

        forward.moved_in_place(target, result)
    return target


def _unpacked(op: Any, target: Tensor, others: tuple[Any, ...], settings: dict[str, Any]) -> Tensor:
    """`op` run without hooks for what it saves: they get it when it is what it will be, from `_pack`."""
    if local.levels:
        from . import forward

        target = forward.before_change(target)
    before, local.saved_hooks = local.saved_hooks, ()
    try:
        return op.call(target, *others, **settings)
    finally:
        local.saved_hooks = before


def _pack(node: Any, operands: tuple[Any, ...]) -> None:
    from . import saved

    if local.saved_hooks and op_of(node).frees:
        saved.pack(op_of(node), node, operands, operands[:1])


def _keep_old_value(node: Any, data: Any) -> bool:
    """Save a copy of the target's old value if its rule asks for it; whether another saved operand is changed too."""
    saved = list(node[SAVED])
    changes_operand = False
    for i, (kind, where, _) in enumerate(op_of(node).plan):
        value = saved[i]
        if kind != "input" or not hasattr(value, "dtype"):
            continue
        if where == 0:
            saved[i] = value.copy() if value is data and isinstance(data, ndarray) else value
        elif value is data or (isinstance(data, ndarray) and storage(value) is storage(data)):
            changes_operand = True
    node[SAVED] = tuple(saved)
    return changes_operand


def _fit_dtypes(node: Any, inputs: tuple[Any, ...]) -> None:
    """Let each contribution have its own input's dtype: the gradient arrives in the target's, not in the result's."""
    fits = node[FITS] or ((None, None),) * len(inputs)
    dtypes = [x._data.dtype if isinstance(x, Tensor) else cast for (_, cast), x in zip(fits, inputs, strict=True)]
    node[FITS] = tuple([(shape, dtype) for (shape, _), dtype in zip(fits, dtypes, strict=True)])
