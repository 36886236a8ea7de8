"""The op call in general: run forward on anything that an op accepts, record a node, tell the observer.

The short paths of `core.short` hand over to `dispatch` whatever they do not recognise: mixed dtypes, a GPU, a list,
`no_grad`, an observer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import array as arrays
from . import dtype as dtypes
from . import errors, views
from .array import compact, is_cupy, ndarray
from .dtype import INEXACT
from .inference import mark_new
from .inplace import array_of
from .modes import is_recording, local, state
from .node import OutputSlot, tick
from .saved import finish
from .tensor import Tensor

new = object.__new__


def dispatch(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Run `op` on anything it accepts, record it if this thread records, and tell the observer."""
    if state.special == 1 + (local.inference is not None) and not local.grad_enabled and op.quiet is not None:
        found = op.quiet(*inputs, **settings)
        if found is not None:
            return found if local.inference is None else _marked(op, inputs, found)
    elif state.special == 1 and state.attached is not None and not state.paused and op.watched is not None:
        found = op.watched(*inputs, **settings)  # NOTE [Watched ops]
        if found is not None:
            if (pad := state.pad) is not None:
                pad.jot(op, inputs, settings, found)
            elif (observer := state.observer) is not None:
                observer.op(op, inputs, settings, (found,), False)
            return found
    if state.special and local.cast is not None:
        inputs = local.cast(op.name, inputs)
    if settings:  # tensors among the settings are never differentiated
        settings = {name: v._data if isinstance(v, Tensor) else v for name, v in settings.items()}
    datas, casts = _prepare(op, inputs, settings)
    for d in datas:
        if is_cupy(d):
            library = arrays.cupy()
            if d.data.device_id != library.cuda.runtime.getDevice():
                with arrays.beside(d):
                    return dispatch(op, inputs, settings)
            op = op.on(library)
            break
    if dtypes.brain is not None and not op.view and _in_bfloat16(inputs, datas):
        op = op.rounding()
    try:
        result = op.forward(*datas, **settings)
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise errors.explain(op, inputs, datas, settings, error) from None
    results, aux = _split(op, result)
    if not op.view:
        results = tuple([compact(r) for r in results])
    node = None
    if is_recording() and any(op.rules):
        node = record(op, inputs, datas, casts, settings, results, aux)
    outputs = _wrap(op, inputs, settings, results, node)
    if state.special:
        finish(op, node, inputs, outputs)
    if local.levels:
        from . import forward

        forward.push(forward.Call(op, inputs, settings, outputs, datas, casts, results, aux), node)
    extra = tuple(wrap(compact(a)) if hasattr(a, "dtype") else a for a in aux)
    if state.observer is not None:
        state.observer.op(op, inputs, settings, outputs, False)
        if extra:
            state.observer.extra(extra)
    if op.outputs == 1:
        return (outputs[0], *extra) if extra else outputs[0]
    return (*outputs, *extra)


def _marked(op: Any, inputs: tuple[Any, ...], found: Any) -> Any:
    """What an op gave in inference mode; see NOTE [Marks]."""
    for out in found if isinstance(found, tuple) else (found,):
        if isinstance(out, Tensor):
            out._inference = inputs[0]._inference if op.view and out._base is not None else local.inference
    return found


def _in_bfloat16(inputs: tuple[Any, ...], datas: list[Any]) -> bool:
    """Whether all tensors with fractions hold bfloat16, and there is one."""
    kinds = {d.dtype for x, d in zip(inputs, datas, strict=True) if isinstance(x, Tensor)}
    return dtypes.brain in kinds and not any(k.kind in "fc" for k in kinds)


