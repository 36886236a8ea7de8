"""Changes in place in short: of plain NumPy tensors that nobody records or watches.

NOTE [Block by block]
A large array is changed in pieces that stay in the processor's cache: what the op computes never lies in memory as a
whole, and is put in its place while it is near.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import changeable, history, inplace
from .array import ndarray, storage
from .modes import local, state
from .tensor import Tensor

BLOCK = 1 << 16
"""So many elements are changed at a time."""
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
NUMBERS = (np.generic, int, float)
WORDS = {int, float, bool, str, type(None)}
"""What settings that belong to no single element are."""
TAKEN = {"f": (float, int), "i": (int,), "u": (int,), "b": (bool,)}
"""The Python numbers that elements of each kind can be set to without a cast."""


def change(op: Any, target: Tensor, others: tuple[Any, ...], settings: dict[str, Any]) -> bool:
    """Put the result of an elementwise `op` into `target`, if all is plain; whether it was."""
    data = target._data
    if data.dtype not in FLOATS or not _unrecorded(target) or not op.elementwise or op.assigns:
        return False
    datas = _plain(op, data, others)
    if datas is None:
        return False
    if data.__class__ is not ndarray:
        try:
            out = op.forward(*datas, **settings)
        except Exception:
            return False
        if out.dtype is not data.dtype or out.shape:
            return False
        inplace.write(target, out)
    else:
        if not op.overlaps:
            changeable.check_overlap(data, others)
        if not _through(op.into or _computed(op), target, _blocks(datas, settings), settings):
            return False
    _renew(target)
    return True


def assign(target: Tensor, items: tuple[Any, ...], value: Any) -> bool:
    """`target[items] = value` for a part that is a view, or chosen by one mask, if all is plain; whether it was."""
    data = target._data
    if data.__class__ is not ndarray or not _unrecorded(target) or 0 in data.strides:
        return False
    chosen = any(i.__class__ is ndarray for i in items)
    if chosen and (len(items) != 1 or items[0].dtype != bool or items[0].shape != data.shape):
        return False
    if isinstance(value, Tensor):
        if value._node is not None and local.grad_enabled:
            return False
        value = value._data
        if value.__class__ is not ndarray or value.dtype is not data.dtype or chosen:
            return False
    elif value.__class__ not in TAKEN.get(data.dtype.kind, ()):
        return False
    try:
        if value.__class__ is ndarray and not _fits(value, data, items):
            return False
        data[items] = value
    except (IndexError, OverflowError, ValueError):  # which the general path puts into torch's words
        return False
    inplace.touched(target)
    _renew(target)
    return True


def _fits(value: Any, data: Any, items: tuple[Any, ...]) -> bool:
    """Whether `value` has the shape of that part of `data`, and lies elsewhere or, as in `x[0] += 1`, just there."""
    part = data[items if Ellipsis in items else (*items, ...)]
    if value.shape != part.shape:
        return False
    return storage(value) is not storage(data) or changeable.same_memory(value, part)


def _unrecorded(target: Tensor) -> bool:
    """Whether `target` can be changed without a word to anybody."""
    recording = local.grad_enabled
    if state.special != (not recording):
        return False
    return not recording or (target._node is None and (target._base is None or target._base._node is None))


def _renew(target: Tensor) -> None:
    """Give views the history that they have after a change that was not recorded."""
    base = target if target._base is None else target._base
    if base._node is not None and (base._views is not None or base._aliases is not None):
        history.renew_quietly(base)


def _plain(op: Any, data: Any, others: tuple[Any, ...]) -> list[Any] | None:
    """The arrays and numbers that `op` is to run on; None for what only the general path knows how to take."""
    datas, recording = [data], local.grad_enabled
    for x in others:
        if isinstance(x, Tensor):
            if recording and x._node is not None:
                return None
            x = x._data
            if x.dtype is not data.dtype and op.promote != "none":
                return None
        elif x.__class__ is not float and x.__class__ is not int:
            return None
        datas.append(x)
    for d in datas:
        if d.__class__ is not ndarray and not isinstance(d, NUMBERS):
            return None
    refused = op.check is not None and len(others) > 1 and op.check(*datas) is not None
    return None if refused or op.aux else datas


def _through(into: Any, target: Tensor, blocks: list[list[Any]], settings: dict[str, Any]) -> bool:
    """Change the array of `target` block by block; whether the first block let itself be changed."""
    try:
        into(*blocks[0], out=blocks[0][0], **settings)
    except Exception:
        return False
    inplace.touched(target)
    for block in blocks[1:]:
        into(*block, out=block[0], **settings)
    return True


def _computed(op: Any) -> Any:
    """What puts the result of `op` into an array."""

    def into(*inputs: Any, out: Any, **settings: Any) -> None:
        found = op.forward(*inputs, **settings)
        if found.dtype is not out.dtype or found.shape != out.shape:
            raise TypeError("only the general path knows what to do")
        out[...] = found

    return into


def _blocks(datas: list[Any], settings: dict[str, Any]) -> list[list[Any]]:
    """The parts of large arrays with the numbers that go with each; all in one where the arrays differ."""
    data = datas[0]
    if data.size <= BLOCK or not WORDS.issuperset(map(type, settings.values())):
        return [datas]
    if any(d.__class__ is ndarray and not (d.shape == data.shape and d.flags.c_contiguous) for d in datas):
        return [datas]
    flat = [d.reshape(-1) if d.__class__ is ndarray else d for d in datas]
    return [[d[i : i + BLOCK] if d.__class__ is ndarray else d for d in flat] for i in range(0, data.size, BLOCK)]
