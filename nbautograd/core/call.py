"""The op call: run forward, record a node. Written out for one and two inputs, and once in general.

The short paths serve plain NumPy tensors while nothing unusual is going on (NOTE [One flag]); whatever they do not
recognise (mixed dtypes, a GPU, a list, `no_grad`, an observer) they hand to `dispatch`, which handles everything.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from sys import getrefcount
from threading import get_ident
from typing import Any

import numpy as np

from . import array as arrays
from . import dtype as dtypes
from . import errors, views
from .array import SOLE_HERE, compact, is_cupy, ndarray, unbroadcast
from .dtype import INEXACT, UNUSUAL
from .modes import is_recording, local, state
from .node import FITS, GRAD, ORDER, PARENTS, OutputSlot, tick
from .op import TABLE, names_of
from .saved import finish
from .tensor import Tensor

new = object.__new__
FLOAT32 = np.dtype(np.float32)
float32, unusual = np.float32, dtypes.UNUSUAL_SCALARS


def install(op: Any) -> None:
    """Give the table entry its `call` (forward) and `step` (backward)."""
    if len(op.inputs) == 1 and op.outputs == 1 and not op.variadic and (op.settings or op.aux or op.view):
        op.call = _single(op)
        op.step = _step_one(op) if op.rules[0] else None
    elif op.settings or op.aux or op.variadic or op.view or op.outputs != 1 or op.promote == "none":
        op.call = _general(op)
        op.step = step_many(op) if op.outputs == 1 else None
    elif len(op.inputs) == 1 and not op.boolean and not any(kind == "fact" for kind, _, _ in op.plan):
        op.call = _unary(op)
        op.step = _step_one(op)
    elif len(op.inputs) == 2 and not any(kind == "fact" for kind, _, _ in op.plan):
        op.call = _binary(op)
        op.step = _step_two(op)
    else:
        short = len(op.inputs) > 2 and not op.boolean and op.check is None
        op.call = _several(op) if short else _general(op)
        op.step = step_many(op)


# --- forward ------------------------------------------------------------------------------------------------------


def _unary(op: Any) -> Callable[[Any], Tensor]:
    forward, saves, differentiable = op.forward, op.saves, op.rules[0] is not None

    def call(x: Any) -> Tensor:
        if state.special or not isinstance(x, Tensor):
            return dispatch(op, (x,), {})
        xd = x._data
        try:
            out = forward(xd)
        except Exception:
            return dispatch(op, (x,), {})
        kind = out.__class__
        if kind is not xd.__class__ or (kind is not float32 and kind in unusual):
            return dispatch(op, (x,), {})
        if kind is ndarray:
            dtype = out.dtype
            if dtype is not xd.dtype or (dtype is not FLOAT32 and dtype in UNUSUAL):
                return dispatch(op, (x,), {})
        t = new(Tensor)
        t._data = out
        parent = x._node
        if parent is None or not differentiable:
            t._node = None
        else:
            t._node = [tick(), op, None, None, (parent,), tuple([xd if n == "x" else out for n in saves])]
        return t

    return call


def _binary(op: Any, slow: Callable[..., Any] | None = None) -> Callable[[Any, Any], Tensor]:
    slow = slow or dispatch
    forward = op.forward
    plan = [(kind, users) for kind, _, users in op.plan]
    dx, dy = op.rules
    broadcasts = op.broadcasts
    same_dtype = not op.boolean
    wheres = [where for _, where, _ in op.plan]
    product = plan == [("input", (0,)), ("input", (1,))] and wheres == [1, 0]
    saved_of, saves = _saver(plan, wheres), bool(plan)

    def call(x: Any, y: Any) -> Tensor:
        if state.special or not isinstance(x, Tensor):
            return slow(op, (x, y), {})
        xd = x._data
        kind = xd.__class__
        if isinstance(y, Tensor):
            yd = y._data
            py = y._node if dy is not None else None
            if kind is not yd.__class__:
                return slow(op, (x, y), {})
        elif y.__class__ is float or y.__class__ is int:
            yd = y
            py = None
        else:
            return slow(op, (x, y), {})
        try:
            out = forward(xd, yd)
        except Exception:
            return slow(op, (x, y), {})
        fits = None
        if kind is ndarray:
            dtype = xd.dtype
            if (same_dtype and out.dtype is not dtype) or (dtype is not FLOAT32 and dtype in UNUSUAL):
                return slow(op, (x, y), {})
            if yd.__class__ is ndarray:
                if yd.dtype is not dtype:
                    return slow(op, (x, y), {})
                if broadcasts or xd.shape != yd.shape:
                    fits = ((xd.shape, None), (yd.shape, None))
        elif (same_dtype and out.__class__ is not kind) or (kind is not float32 and kind in unusual):
            return slow(op, (x, y), {})
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
            t._node = [tick(), op, None, fits, (px, py), saved]
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


def _operands(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    if not all(isinstance(x, Tensor | ndarray | int | float | complex | np.generic) for x in inputs):
        return NotImplemented
    return dispatch(op, tuple([wrap(x) if isinstance(x, ndarray) else x for x in inputs]), settings)


def _single(op: Any) -> Callable[..., Any]:
    """The call of an op with one tensor and settings: reductions, views, indexing."""
    forward, differentiable, is_view, with_aux = op.forward, op.rules[0] is not None, op.view, bool(op.aux)
    getters = [_getter(op, kind, where) for kind, where, _ in op.plan]
    floats_only, broadcasts = op.promote == "float", op.broadcasts

    def call(x: Any, **settings: Any) -> Any:
        if state.special or not isinstance(x, Tensor):
            return dispatch(op, (x,), settings)
        xd = x._data
        if xd.__class__ is not ndarray and (is_view or not isinstance(xd, np.generic)):
            return dispatch(op, (x,), settings)
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
        if not is_view:
            out = compact(out)  # before it is saved: what is saved and what the user has must be one object
        node = None
        parent = x._node
        if parent is not None and differentiable:
            saved = tuple([get(xd, out, settings, aux) for get in getters])
            node = [tick(), op, None, ((xd.shape, None),) if broadcasts else None, (parent,), saved]
        if is_view:
            return views.wrap_one(op, x, settings, out, None, node)
        t = wrap(out, node)
        return (t, *[wrap(compact(a)) if hasattr(a, "dtype") else a for a in aux]) if with_aux else t

    return call


def _getter(op: Any, kind: str, where: Any) -> Callable[[Any, Any, Any, Any], Any]:
    """How an op with one input finds one of the values it saves."""
    if kind == "input":
        return lambda xd, out, settings, aux: xd
    if kind == "out":
        return lambda xd, out, settings, aux: out
    if kind == "fact":
        fact = where[1]
        return lambda xd, out, settings, aux: fact(xd)
    if kind == "aux":
        return lambda xd, out, settings, aux: aux[where]
    default = (op.forward.__kwdefaults__ or {}).get(where)
    return lambda xd, out, settings, aux: settings.get(where, default)


def _several(op: Any) -> Callable[..., Tensor]:
    """The call of an op with three and more tensors; the short path serves arrays of one dtype."""
    forward, rules, count = op.forward, op.rules, len(op.inputs)
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
        saved = tuple(
            [get(datas, out) if any(parents[i] is not None for i in users) else None for get, users in getters]
        )
        return wrap(out, [tick(), op, None, fits_of(op, datas, [], (out,)) if shaped else None, parents, saved])

    return call


def _pick(kind: str, where: Any) -> Callable[[list[Any], Any], Any]:
    """How an op with several inputs and no settings finds one of the values it saves."""
    if kind == "out":
        return lambda datas, out: out
    if kind == "input":
        return lambda datas, out: datas[where]
    index, fact = where
    return lambda datas, out: fact(datas[index])


def _general(op: Any) -> Callable[..., Any]:
    def call(*inputs: Any, **settings: Any) -> Any:
        return dispatch(op, inputs, settings)

    return call


def dispatch(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """Run `op` on anything it accepts, record it if this thread records, and tell the observer."""
    if state.special and local.cast is not None:
        inputs = local.cast(op.name, inputs)
    if settings:  # tensors among the settings are never differentiated
        settings = {name: v._data if isinstance(v, Tensor) else v for name, v in settings.items()}
    datas, casts = _prepare(op, inputs)
    library = next((arrays.cupy() for d in datas if is_cupy(d)), np)
    op = op.on(library)
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
    if state.observer is not None and observes_here(state.observer):
        state.observer.op(op, inputs, settings, outputs, False)
        if extra:
            state.observer.extra(extra)
    if op.outputs == 1:
        return (outputs[0], *extra) if extra else outputs[0]
    return (*outputs, *extra)


def _in_bfloat16(inputs: tuple[Any, ...], datas: list[Any]) -> bool:
    """Whether all tensors with fractions hold bfloat16, and there is one."""
    kinds = {d.dtype for x, d in zip(inputs, datas, strict=True) if isinstance(x, Tensor)}
    return dtypes.brain in kinds and not any(k.kind in "fc" for k in kinds)


def observes_here(observer: Any) -> bool:
    """Whether `observer` watches this thread."""
    return observer.thread is None or observer.thread == get_ident()


def _prepare(op: Any, inputs: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """The inputs' arrays, promoted as torch would; and per input the dtype it was cast from, or None."""
    if op.view:
        return [views.array_of(inputs[0])] if isinstance(inputs[0], Tensor) else [inputs[0]], []
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
    if len(datas) > 1:
        errors.check_devices(op, inputs, datas)
    return _promote(op, datas)


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
    return int(value) if target.kind in "iu" else value


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
    return [tick(), op, None, fits_of(op, datas, casts, results), parents, tuple(saved)]


