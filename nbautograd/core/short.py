"""The op call in short: run forward, record a node. Written out for one and for two inputs.

These paths serve plain NumPy tensors while nothing unusual is going on (NOTE [One flag]); whatever they do not
recognise they hand to `dispatch`, which handles everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtype as dtypes
from . import views
from .array import compact, is_cupy, ndarray
from .call import dispatch, new, wrap
from .dtype import UNUSUAL
from .inplace import array_of
from .jotted import jotted
from .modes import state
from .node import tick
from .short_many import getter, joined, mixed, parted, rules_of, several
from .steps import set_step, step_many, step_one, step_two
from .tensor import Tensor

FLOAT32 = np.dtype(np.float32)
float32, unusual = np.float32, dtypes.UNUSUAL_SCALARS


def install(op: Any) -> None:
    """Give the table entry its `call` (forward) and `step` (backward)."""
    make, build = forms(op)
    op.call = make(op)
    set_step(op, build)


def forms(op: Any) -> tuple[Any, Any]:
    """What makes the call of `op`, and what its step."""
    if len(op.inputs) == 1 and op.outputs == 1 and not op.variadic and (op.settings or op.aux or op.view):
        return _single, step_one if op.rules[0] else None
    if op.settings or op.aux or op.variadic or op.view or op.outputs != 1 or op.promote == "none":
        if op.outputs != 1:
            return parted if op.view and not op.aux else general, None
        short = joined if op.variadic and not op.aux else mixed
        return general if op.view or op.check or op.boolean else short, step_many
    if len(op.inputs) == 1 and not op.boolean and not any(kind == "fact" for kind, _, _ in op.plan):
        return _unary, step_one if op.rules[0] else None
    if len(op.inputs) == 2 and not any(kind == "fact" for kind, _, _ in op.plan):
        return _binary, step_two
    short = len(op.inputs) > 2 and not op.boolean and op.check is None
    return several if short else general, step_many


def _unary(op: Any) -> Callable[[Any], Tensor]:
    forward, saves, differentiable = op.forward, op.saves, rules_of(op)[0] is not None
    saves_input, saves_result = saves == ("x",), saves == ("out",)

    def saved_of(xd: Any, out: Any) -> tuple[Any, ...]:
        return tuple([xd if name == "x" else out for name in saves])

    slow = jotted(op, dispatch, saved_of if saves else None, False)

    def call(x: Any) -> Tensor:
        if state.special or not isinstance(x, Tensor):
            return slow(x)
        xd = x._data
        kind = xd.__class__
        if kind is not ndarray and kind is not float32 and kind in unusual:
            return slow(x)
        try:
            out = forward(xd)
        except Exception:
            return slow(x)
        if kind is not out.__class__:
            return slow(x)
        if kind is ndarray:
            dtype = out.dtype
            if dtype is not xd.dtype or (dtype is not FLOAT32 and dtype in UNUSUAL):
                return slow(x)
        t = new(Tensor)
        t._data = out
        parent = x._node
        if parent is None or not differentiable:
            t._node = None
        else:
            saved = (out,) if saves_result else (xd,) if saves_input else saved_of(xd, out)
            t._node = [tick(), op, None, (parent,), saved]
        return t

    return call


def _binary(op: Any, otherwise: Callable[..., Any] = dispatch) -> Callable[[Any, Any], Tensor]:
    forward = op.forward
    plan = [(kind, users) for kind, _, users in op.plan]
    dx, dy = rules_of(op)
    broadcasts, elementwise = op.broadcasts, op.elementwise
    same_dtype = not op.boolean
    wheres = [where for _, where, _ in op.plan]
    product = plan == [("input", (0,)), ("input", (1,))] and wheres == [1, 0]
    saved_of, saves = _saver(plan, wheres), bool(plan)
    slow = jotted(op, otherwise, saved_of if saves else None, product)

    def beside(x: Any, y: Any) -> Tensor:
        """An array and a number of float32, as in x · w + b where w and b are 0-d."""
        xd, yd = x._data, y._data
        array, number = (xd, yd) if xd.__class__ is ndarray else (yd, xd)
        if not elementwise or number.__class__ is not float32 or array.__class__ is not ndarray:
            return slow(x, y)
        try:
            out = forward(xd, yd)
        except Exception:
            return slow(x, y)
        if array.dtype is not FLOAT32 or (same_dtype and out.dtype is not FLOAT32):
            return slow(x, y)
        px, py = x._node if dx is not None else None, y._node if dy is not None else None
        t = new(Tensor)
        t._data, t._node = out, None
        if px is not None or py is not None:
            saved = saved_of(px, py, xd, yd, out) if saves else ()
            t._node = [tick(), op, ((xd.shape, None), (yd.shape, None)), (px, py), saved]
        return t

    def call(x: Any, y: Any) -> Tensor:
        if state.special or not isinstance(x, Tensor):
            return slow(x, y)
        xd = x._data
        kind = xd.__class__
        if kind is not ndarray and kind is not float32 and kind in unusual:
            return slow(x, y)
        if isinstance(y, Tensor):
            yd = y._data
            py = y._node if dy is not None else None
            if kind is not yd.__class__:
                return beside(x, y)
        elif y.__class__ is float or y.__class__ is int:
            yd = y
            py = None
        else:
            return slow(x, y)
        try:
            out = forward(xd, yd)
        except Exception:
            return slow(x, y)
        fits = None
        if kind is ndarray:
            dtype = xd.dtype
            if (same_dtype and out.dtype is not dtype) or (dtype is not FLOAT32 and dtype in UNUSUAL):
                return slow(x, y)
            if yd.__class__ is ndarray:
                if yd.dtype is not dtype:
                    return slow(x, y)
                if broadcasts or (elementwise and xd.shape != yd.shape):
                    fits = ((xd.shape, None), (yd.shape, None))
        elif same_dtype and out.__class__ is not kind:
            return slow(x, y)
        px = x._node if dx is not None else None
        t = new(Tensor)
        t._data = out
        if px is None and py is None:
            t._node = None
        else:
            if product:
                saved = (yd if px is not None else None, xd if py is not None else None)
            else:
                saved = saved_of(px, py, xd, yd, out) if saves else ()
            t._node = [tick(), op, fits, (px, py), saved]
        return t

    return call


def _saver(plan: list[tuple[str, tuple[int, ...]]], wheres: list[Any]) -> Callable[..., tuple[Any, ...]]:
    """How a binary op picks what to save: a value only if a rule that will run has asked for it."""
    picks = [
        ((0 in users), (1 in users), 2 if kind == "out" else where)
        for (kind, users), where in zip(plan, wheres, strict=True)
    ]

    def saved_of(px: Any, py: Any, xd: Any, yd: Any, out: Any) -> tuple[Any, ...]:
        values = (xd, yd, out)
        return tuple(
            [values[i] if (by_x and px is not None) or (by_y and py is not None) else None for by_x, by_y, i in picks]
        )

    return saved_of


def operator(op: Any) -> Callable[[Any, Any], Any]:
    """The call of a binary `op` as the method of a Python operator: what is no number is left to the other operand."""
    return _binary(op, _operands)


_OPERANDS = (Tensor, ndarray, int, float, complex, np.generic)


def _operands(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    x, y = inputs
    if isinstance(x, Tensor) and (isinstance(y, Tensor) or y.__class__ is float):
        return dispatch(op, inputs, settings)
    for x in inputs:
        if not isinstance(x, _OPERANDS) and not is_cupy(x):
            return NotImplemented
    return dispatch(op, tuple([wrap(x) if isinstance(x, ndarray) or is_cupy(x) else x for x in inputs]), settings)


def _single(op: Any) -> Callable[..., Any]:
    """The call of an op with one tensor and settings: reductions, views, indexing."""
    forward, differentiable, is_view, with_aux = op.forward, rules_of(op)[0] is not None, op.view, bool(op.aux)
    getters = [getter(op, kind, where) for kind, where, _ in op.plan]
    floats_only, broadcasts = op.promote == "float", op.broadcasts

    def call(x: Any, **settings: Any) -> Any:
        if state.special or not isinstance(x, Tensor):
            return dispatch(op, (x,), settings)
        xd = x._data
        if xd.__class__ is not ndarray:
            if not isinstance(xd, np.generic):
                return dispatch(op, (x,), settings)
            if is_view:
                xd = array_of(x)
        if xd.dtype is not FLOAT32:
            kind = xd.dtype.kind
            if kind != "f" and (floats_only or kind in "cV"):
                return dispatch(op, (x,), settings)
        for value in settings.values():
            if isinstance(value, Tensor):
                return dispatch(op, (x,), settings)
        try:
            out = forward(xd, **settings)
        except Exception:
            return dispatch(op, (x,), settings)
        aux: Any = ()
        if with_aux:
            out, *aux = out
        if not is_view and out.__class__ is ndarray and out.ndim == 0:
            out = out[()]  # before it is saved: what is saved and what the user has must be one object
        node = None
        parent = x._node
        if parent is not None and differentiable:
            saved = tuple([get(xd, out, settings, aux) for get in getters])
            node = [tick(), op, ((xd.shape, None),) if broadcasts else None, (parent,), saved]
        if is_view:
            return views.wrap_one(op, x, settings, out, None, node)
        t = new(Tensor)
        t._data = out
        t._node = node
        return (t, *[wrap(compact(a)) if hasattr(a, "dtype") else a for a in aux]) if with_aux else t

    return call


def general(op: Any) -> Callable[..., Any]:
    def call(*inputs: Any, **settings: Any) -> Any:
        return dispatch(op, inputs, settings)

    return call