def _prepare(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The inputs' arrays, promoted as torch would; and per input the dtype it was cast from, or None."""
    if op.view:
        return [array_of(inputs[0])] if isinstance(inputs[0], Tensor) else [inputs[0]], []
    datas: list[Any] = []
    first = None
    mixed = False
    for x in inputs:
        if isinstance(x, Tensor):
            d = x._data
            if first is None:
                first = d.dtype
            elif d.dtype is not first:
                mixed = True
        elif isinstance(x, int | float | complex | np.generic) or x is None:
            d = x
            mixed = mixed or x is not None
        else:
            raise errors.not_a_tensor(op, inputs, x)
        datas.append(d)
    if first is None and not settings:  # `where` has its tensor there
        raise errors.not_a_tensor(op, inputs, inputs[0])
    if op.real_only is not None and (problem := errors.complex_number(op, datas)) is not None:
        raise errors.refusal(op, inputs, problem)
    if op.check is not None and (problem := op.check(*datas)) is not None:
        raise errors.refusal(op, inputs, problem)
    if op.promote == "none":
        return datas, []
    if op.promote == "same":
        if mixed and len({d.dtype for d in datas if d is not None}) > 1:
            raise errors.explain(op, inputs, datas, {}, RuntimeError("the dtypes differ"))
        return datas, []
    if not mixed and (op.promote != "float" or first is None or first.kind in INEXACT):
        return datas, []
    if first is not None and first.kind == "f" and _all_of(first, datas):
        return [first.type(d) if d.__class__ is float or d.__class__ is int else d for d in datas], []
    if len(datas) > 1:
        errors.check_devices(op, inputs, datas)
    return _promote(op, datas)


def _all_of(dtype: Any, datas: list[Any]) -> bool:
    """Whether all are NumPy arrays of one dtype, or plain numbers, which take it."""
    for d in datas:
        kind = d.__class__
        if not (kind is float or kind is int or (kind is ndarray and d.dtype is dtype) or kind is dtype.type):
            return False
    return True


def _promote(op: Any, datas: list[Any]) -> tuple[list[Any], list[Any]]:
    kinds: list[tuple[Any, Any]] = []
    for d in datas:
        if isinstance(d, np.generic | ndarray) or is_cupy(d):
            kinds.append((d.dtype, d.ndim))
        elif d is not None:
            kinds.append((type(d), None))
    target = dtypes.result_dtype(kinds)
    if op.promote == "float" and target.kind in "biu":
        target = dtypes.get_default_dtype().numpy
    casts: list[Any] = [None] * len(datas)
    for i, d in enumerate(datas):
        if isinstance(d, np.generic | ndarray) or is_cupy(d):
            if d.dtype != target:
                datas[i], casts[i] = d.astype(target), d.dtype
        elif d is not None:
            datas[i] = _number(d, target)
    return datas, casts


def _number(value: Any, target: Any) -> Any:
    """A Python number that NumPy will not let widen the result."""
    if target.kind == "V":
        return np.float32(value)
    if target.kind in "fc":
        return target.type(value)
    if target.kind not in "iu":
        return value
    value, limits = int(value), np.iinfo(target)
    return value if limits.min <= value <= limits.max else int(np.int64(value).astype(target))  # wraps, as in C


def _split(op: Any, result: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if op.outputs == 1 and not op.aux:
        return (result,), ()
    count = len(result) - len(op.aux)
    return tuple(result[:count]), tuple(result[count:])


def record(
    op: Any,
    inputs: tuple[Any, ...],
    datas: list[Any],
    casts: list[Any],
    settings: dict[str, Any],
    results: tuple[Any, ...],
    aux: tuple[Any, ...],
) -> Any:
    """The node of this call, or None when no input asks for a gradient."""
    rules = op.rules * len(inputs) if op.variadic else op.rules
    parents = tuple(
        [x._node if rule and isinstance(x, Tensor) else None for x, rule in zip(inputs, rules, strict=False)]
    )
    wanted = {i for i, p in enumerate(parents) if p is not None}
    if not wanted:
        return None
    saved: list[Any] = []
    for kind, where, users in op.plan:
        if not op.variadic and wanted.isdisjoint(users):
            value = None
        elif kind == "input":
            value = tuple(datas) if op.variadic else datas[where]
        elif kind == "out":
            value = results[0] if op.outputs == 1 else results
        elif kind == "fact":
            index, fact = where
            value = tuple([fact(d) for d in datas]) if op.variadic else fact(datas[index])
        elif kind == "setting":
            value = setting_of(op, settings, where)
        else:
            value = aux[where]
        saved.append(value)
    if involves_complex(datas, results):
        op = op.wirtinger()
    return [tick(), op, fits_of(op, datas, casts, results), parents, tuple(saved)]


def involves_complex(datas: list[Any], results: tuple[Any, ...]) -> bool:
    """Whether an op had complex numbers among its inputs or results."""
    return any(map(_is_complex, datas)) or any(map(_is_complex, results))


def _is_complex(data: Any) -> bool:
    return data.__class__ is complex or getattr(getattr(data, "dtype", None), "kind", "") == "c"


def setting_of(op: Any, settings: dict[str, Any], name: str) -> Any:
    """The setting `name` of a call, or its default."""
    return settings[name] if name in settings else op.forward.__kwdefaults__[name]


def fits_of(op: Any, datas: list[Any], casts: list[Any], results: tuple[Any, ...]) -> Any:
    """Per input the shape and dtype its contribution must be brought to, or None when they fit already."""
    shaped = op.broadcasts or (op.elementwise and not _of_shape(results[0].shape, datas))
    if not shaped and all(c is None for c in casts):  # `==` would not do: NumPy's float64 is equal to None
        return None
    casts = casts or [None] * len(datas)
    return tuple(
        [(tuple(getattr(d, "shape", ())) if shaped else None, cast) for d, cast in zip(datas, casts, strict=True)]
    )


def _of_shape(shape: Any, datas: list[Any]) -> bool:
    """Whether all arrays among `datas` have that shape."""
    return [getattr(d, "shape", shape) for d in datas].count(shape) == len(datas)


def wrap(data: Any, node: Any = None) -> Tensor:
    """A tensor round an array (or scalar) that is nobody else's."""
    t = new(Tensor)
    t._data = data
    t._node = node
    if state.special:
        mark_new(t)
    return t


def constant(data: Any) -> Tensor:
    """A tensor round numbers that no tensor gave: the observer is told."""
    t = wrap(data)
    if state.observer is not None:
        state.observer.made(t)
    return t


def _wrap(
    op: Any, inputs: tuple[Any, ...], settings: dict[str, Any], results: tuple[Any, ...], node: Any
) -> tuple[Tensor, ...]:
    if op.view:
        return views.wrap(op, inputs[0], settings, results, node)
    if op.outputs == 1:
        return (wrap(results[0], node),)
    return tuple([wrap(r, slot(node, nr)) for nr, r in enumerate(results)])


def slot(node: Any, nr: int) -> Any:
    """The node of output `nr`; see NOTE [Several outputs]."""
    return None if node is None else [tick(), OutputSlot, None, (node,), (nr,)]