def involves_complex(datas: list[Any], results: tuple[Any, ...]) -> bool:
    """Whether an op had complex numbers among its inputs or results."""
    return any(map(_is_complex, datas)) or any(map(_is_complex, results))


def _is_complex(data: Any) -> bool:
    return data.__class__ is complex or getattr(data, "dtype", FLOAT32).kind == "c"


def setting_of(op: Any, settings: dict[str, Any], name: str) -> Any:
    """The setting `name` of a call, or its default."""
    return settings[name] if name in settings else op.forward.__kwdefaults__[name]


def fits_of(op: Any, datas: list[Any], casts: list[Any], results: tuple[Any, ...]) -> Any:
    """Per input the shape and dtype its contribution must be brought to, or None when they fit already."""
    shaped = op.broadcasts or (op.elementwise and any(getattr(d, "shape", ()) != results[0].shape for d in datas))
    if not shaped and not any(c is not None for c in casts):
        return None
    casts = casts or [None] * len(datas)
    return tuple(
        [(tuple(getattr(d, "shape", ())) if shaped else None, cast) for d, cast in zip(datas, casts, strict=True)]
    )


def wrap(data: Any, node: Any = None) -> Tensor:
    """A tensor round an array (or scalar) that is nobody else's."""
    t = new(Tensor)
    t._data = data
    t._node = node
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
    return None if node is None else [tick(), OutputSlot, None, None, (node,), (nr,)]


