"""Notes of what ran forward: arrays told apart by identity, and which op made which of which."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from threading import get_ident
from typing import Any

import numpy as np

from nbautograd.core.array import is_cupy, ndarray
from nbautograd.core.call import _prepare as prepared
from nbautograd.core.call import setting_of
from nbautograd.core.node import SAVED, node_and_output, op_of
from nbautograd.core.op import TABLE
from nbautograd.core.tensor import Tensor
from nbautograd.core.text import text_of
from nbautograd.replay.calls import Call, Ran, RefusalError, Var, variables
from nbautograd.replay.place import Place

POSITIONS = {"embedding": (1, 0), "cross_entropy": (1, 1), "nll_loss": (1, 1), "nll_loss2d": (1, 1)}
"""Ops to which positions are given: which input that is, and of which dimension of the other they are."""
ALONG = ("gather", "scatter", "scatter_add", "scatter_reduce")
"""Ops to which positions along `dim` are given."""
UNREPEATABLE = (
    "it draws random numbers in a way that cannot be repeated\n"
    "  hint: draw them before the step, and give them to it, or draw by torch.rand, torch.randn, dropout"
)
FROM_ELSEWHERE = (
    "that it was not given, did not compute, and that none of its variables holds\n"
    "  hint: give it to the step: what comes from NumPy as torch.from_numpy(array)"
)


class Notes:
    """The variables and calls of one run of a step, as far as it went forward; see `Tape`."""

    detailed = True
    fresh: list[tuple[Any, Any]] | None = None

    def __init__(
        self,
        arguments: list[Tensor],
        met: dict[int, Any] | None,
        place: Place,
        leads_to: Callable[[Any], bool],
        owners: dict[int, Tensor],
    ) -> None:
        self.thread: int | None = get_ident()
        self.calls: list[Call] = []
        self.problem: str | None = None
        self.on_gpu = False
        self.met = met
        self.outside: dict[int, Any] = {}
        self.leaves: dict[int, Tensor] = {}
        self.reads: list[tuple[Any, Var, str]] = []
        """The numbers that Python was given, of which variable, and where."""
        self.lists: set[str] = set()
        """What lists are called to which such numbers are appended."""
        self.walked: set[int] = set()
        """The ids of the nodes through which a gradient went."""
        self._place = place
        self._modules: list[Any] = []
        self._vars: dict[int, Var] = {}
        self._ran: dict[int, Ran] = {}
        self._of_context: dict[int, Ran] = {}
        """By the `ctx` of custom Functions."""
        self._gradients: dict[int, Any] = {}
        self._leads_to = leads_to
        self._gradient_of = owners
        self._made: set[int] = set()
        self._drawn: dict[int, Any] = {}
        self._raw_draws = 0
        self._steps = 0
        self.lasting: dict[int, Tensor] = {}
        """What is there before the step and after it."""
        self.stale: set[int] = set()
        """The ids of variables whose numbers were overwritten."""
        self._by_tensor: dict[int, tuple[Var, Any]] = {}
        self._views: dict[int, Tensor] = {}
        """By the ids of their arrays."""
        self._writing: tuple[Any, Any] | None = None
        self._symbolic = True
        self._in_pass = False
        self._kept: list[Any] = [*arguments, *[t._grad for t in owners.values()]]
        """What must not go, for its id would be another's."""
        for t in arguments:
            self._read(t)

    # --- variables ---

    def _new(self, array: Any) -> Var:
        v = Var(array)
        self._vars[id(array)] = v
        return v

    def _known(self, array: Any) -> Var | None:
        if array.__class__ is np.bool_:  # there are only two of these objects: they tell nothing apart
            return None
        v = self._vars.get(id(array))
        return v if v is not None and v.array is array else None

    def _result(self, t: Tensor) -> Var:
        """The variable of a tensor that an op has made."""
        if t._data.__class__ is np.bool_:
            t._data = np.asarray(t._data)  # there are only two of them; arrays are told apart
        v = self._known(t._data) or self._new(t._data)
        self._by_tensor[id(t)] = (v, t._data)
        if t._base is not None:
            self._views[id(t._data)] = t
            self._kept.append(t)
        return v

    def _view_of(self, t: Tensor) -> Tensor:
        """The view that shows the numbers of `t`, which may be that view or `view.detach()`."""
        view = self._views.get(id(t._data))
        return t if t._base is not None or view is None or view._data is not t._data else view

    def _note(self, function: Any, args: list[Any], outs: list[Any], settings: Any = None, **more: Any) -> None:
        line = more.pop("line", None) or self._place(self._called)
        module = more.pop("module", self._modules[-1] if self._modules else None)
        self.calls.append(
            Call(function, args, outs, settings or {}, line=line, module=module, back=self._in_pass, **more)
        )

    def _called(self, t: Tensor, name: str) -> None:
        """The learner calls a tensor by that name."""
        v, _ = self._by_tensor.get(id(t), (None, None))
        if v is not None and v.stem is None and id(t) not in self.lasting:
            v.stem = name

    def _read(self, t: Tensor) -> Var:
        """The variable for a tensor from outside, which is read here."""
        owner = self._gradient_of.get(id(t))
        v = self._new(t._data)
        v.uniform = v.uniform and owner is None  # what else is put there may be laid out otherwise
        self._note(None, [(owner, "grad") if owner is not None else (t, "")], [v], kind="read")
        self._kept.append(t)
        self._by_tensor[id(t)] = (v, t._data)
        if owner is None and id(t) not in self._made:
            self.lasting[id(t)] = t
            if t._node is not None:
                self.leaves[id(t)] = t
        return v

    def var(self, t: Tensor) -> Var:
        """The variable that stands for what the tensor `t` holds now."""
        v, data = self._by_tensor.get(id(t), (None, None))
        same = data is t._data or (isinstance(data, np.generic) and isinstance(t._data, ndarray))  # see `array_of`
        found = v if v is not None and same else None if self._is_outside(t) else self._known(t._data)
        if found is not None:
            return self._seen_anew(t) if id(found) in self.stale else found
        if id(t) in self._made or id(t) in self._gradient_of:
            return self._read(t)
        if (shown := self._shown_by(t)) is not None:
            return self.var(shown)
        if t._node is not None and not t.is_leaf:
            raise RefusalError("it uses a tensor that was computed before the step\n  hint: x.detach()")
        if not self._leads_to(t):
            if self._drawn or self._raw_draws:
                raise RefusalError(UNREPEATABLE)
            raise RefusalError(f"it uses a tensor {FROM_ELSEWHERE}")
        self.outside[id(t)] = t
        return self._read(t)

    def _seen_anew(self, t: Tensor) -> Var:
        """The variable for a view of what was changed in place.

        Raises: RefusalError where it is not known what it is a view of.
        """
        view = self._view_of(t)
        if view._base is None or view._base._data is t._data:
            raise RefusalError("it uses what shares memory with a tensor that it has changed")
        op, v = TABLE["as_strided"], Var(t._data)
        self._note(op.forward, [self.var(view._base)], [v], {"path": constant_path(view._path)}, name=op.name)
        self._vars[id(t._data)] = v
        self._by_tensor[id(t)] = (v, t._data)
        return v

    def _shown_by(self, t: Tensor) -> Tensor | None:
        """What lasts and shows the same numbers: `t` is `w.detach()`, say, which no op tells of."""
        if self._leads_to(t):
            return None
        owners = [o for g, o in self._gradient_of.items() if o._grad is not None and id(o._grad) == g]
        known: Any = [*self.lasting.values(), *[o._grad for o in owners]]
        return next((other for other in known if other is not t and other._data is t._data), None)

    def _is_outside(self, t: Tensor) -> bool:
        """Whether it was there before, and has not been read."""
        return id(t) not in self._by_tensor and self._leads_to(t)

    def _setting(self, value: Any) -> Any:
        if value.__class__ is np.bool_:
            raise RefusalError("a single truth value chooses")
        if isinstance(value, ndarray | np.generic) or is_cupy(value):
            self._drawn.pop(id(value), None)
            found = self._known(value)
            if found is not None:
                return found
            if not (isinstance(value, np.generic) or self.met is None or id(value) in self.met):
                raise RefusalError("an op was given numbers that were computed from tensors in Python")
            self.outside[id(value)] = value
            return value
        if isinstance(value, tuple):
            return tuple([self._setting(v) for v in value])
        if isinstance(value, list):
            return [self._setting(v) for v in value]
        if isinstance(value, slice):
            return slice(*[self._setting(v) for v in (value.start, value.stop, value.step)])
        return value

    # --- forward ---

    def op(self, op: Any, inputs: Any, params: dict[str, Any], outputs: Any, in_place: bool) -> None:
        """An op ran forward."""
        self._guarded(self._op, op, inputs, params, outputs)

    def at(self) -> str:
        """Where the step is, in words."""
        line = self._place(self._called)
        return "" if line is None else f" (line {line[1]}{f' in {line[2]}' if line[2] else ''})"

    def _guarded(self, note: Callable[..., None], *args: Any) -> None:
        if self.problem is None and not self._steps:
            try:
                note(*args)
            except RefusalError as refused:
                what, *hint = str(refused).split("\n", 1)
                self.problem = "\n".join([f"{what}{self.at()}", *hint])
            except Exception as error:
                self.problem = f"it could not be followed: {error!r}"

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


def constant_path(path: Any) -> Any:
    """The way from a base to a view, without what differs from run to run."""
    return tuple([(op, settings, nr, False, 0) for op, settings, nr, *_ in path])


def _is_mask(v: Var) -> bool:
    return v.dtype is not None and v.dtype.kind == "b"


def _number(given: Any, prepared: Any, function: Any, place: int) -> Any:
    """The number that forward was run with, as plain Python where that computes the same."""
    plain = isinstance(given, bool | int | float) and not _computes_with(function, place)
    return given if plain else prepared


@cache
def _computes_with(function: Any, place: int) -> bool:
    """Whether a function calls another one on that argument alone, as in `log(y)`: what that gives has a dtype."""
    text = text_of(function)
    if text is None:
        return False
    calls = [node for node in ast.walk(text.tree) if isinstance(node, ast.Call)]
    return {text.parameters[place]} in [
        {n.id for part in call.args for n in ast.walk(part) if isinstance(n, ast.Name)} - {"xp"} for call in calls
    ]
