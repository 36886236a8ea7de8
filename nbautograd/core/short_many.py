"""The op call in short for ops of several inputs, with settings or without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import views
from .array import compact, ndarray
from .call import dispatch, fits_of, new, record, wrap
from .dtype import UNUSUAL
from .modes import state
from .node import tick
from .tensor import Tensor

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def rules_of(op: Any) -> tuple[Any, ...]:
    """The rules by which the calls of `op` are recorded: its own, none in the world of `no_grad`; see `watched`."""
    return op.rules


def several(op: Any) -> Callable[..., Tensor]:
    """The call of an op with three and more tensors; the short path serves arrays of one dtype."""
    forward, rules, count = op.forward, rules_of(op), len(op.inputs)
    getters = [(_pick(kind, where), users) for kind, where, users in op.plan]
    shaped = op.broadcasts or op.elementwise

    def call(*inputs: Any) -> Tensor:
        if state.special or len(inputs) != count:
            return dispatch(op, inputs, {})
        datas: list[Any] = [x._data if isinstance(x, Tensor) else None for x in inputs]
        dtype = getattr(datas[0], "dtype", None)
        for d in datas:
            if d.__class__ is not ndarray or d.dtype is not dtype:
                return dispatch(op, inputs, {})
        try:
            out = forward(*datas)
        except Exception:
            return dispatch(op, inputs, {})
        if out.__class__ is not ndarray or out.dtype is not dtype or (dtype is not FLOAT32 and dtype in UNUSUAL):
            return dispatch(op, inputs, {})
        parents = tuple([x._node if rule is not None else None for x, rule in zip(inputs, rules, strict=True)])
        if parents.count(None) == count:
            return wrap(out)
        wanted = {i for i, p in enumerate(parents) if p is not None}
        saved = tuple([None if wanted.isdisjoint(users) else get(datas, out) for get, users in getters])
        return wrap(out, [tick(), op, fits_of(op, datas, [], (out,)) if shaped else None, parents, saved])

    return call


def mixed(op: Any) -> Callable[..., Any]:
    """The call of an op with several inputs, some of them maybe None, and settings: normalisations, losses, positions.

    The short path serves arrays, and those of one dtype where they would be promoted.
    """
    forward, rules, count, with_aux = op.forward, rules_of(op), len(op.inputs), bool(op.aux)
    promotes, shaped = op.promote != "none", op.broadcasts or op.elementwise
    picks = [(_found(op, kind, where), users) for kind, where, users in op.plan]

    def call(*inputs: Any, **settings: Any) -> Any:
        if state.special or len(inputs) != count:
            return dispatch(op, inputs, settings)
        datas: list[Any] = [x._data if isinstance(x, Tensor) else x for x in inputs]
        dtype = getattr(datas[0], "dtype", None)
        for d in datas:
            if d is None:
                continue
            if d.__class__ is not ndarray or d.dtype.kind in "cV" or (promotes and d.dtype is not dtype):
                return dispatch(op, inputs, settings)
        if promotes and dtype is not FLOAT32 and dtype is not FLOAT64:
            return dispatch(op, inputs, settings)
        for value in settings.values():
            if isinstance(value, Tensor):
                return dispatch(op, inputs, settings)
        try:
            out = forward(*datas, **settings)
        except Exception:
            return dispatch(op, inputs, settings)
        aux: Any = ()
        if with_aux:
            out, *aux = out
        if out.dtype.kind == "c":
            return dispatch(op, inputs, settings)
        if out.__class__ is ndarray and out.ndim == 0:
            out = out[()]
        node = None
        parents = tuple([x._node if x is not None and rule else None for x, rule in zip(inputs, rules, strict=True)])
        if parents.count(None) < count:
            wanted = {i for i, p in enumerate(parents) if p is not None}
            saved = [None if wanted.isdisjoint(users) else get(datas, out, settings, aux) for get, users in picks]
            node = [tick(), op, fits_of(op, datas, [], (out,)) if shaped else None, parents, tuple(saved)]
        t = new(Tensor)
        t._data = out
        t._node = node
        return (t, *[wrap(compact(a)) if hasattr(a, "dtype") else a for a in aux]) if with_aux else t

    return call


def joined(op: Any) -> Callable[..., Any]:
    """The call of an op with any number of tensors; the short path serves those of one dtype."""
    forward, records = op.forward, rules_of(op)[0] is not None

    def call(*inputs: Any, **settings: Any) -> Any:
        if state.special:
            return dispatch(op, inputs, settings)
        datas: list[Any] = [x._data if isinstance(x, Tensor) else None for x in inputs]
        dtype = getattr(datas[0], "dtype", None)
        for d in datas:
            if (d.__class__ is not ndarray and not isinstance(d, np.generic)) or d.dtype is not dtype:
                return dispatch(op, inputs, settings)
        if dtype is not FLOAT32 and dtype in UNUSUAL:
            return dispatch(op, inputs, settings)
        try:
            out = compact(forward(*datas, **settings))
        except Exception:
            return dispatch(op, inputs, settings)
        return wrap(out, record(op, inputs, datas, [], settings, (out,), ()) if records else None)

    return call


def parted(op: Any) -> Callable[..., Any]:
    """The call of an op that gives several views of a tensor."""
    forward, records = op.forward, rules_of(op)[0] is not None

    def call(x: Any, **settings: Any) -> Any:
        if state.special or not isinstance(x, Tensor) or x._data.__class__ is not ndarray:
            return dispatch(op, (x,), settings)
        try:
            outs = forward(x._data, **settings)
        except Exception:
            return dispatch(op, (x,), settings)
        node = record(op, (x,), [x._data], [], settings, outs, ()) if records else None
        return views.wrap(op, x, settings, outs, node)

    return call


def _found(op: Any, kind: str, where: Any) -> Callable[[Any, Any, Any, Any], Any]:
    """How an op with several inputs and settings finds one of the values it saves."""
    if kind == "input":
        return lambda datas, out, settings, aux: datas[where]
    if kind == "fact":
        index, fact = where
        return lambda datas, out, settings, aux: fact(datas[index])
    return getter(op, kind, where)


def _pick(kind: str, where: Any) -> Callable[[list[Any], Any], Any]:
    """How an op with several inputs and no settings finds one of the values it saves."""
    if kind == "out":
        return lambda datas, out: out
    if kind == "input":
        return lambda datas, out: datas[where]
    index, fact = where
    return lambda datas, out: fact(datas[index])


def getter(op: Any, kind: str, where: Any) -> Callable[[Any, Any, Any, Any], Any]:
    """How an op with one input finds one of the values it saves."""
    if kind == "input":
        return lambda xd, out, settings, aux: xd
    if kind == "out":
        return lambda xd, out, settings, aux: out
    if kind == "fact":
        fact = where[1]
        return (lambda xd, *_: xd.shape) if fact is np.shape else lambda xd, *_: fact(xd)
    if kind == "aux":
        return lambda xd, out, settings, aux: aux[where]
    default = (op.forward.__kwdefaults__ or {}).get(where)
    return lambda xd, out, settings, aux: settings.get(where, default)