# --- backward -----------------------------------------------------------------------------------------------------


def fit(c: Any, target: tuple[Any, Any]) -> Any:
    """A contribution brought back to its input's shape and dtype."""
    shape, dtype = target
    if shape is not None and tuple(c.shape) != shape:
        c = unbroadcast(c, shape)
    if dtype is None:
        return c
    has = c._data.dtype if isinstance(c, Tensor) else c.dtype
    if has == dtype:
        return c
    c = c.real if has.kind == "c" and dtype.kind == "f" else c
    return TABLE["to_copy"].call(c, dtype=dtype) if isinstance(c, Tensor) else c.astype(dtype)


SMALL = 256
"""Up to so many elements a new array costs less than finding out whether the old one may be used again."""


def send(parent: Any, c: Any, heap: list[int], waiting: dict[int, Any]) -> None:
    """Add the contribution `c` to what `parent` has received; the first one makes it wait its turn."""
    held = parent[GRAD]
    if held is None:
        parent[GRAD] = c
        order = parent[ORDER]
        waiting[order] = parent
        heappush(heap, order)
        return
    parent[GRAD] = None
    if (
        held.__class__ is ndarray
        and held.size > SMALL
        and held.base is None
        and getrefcount(held) <= SOLE_HERE
        and held.flags.writeable
    ):
        held += c  # nobody else can see this buffer
        parent[GRAD] = held
    else:
        parent[GRAD] = held + c


