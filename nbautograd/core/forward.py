"""Forward mode: derivatives that travel with the values, from op to op. Levels and tangents are in `levels.py`.

NOTE [A rule transposed twice]
No op has a rule for forward mode. A gradient rule is linear in the gradient u that it gets: u ↦ Jᵀu. Differentiating
that by u, starting from v, transposes it once more: v ↦ Jv, which is the tangent. The value of u does not matter; zeros
do. Two kinds of op need no such detour. Element by element, J is diagonal and so its own transpose: the rule itself
does it. And a view of a tangent is the tangent of the view.

A tangent is never written to: a change in place gives the tensor, its base and the base's views new ones.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from . import views
from .array import library_of
from .backward import grad
from .call import fits_of, involves_complex, setting_of, wrap
from .dtype import INEXACT
from .grad_mode import enable_grad
from .levels import Level, below, tangents_of, without_history, zeros_like
from .modes import is_grad_enabled, local, unwatched
from .node import Node, source
from .op import TABLE
from .steps import contributions
from .tensor import Tensor


class Call:
    """An op that has just run, with everything its rules may ask for."""

    def __init__(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: dict[str, Any],
        outputs: tuple[Tensor, ...],
        datas: list[Any],
        casts: list[Any],
        results: tuple[Any, ...],
        aux: tuple[Any, ...],
    ) -> None:
        self.op, self.inputs, self.settings, self.outputs = op, inputs, settings, outputs
        self.datas, self.casts, self.results, self.aux = datas, casts, results, aux
        self.given = list(inputs)
        self.complex = involves_complex(datas, results)

    def anchor(self, wanted: tuple[Any, ...]) -> None:
        """Give the inputs in the places `wanted` a node if they have none: some rules compute only what has one."""
        for i, (x, node) in enumerate(zip(self.inputs, wanted, strict=False)):
            if node is not None and x._node is None:
                self.given[i] = without_history(x)
                self.given[i]._node = source()

    def saved(self) -> tuple[Any, ...]:
        """What the rules ask for, as tensors with their histories and tangents."""
        return tuple([self._saved(kind, where) for kind, where, _ in self.op.plan])

    def _saved(self, kind: str, where: Any) -> Any:
        op = self.op
        if kind == "input":
            given = self.given
            return tuple(map(_cast, given, self.datas)) if op.variadic else _cast(given[where], self.datas[where])
        if kind == "out":
            return self.outputs[0] if op.outputs == 1 else self.outputs
        if kind == "fact":
            index, fact = where
            return tuple([fact(d) for d in self.datas]) if op.variadic else fact(self.datas[index])
        if kind == "setting":
            return setting_of(op, self.settings, where)
        value = self.aux[where]
        return wrap(value) if hasattr(value, "dtype") else value

    def tangents(self) -> list[Any]:
        """The tangents of the tensors that the rules ask for, as `walk` hangs them on what it restores."""
        return [self._tangents(kind, where) for kind, where, _ in self.op.plan]

    def _tangents(self, kind: str, where: Any) -> Any:
        if kind == "input":
            return list(map(tangents_of, self.inputs)) if self.op.variadic else tangents_of(self.inputs[where])
        if kind == "out":
            return tangents_of(self.outputs[0]) if self.op.outputs == 1 else list(map(tangents_of, self.outputs))
        return []


def _cast(x: Any, data: Any) -> Any:
    """The input `x` as the op saw it, promoted to the dtype of `data`."""
    if not isinstance(x, Tensor):
        return data
    return x if x._data.dtype == data.dtype else TABLE["to_copy"].call(x, dtype=data.dtype)


def push(call: Call, node: Node | None) -> None:
    """Give the outputs of `call` their tangents, and the `node` that recorded it those of what it saved."""
    moved = [level for level in local.levels if any(level.get(x) is not None for x in call.inputs)]
    if not moved:
        return
    if any(call.op.rules) and any(y._data.dtype.kind in INEXACT for y in call.outputs):
        cast, local.cast = local.cast, None
        try:
            for depth, group in groupby(moved, lambda level: level.depth):
                with below(depth):
                    unwatched(_push, call, list(group))
        finally:
            local.cast = cast
    if node is not None:
        node.append(call.tangents())


def _push(call: Call, levels: list[Level]) -> None:
    op = call.op
    if op.view:
        tangents_at = _of_view(call)
    elif op.elementwise and op.outputs == 1 and not call.complex:
        tangents_at = _element_by_element(call)
    else:
        tangents_at = _transposed_twice(call, levels)
    for level in levels:
        for out, tangent in zip(call.outputs, tangents_at(level), strict=True):
            if out._data.dtype.kind in INEXACT:
                level.set(out, zeros_like(out) if tangent is None else tangent)


def _source_like(data: Any) -> Tensor:
    """Zeros in the form of the array `data`, as a place to differentiate by."""
    return wrap(library_of(data).zeros_like(data), source())


def _of_view(call: Call) -> Any:
    def tangents_at(level: Level) -> tuple[Any, ...]:
        found = call.op.call(level.get(call.inputs[0]), **call.settings)
        return (found,) if call.op.outputs == 1 else found

    return tangents_at


def _element_by_element(call: Call) -> Any:
    pulls, saved = call.op.recording_pulls(), call.saved()
    out = call.results[0]

    def tangents_at(level: Level) -> tuple[Any, ...]:
        total = None
        for x, pull in zip(call.inputs, pulls, strict=True):
            v = level.get(x)
            if v is not None and pull is not None:
                share = pull(_cast(v if v.shape == out.shape else v.expand(out.shape), out), saved)
                total = share if total is None else total + share
        return (total,)

    return tangents_at


def _has_history(x: Any) -> bool:
    """Whether backward could ask about `x`, or about a tangent of it at a lower level."""
    return isinstance(x, Tensor) and (x._node is not None or any(_has_history(t) for _, t in tangents_of(x)))


def _transposed_twice(call: Call, levels: list[Level]) -> Any:
    """See NOTE [A rule transposed twice]."""
    op = call.op.wirtinger() if call.complex else call.op
    rules = op.rules * len(call.inputs) if op.variadic else op.rules
    parents = tuple(
        [
            source() if rule and any(level.get(x) is not None for level in levels) else None
            for x, rule in zip(call.inputs, rules, strict=False)
        ]
    )
    node = [0, op, fits_of(op, call.datas, call.casts, call.results), parents, None]
    us = [_source_like(r) if r.dtype.kind in INEXACT else None for r in call.results]
    vs = [v for level in levels for x in call.inputs if (v := level.get(x)) is not None]
    recording = is_grad_enabled() and any(map(_has_history, (*call.inputs, *vs)))
    call.anchor(parents)
    saved = call.saved()
    with enable_grad():
        found = list(contributions(op, op.recording_pulls(), node, us[0] if op.outputs == 1 else tuple(us), saved))
    shares = iter([share for _, share in found])
    pulled = [None if parent is None else next(shares) for parent in parents]
    wanted = [u for u in us if u is not None]

    def tangents_at(level: Level) -> Any:
        pairs = [
            (c, v)
            for x, c in zip(call.inputs, pulled, strict=False)
            if isinstance(c, Tensor) and c._node is not None and (v := level.get(x)) is not None
        ]
        if not pairs:
            return [None] * len(us)
        cs, vs = zip(*pairs, strict=True)
        found = iter(grad(cs, wanted, vs, retain_graph=True, create_graph=recording, allow_unused=True))
        return [None if u is None else next(found) for u in us]

    return tangents_at


# --- a tensor is changed -----------------------------------------------------------------------------------------


def before_change(target: Tensor) -> Tensor:
    """A copy of `target` for the op that changes it: tangents are computed from the old values, also in backward."""
    if not tangents_of(target):
        return target
    copy = without_history(target)
    copy._data, copy._node = target._data.copy(), target._node
    return copy


def moved_in_place(target: Tensor, result: Tensor) -> None:
    """`target` has been given the values of `result`: give it the tangents too."""
    base = target if target._base is None else target._base
    for level in local.levels:
        tangent = level.get(result)
        if tangent is not None or level.get(base) is not None or level.get(target) is not None:
            with below(level.depth):
                move(level, target, zeros_like(target) if tangent is None else _cast(tangent, target._data))


def move(level: Level, target: Tensor, tangent: Tensor) -> None:
    """Let `tangent` be that of `target` after a change in place, and give its base and its views theirs."""
    base = target if target._base is None else target._base
    if target._base is None:
        level.set(target, tangent)
    else:
        whole = level.get(base)
        whole = zeros_like(base) if whole is None else whole.clone()
        views.follow(target._path, whole).copy_(tangent)
        level.set(base, whole)
    for reference in list(base._views or ()):
        view = reference()
        if view is not None:
            level.set(view, views.follow(view._path, level.get(base)))
