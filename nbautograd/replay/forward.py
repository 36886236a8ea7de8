"""Notes of what ran forward: which op made which array of which."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from nbautograd.core.call import _prepare as prepared
from nbautograd.core.call import setting_of
from nbautograd.core.node import SAVED, node_and_output, op_of
from nbautograd.core.tensor import Tensor
from nbautograd.core.text import text_of
from nbautograd.replay.calls import Ran, RefusalError, Var, variables
from nbautograd.replay.notes import UNREPEATABLE, Notes

POSITIONS = {"embedding": (1, 0), "cross_entropy": (1, 1), "nll_loss": (1, 1), "nll_loss2d": (1, 1)}
"""Ops to which positions are given: which input that is, and of which dimension of the other they are."""
ALONG = ("gather", "scatter", "scatter_add", "scatter_reduce")
"""Ops to which positions along `dim` are given."""


class Forward(Notes):
    """Notes of the ops that a run calls; see `Tape`."""

    def op(self, op: Any, inputs: Any, params: dict[str, Any], outputs: Any, in_place: bool) -> None:
        """An op ran forward."""
        self._guarded(self._op, op, inputs, params, outputs)

    def _op(self, op: Any, inputs: Any, params: dict[str, Any], outputs: Any) -> None:
        if self._raw_draws:
            raise RefusalError(UNREPEATABLE)
        if op.saves == ("ctx",):
            self._custom(op, inputs, outputs)
            return
        if any(isinstance(t, Tensor) and t._data.dtype.kind == "V" for t in (*inputs, *outputs)):
            raise RefusalError("it computes in bfloat16")
        self.on_gpu = self.on_gpu or any(t.is_cuda for t in outputs)
        given = [self.var(x) if isinstance(x, Tensor) else x for x in inputs]
        for x in inputs:
            if isinstance(x, Tensor):
                self._drawn.pop(id(x._data), None)
        datas, casts = prepared(op, inputs, params)
        for i, was in enumerate(casts):
            if was is not None:
                cast = Var(datas[i])
                self._note(np.ndarray.astype, [given[i], datas[i].dtype], [cast], kind="fit", name="astype")
                given[i] = cast
        for i, x in enumerate(inputs):
            if not isinstance(x, Tensor) and x is not None:
                given[i] = _number(x, datas[i], op.forward, i)
        settings = {name: self._setting(value) for name, value in params.items()}
        self._note_limits(op, inputs, given, settings)
        self._kept.append((inputs, outputs))
        same = all(self._known(t._data) is not None for t in outputs) and not op.aux
        outs = [self._result(t) for t in outputs]
        aux = [Var(None) for _ in op.aux]
        for v, stem in zip(aux, op.aux, strict=True):
            v.stem = stem
        elementwise = op if op.elementwise and op.outputs == 1 else None
        if not same:
            several = op.outputs != 1 or bool(aux)
            more: dict[str, Any] = {"name": op.name, "entry": elementwise, "several": several}
            self._note(op.forward, given, [*outs, *aux], settings, **more)
            if op.name == "index" and any(_is_mask(v) for v in variables(settings)):
                self._note(None, [outs[0], outs[0].shape], [], kind="shape")
        node = None if outputs[0]._node is None else node_and_output(outputs[0]._node)[0]
        if node is not None:
            slots = [t._node for t in outputs] if op.outputs != 1 else []
            full = {name: setting_of(op, settings, name) for name in op.settings}
            last = self.calls[-1]
            self._ran[id(node)] = Ran(op_of(node), given, full, outs, aux, node, slots, last.line, last.module)
            saved = node[SAVED] if isinstance(node[SAVED], tuple) else ()
            for (kind, where, _), value in zip(op.plan, saved, strict=False):
                if kind == "aux" and hasattr(value, "dtype"):
                    aux[where].stands_for(value)
                    self._vars[id(value)] = aux[where]

    def _custom(self, op: Any, inputs: Any, outputs: Any) -> None:
        """A custom Function ran; what it computes by has been noted."""
        if any(self._known(t._data) is None for t in outputs):
            raise RefusalError(f"its custom Function {op.name} returns what no op has made")
        outs = [self._result(t) for t in outputs]
        own = next((t._node for t in outputs if t._node is not None), None)
        if own is not None:
            node, last = node_and_output(own)[0], self.calls[-1]
            given, slots = [self.var(x) for x in inputs], [t._node for t in outputs]
            self._ran[id(node)] = Ran(op, given, {}, outs, [], node, slots, last.line, last.module)
            self._of_context[id(node[SAVED][0])] = self._ran[id(node)]

    def _note_limits(self, op: Any, inputs: Any, given: list[Any], settings: dict[str, Any]) -> None:
        """The numbers that the function behind the op refuses, where the op itself would take them."""
        if op.name in POSITIONS:
            which, dim = POSITIONS[op.name]
            least: list[Any] = [0, inputs[1 - which].shape[dim] - 1, given[which]]
            ignored = setting_of(op, settings, "ignore_index") if "ignore_index" in op.settings else None
            self._note(None, [*least, *([] if ignored is None else [ignored])], [], kind="within")
        elif op.name in ALONG:
            sizes = inputs[0].shape or (1,)
            self._note(None, [0, sizes[settings["dim"]] - 1, given[1]], [], kind="within")
        elif op.name == "index_select":
            at = settings["index"]
            dim = next((i for i, part in enumerate(at) if isinstance(part, Var)), None)
            if dim is not None:
                self._note(None, [0, inputs[0].shape[dim] - 1, at[dim]], [], kind="within")
        elif op.name == "bce":
            self._note(None, [0, 1, given[0]], [], kind="within")

    def extra(self, values: tuple[Any, ...]) -> None:
        """The aux values of the last op, as tensors."""
        self._guarded(self._extra, values)

    def _extra(self, values: tuple[Any, ...]) -> None:
        for v, t in zip(self.calls[-1].outs[-len(values) :], values, strict=True):
            if isinstance(t, Tensor):
                v.stands_for(t._data)
                self._by_tensor[id(t)] = (v, t._data)
                self._vars[id(t._data)] = v
                self._kept.append(t)


def _is_mask(v: Var) -> bool:
    return v.dtype is not None and v.dtype.kind == "b"


def _number(given: Any, prepared: Any, function: Any, place: int) -> Any:
    """The number that forward was run with, as plain Python where that computes the same."""
    plain = isinstance(given, bool | int | float) and not _computes_with(function, place)
    return given if plain else prepared


def _computes_with(function: Any, place: int) -> bool:
    """Whether a function calls another one on that argument alone, as in `log(y)`: what that gives has a dtype."""
    text = text_of(function)
    if text is None:
        return False
    calls = [node for node in ast.walk(text.tree) if isinstance(node, ast.Call)]
    return {text.parameters[place]} in [
        {n.id for part in call.args for n in ast.walk(part) if isinstance(n, ast.Name)} - {"xp"} for call in calls
    ]