def _slots(op: Any, i: int) -> tuple[int, ...]:
    """Where in SAVED the values lie that the rule of input `i` asks for."""
    return tuple([op.saves.index(name) for name in names_of(op.rules[i])[1:]])


def _step_one(op: Any) -> Callable[..., None]:
    pull = op.pulls[0]

    def step(node: Any, g: Any, saved: Any, heap: list[int], waiting: dict[int, Any]) -> None:
        c = pull(g, saved)
        fits = node[FITS]
        if fits is not None:
            c = fit(c, fits[0])
        parent = node[PARENTS][0]
        if parent[GRAD] is None:
            parent[GRAD] = c
            order = parent[ORDER]
            waiting[order] = parent
            heappush(heap, order)
        else:
            send(parent, c, heap, waiting)

    return step


def _step_two(op: Any) -> Callable[..., None]:
    """The step of a binary op; a rule that asks for one saved value is called without a detour."""
    pull_x, pull_y = op.pulls
    dx, dy = op.rules
    counts = None if dx is None or dy is None else (len(_slots(op, 0)), len(_slots(op, 1)))
    direct, bare = counts == (1, 1), counts == (0, 0)
    (i,), (j,) = (_slots(op, 0), _slots(op, 1)) if direct else ((0,), (0,))
    rule_x: Any = dx
    rule_y: Any = dy

    def step(node: Any, g: Any, saved: Any, heap: list[int], waiting: dict[int, Any]) -> None:
        px, py = node[PARENTS]
        fits = node[FITS]
        if px is not None:
            c = rule_x(g, saved[i]) if direct else rule_x(g) if bare else pull_x(g, saved)
            if fits is not None:
                c = fit(c, fits[0])
            if px[GRAD] is None:
                px[GRAD] = c
                order = px[ORDER]
                waiting[order] = px
                heappush(heap, order)
            else:
                send(px, c, heap, waiting)
        if py is not None:
            c = rule_y(g, saved[j]) if direct else rule_y(g) if bare else pull_y(g, saved)
            if fits is not None:
                c = fit(c, fits[1])
            if py[GRAD] is None:
                py[GRAD] = c
                order = py[ORDER]
                waiting[order] = py
                heappush(heap, order)
            else:
                send(py, c, heap, waiting)

    return step


def step_many(op: Any) -> Callable[..., None]:
    pulls = op.pulls

    def step_each(node: Any, g: Any, saved: Any, heap: list[int], waiting: dict[int, Any]) -> None:
        fits = node[FITS]
        for i, parent in enumerate(node[PARENTS]):
            if parent is not None:
                c = pulls[i](g, saved)
                if c is not None:
                    send(parent, c if fits is None else fit(c, fits[i]), heap, waiting)

    if not op.variadic:
        return step_each

    def step(node: Any, g: Any, saved: Any, heap: list[int], waiting: dict[int, Any]) -> None:
        for parent, c in contributions(op, pulls, node, g, saved):
            if c is not None:
                send(parent, c, heap, waiting)

    return step


def contributions(op: Any, pulls: Any, node: Any, g: Any, saved: Any) -> Any:
    """(parent, contribution) of every input of `node` that needs one."""
    fits = node[FITS]
    parents = node[PARENTS]
    shares: Any = pulls[0](g, saved) if op.variadic else None
    for i, parent in enumerate(parents):
        if parent is None:
            continue
        c = shares[i] if op.variadic else pulls[i](g, saved)
        if c is not None and fits is not None:
            c = fit(c, fits[i])
        yield parent, c
