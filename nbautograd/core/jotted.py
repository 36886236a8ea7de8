"""The op call on scalars while an observer wants no numbers: run forward, record a node, write a row.

NOTE [Rows] says what for. Here is written out what `core.short` does with scalars, and twice how a row is written,
because a call would take as long as that; whatever these paths do not recognise goes to `op.watched`, and its result to
the observer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .call import new
from .modes import state
from .node import ORDER, tick
from .pad import MANY
from .tensor import Tensor

float32, getframe = np.float32, sys._getframe
OURS = 2
"""The frames from a path to whoever runs the op."""


def jotted(op: Any, slow: Callable[..., Any], saved_of: Callable[..., tuple[Any, ...]] | None, product: bool) -> Any:
    """Where the short path of one or two inputs leads when something is unusual; see `core.watched`.

    `saved_of` picks what a node saves, if that is anything; `product` says that it is the other input of each.
    """
    if len(op.inputs) == 1:
        return _one(op, slow, saved_of)
    return _two(op, slow, saved_of, product)


def _told(op: Any, slow: Callable[..., Any]) -> Callable[..., Any]:
    """The call of what writes no row by itself."""

    def call(*inputs: Any) -> Any:
        pad = state.pad
        found = None if pad is None or state.special != 1 or op.watched is None else op.watched(*inputs)
        if pad is None or found is None:
            return slow(op, inputs, {})
        pad.jot(op, inputs, NONE, found)
        return found

    return call


def _one(op: Any, slow: Callable[..., Any], saved_of: Callable[..., tuple[Any, ...]] | None) -> Callable[[Any], Any]:
    forward, rest = op.forward, _told(op, slow)
    saves_result = op.saves == ("out",)
    if not op.elementwise or op.rules[0] is None:
        return rest

    def call(x: Any) -> Any:
        pad = state.pad
        if pad is None or state.special != 1 or not isinstance(x, Tensor):
            return rest(x)
        xd, parent = x._data, x._node
        if xd.__class__ is not float32 or parent is None:
            return rest(x)
        try:
            out = forward(xd)
        except Exception:
            return rest(x)
        if out.__class__ is not float32:
            return rest(x)
        t, order = new(Tensor), tick()
        t._data = out
        saved = (out,) if saves_result else () if saved_of is None else saved_of(xd, out)
        t._node = [order, op, None, (parent,), saved]
        frame, level, age = getframe(OURS), pad.places.level, parent[ORDER]
        if age < 0:
            parent = age
        if level is not None and level.frame is frame:
            at = frame.f_lasti
            stop = level.stop.ahead.get(at)
            if stop is not None:
                level.stop, level.callee = stop, None
            else:
                level.turn(at, order)
                if len(pad.rows) > MANY:
                    pad.settle()
            pad.rows += (op, order, parent, None, level.code, at, level.around, pad.scopes[-1] if pad.scopes else None)
        else:
            pad.put(op, order, parent, None, frame)
        return t

    return call


def _two(
    op: Any, slow: Callable[..., Any], saved_of: Callable[..., tuple[Any, ...]] | None, product: bool
) -> Callable[[Any, Any], Any]:
    forward, rest = op.forward, _told(op, slow)
    dx, dy = op.rules
    if not op.elementwise or dx is None:
        return rest

    def call(x: Any, y: Any) -> Any:
        pad = state.pad
        if pad is None or state.special != 1 or not isinstance(x, Tensor):
            return rest(x, y)
        xd, yd, first, second = x._data, y, x._node, None
        if isinstance(y, Tensor):
            yd, second = y._data, y._node
            if yd.__class__ is not float32 or second is None or dy is None:
                return rest(x, y)
        elif y.__class__ is not float and y.__class__ is not int:
            return rest(x, y)
        if xd.__class__ is not float32 or first is None:
            return rest(x, y)
        try:
            out = forward(xd, yd)
        except Exception:
            return rest(x, y)
        if out.__class__ is not float32:
            return rest(x, y)
        t, order = new(Tensor), tick()
        t._data = out
        if product:
            saved = (yd, None if second is None else xd)
        else:
            saved = () if saved_of is None else saved_of(first, second, xd, yd, out)
        t._node = [order, op, None, (first, second), saved]
        frame, level, age = getframe(OURS), pad.places.level, first[ORDER]
        if age < 0:
            first = age
        if second is None:
            second = (y,)
        elif second[ORDER] < 0:
            second = second[ORDER]
        if level is not None and level.frame is frame:
            at = frame.f_lasti
            stop = level.stop.ahead.get(at)
            if stop is not None:
                level.stop, level.callee = stop, None
            else:
                level.turn(at, order)
                if len(pad.rows) > MANY:
                    pad.settle()
            pad.rows += (op, order, first, second, level.code, at, level.around, pad.scopes[-1] if pad.scopes else None)
        else:
            pad.put(op, order, first, second, frame)
        return t

    return call


NONE: dict[str, Any] = {}
"""The settings of an op without settings."""
