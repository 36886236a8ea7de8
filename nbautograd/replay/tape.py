"""Notes a step as it runs: which function of which arrays gave which array, forward, backward and in between.

NOTE [What is noted]
The tape is an observer of the engine. An op becomes a call of its `forward`; a gradient that flows along an edge
becomes a call of that input's rule, with the values that the rule's parameters name; where two gradients meet, a sum.
Arrays are told apart by identity, so what is noted is the flow of data, whatever Python did to steer it. Whatever would
make a replay differ from the step (numbers that Python reads, tensors from nowhere, hooks) ends in `problem`, and the
step is left to run as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.call import _prepare as prepared
from nbautograd.core.call import setting_of
from nbautograd.core.inplace import storage
from nbautograd.core.node import FITS, OP, PARENTS, SAVED, Hooked, node_and_output, op_of
from nbautograd.core.op import Op, names_of
from nbautograd.core.tensor import Tensor


class Var:
    """An array of the program; `shape` and `dtype` are those it had when the step was noted."""

    __slots__ = ("array", "dtype", "shape", "uniform")

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape: tuple[int, ...] | None = getattr(array, "shape", None)
        self.dtype: Any = getattr(array, "dtype", None)
        self.uniform = isinstance(array, ndarray) and array.size > 1 and not any(array.strides)
        """Whether one number stands everywhere, as in the gradient of a sum."""

    @property
    def size(self) -> int:
        return 0 if self.shape is None else int(np.prod(self.shape))


class Item:
    """A number that the step returns: the only element of a variable."""

    def __init__(self, var: Var) -> None:
        self.var = var


@dataclass(slots=True, eq=False)
class Call:
    """One line of the program: `outs = function(*args, **settings)`."""

    function: Any
    args: list[Any]
    outs: list[Any]
    settings: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    kind: str = "op"
    """`op`, `rule`, `sum`, `fit`, `read`, `draw`, `check`, or an effect: `write`, `accumulate`, `clear`, `step`."""
    entry: Any = None
    """The op, where it is elementwise and may be fused with others."""
    line: int | None = None
    several: bool = False
    """Whether the function gives a tuple, even of one."""

    def reads(self) -> list[Var]:
        """The variables that it reads."""
        return variables(self.args) + variables(self.settings)


def variables(value: Any) -> list[Var]:
    """The variables in a nest of values."""
    if isinstance(value, Item):
        return [value.var]
    if isinstance(value, Var):
        return [value]
    if isinstance(value, slice):
        return variables((value.start, value.stop, value.step))
    if isinstance(value, dict):
        return [v for part in value.values() for v in variables(part)]
    return [v for part in value for v in variables(part)] if isinstance(value, list | tuple) else []


EFFECTS = ("write", "accumulate", "clear", "step")


@dataclass(slots=True, eq=False)
class Ran:
    """What an op that ran has given and what its rules may ask for."""

    op: type[Op]
    inputs: list[Any]
    settings: dict[str, Any]
    outs: list[Any]
    aux: list[Var]
    node: Any
    slots: list[Any]
    shares: Any = None
    """What the one rule of a variadic op gave: for which pass, and for each input."""


class RefusalError(Exception):
    """The step cannot be replayed; the message says why."""


class Tape:
    """The observer that notes one run of a step.

    `arguments` are the tensors handed to the step. `met` holds what an earlier run has met that came from outside: what
    is neither one of those nor made by an op or a creating function came from nowhere.
    """

    detailed = True

    def __init__(self, arguments: list[Tensor], met: dict[int, Any] | None, line: Callable[[], int | None]) -> None:
        self.thread: int | None = get_ident()
        self.calls: list[Call] = []
        self.problem: str | None = None
        self.met = met
        self.outside: dict[int, Any] = {}
        self.leaves: dict[int, Tensor] = {}
        self.reads: list[tuple[Any, Var]] = []
        self.changed = False
        self.walked: set[int] = set()
        """The ids of the nodes through which a gradient went."""
        self._line = line
        self._vars: dict[int, Var] = {}
        self._ran: dict[int, Ran] = {}
        self._gradients: dict[int, Any] = {}
        self._gradient_of: dict[int, Tensor] = {}
        self._made: set[int] = set()
        self._drawn: dict[int, Any] = {}
        self._raw_draws = 0
        self._steps = 0
        self._lasting: dict[int, Tensor] = {}
        self._by_tensor: dict[int, tuple[Var, Any]] = {}
        self._writing: tuple[Any, Any] | None = None
        self._symbolic = True
        self._in_pass = False
        self._kept: list[Any] = list(arguments)
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
        v = self._known(t._data) or self._new(t._data)
        self._by_tensor[id(t)] = (v, t._data)
        return v

    def _note(self, function: Any, args: list[Any], outs: list[Any], settings: Any = None, **more: Any) -> None:
        self.calls.append(Call(function, args, outs, settings or {}, line=self._line(), **more))

    def _read(self, t: Tensor) -> Var:
        """The variable for a tensor from outside, which is read here."""
        owner = self._gradient_of.get(id(t))
        v = self._new(t._data)
        self._note(None, [(owner, "grad") if owner is not None else (t, "")], [v], kind="read")
        self._kept.append(t)
        self._by_tensor[id(t)] = (v, t._data)
        if owner is None and id(t) not in self._made:
            self._lasting[id(t)] = t
            if t._node is not None:
                self.leaves[id(t)] = t
        return v

    def var(self, t: Tensor) -> Var:
        """The variable that stands for what the tensor `t` holds now."""
        v, data = self._by_tensor.get(id(t), (None, None))
        same = data is t._data or (isinstance(data, np.generic) and isinstance(t._data, ndarray))  # see `array_of`
        found = v if v is not None and same else self._known(t._data)
        if found is not None:
            return found
        if id(t) in self._made or id(t) in self._gradient_of:
            return self._read(t)
        if t._node is not None and not t.is_leaf:
            raise RefusalError("it uses a tensor that was computed before the step")
        if self.met is not None and id(t) not in self.met:
            raise RefusalError("it uses a tensor that is neither an argument, nor lasts, nor was made by an op")
        self.outside[id(t)] = t
        return self._read(t)

    def _setting(self, value: Any) -> Any:
        if value.__class__ is np.bool_:
            raise RefusalError("a single truth value chooses")
        if isinstance(value, ndarray | np.generic):
            self._drawn.pop(id(value), None)
            found = self._known(value)
            if found is not None:
                return found
            if isinstance(value, ndarray) and self.met is not None and id(value) not in self.met:
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

    def _guarded(self, note: Callable[..., None], *args: Any) -> None:
        if self.problem is None and not self._steps:
            try:
                note(*args)
            except RefusalError as refused:
                self.problem = str(refused)
            except Exception as error:
                self.problem = f"it could not be followed: {error!r}"

    def _op(self, op: Any, inputs: Any, params: dict[str, Any], outputs: Any) -> None:
        if self._raw_draws:
            raise RefusalError("it draws random numbers in a way that cannot be repeated")
        if any(isinstance(t, Tensor) and (t.is_cuda or t._data.dtype.kind == "V") for t in (*inputs, *outputs)):
            raise RefusalError("it computes on a GPU, or in bfloat16")
        given = [self.var(x) if isinstance(x, Tensor) else x for x in inputs]
        for x in inputs:
            if isinstance(x, Tensor):
                self._drawn.pop(id(x._data), None)
        datas, casts = prepared(op, inputs)
        for i, was in enumerate(casts):
            if was is not None:
                cast = Var(datas[i])
                self._note(np.ndarray.astype, [given[i], datas[i].dtype], [cast], kind="fit", name="astype")
                given[i] = cast
            elif not isinstance(inputs[i], Tensor) and inputs[i] is not None:
                given[i] = _number(inputs[i], datas[i])
        settings = {name: self._setting(value) for name, value in params.items()}
        if op.name == "index" and any(_is_mask(v) for v in variables(settings)):
            raise RefusalError("the shape of a result depends on numbers")
        self._kept.append((inputs, outputs))
        same = all(self._known(t._data) is not None for t in outputs) and not op.aux
        outs = [self._result(t) for t in outputs]
        aux = [Var(None) for _ in op.aux]
        elementwise = op if op.elementwise and not op.aux and op.outputs == 1 else None
        if not same:
            several = op.outputs != 1 or bool(aux)
            more: dict[str, Any] = {"name": op.name, "entry": elementwise, "several": several}
            self._note(op.forward, given, [*outs, *aux], settings, **more)
        node = None if outputs[0]._node is None else node_and_output(outputs[0]._node)[0]
        if node is not None:
            slots = [t._node for t in outputs] if op.outputs != 1 else []
            full = {name: settings[name] if name in settings else setting_of(op, {}, name) for name in op.settings}
            self._ran[id(node)] = Ran(op_of(node), given, full, outs, aux, node, slots)
            saved = node[SAVED] if isinstance(node[SAVED], tuple) else ()
            for (kind, where, _), value in zip(op.plan, saved, strict=False):
                if kind == "aux" and hasattr(value, "dtype"):
                    aux[where].array, aux[where].shape, aux[where].dtype = value, value.shape, value.dtype
                    self._vars[id(value)] = aux[where]

    def extra(self, values: tuple[Any, ...]) -> None:
        """The aux values of the last op, as tensors."""
        self._guarded(self._extra, values)

    def _extra(self, values: tuple[Any, ...]) -> None:
        for v, t in zip(self.calls[-1].outs[-len(values) :], values, strict=True):
            if isinstance(t, Tensor):
                v.array, v.shape, v.dtype = t._data, t._data.shape, t._data.dtype
                self._by_tensor[id(t)] = (v, t._data)
                self._vars[id(t._data)] = v
                self._kept.append(t)

    def in_place(self, target: Any, result: Any) -> None:
        """The result of the last op goes into `target`."""
        self._writing = (target, result)

    def mutated(self, tensor: Any) -> None:
        """Values were changed in place."""
        self._guarded(self._mutated, tensor)

    def _mutated(self, tensor: Any) -> None:
        writing, self._writing = self._writing, None
        if self._in_pass and writing is None:
            return  # backward adds to a gradient, which is told apart
        if writing is None or writing[0] is not tensor:
            raise RefusalError("a tensor is changed by other means than an op")
        if tensor._base is not None or tensor._views or self._shared(tensor):
            raise RefusalError("a tensor that shares memory with others is changed in place")
        v = self.var(writing[1])
        if v.dtype != tensor._data.dtype:
            raise RefusalError("a tensor is changed in place by numbers of another dtype")
        owner = self._gradient_of.get(id(tensor))
        if owner is not None or id(tensor) in self._lasting:
            self._note(None, [(owner, "grad") if owner is not None else (tensor, ""), v], [], kind="write")
            self.changed = True
        self._vars[id(tensor._data)] = v
        v.array = tensor._data
        self._by_tensor[id(tensor)] = (v, tensor._data)

    def _shared(self, tensor: Any) -> bool:
        """Whether other tensors that the program knows have their numbers where `tensor` has its own."""
        data = tensor._data
        if tensor._scalar_group and any(r() is not None and r() is not tensor for r in tensor._scalar_group):
            return True
        if any(known is data and key != id(tensor) for key, (_, known) in self._by_tensor.items()):
            return True
        owner = storage(data)
        return any(
            isinstance(v.array, ndarray) and v.array is not data and storage(v.array) is owner
            for v in self._vars.values()
        )

    # --- backward ---

    def backward_begin(self, roots: Any, seeds: Any, kind: str, retain_graph: bool, create_graph: bool) -> None:
        """A pass starts."""
        self._in_pass = True
        self._guarded(self._begin, roots, seeds, create_graph)

    def _begin(self, roots: Any, seeds: Any, create_graph: bool) -> None:
        self._symbolic = not create_graph
        self._gradients = {}
        for root, seed in zip(roots, seeds, strict=True):
            data = seed._data if isinstance(seed, Tensor) else seed
            v = self._known(data)
            if v is None:
                if not bool((data == 1).all()):
                    raise RefusalError("backward starts from numbers that no op has made")
                v = self._new(data)
                self._note(None, [data], [v], kind="seed")
            self._kept.append(data)
            if isinstance(seed, Tensor):
                self._by_tensor[id(seed)] = (v, data)
                self._kept.append(seed)
            if self._symbolic:
                self._send(root._node, v, None)

    def _send(self, node: Any, c: Any, after: Any) -> None:
        self.walked.add(id(node))
        held = self._gradients.get(id(node))
        if held is not None:
            total = Var(after)
            self._note(np.add, [held, c], [total], kind="sum", name="add")
            c = total
        self._gradients[id(node)] = c
        if after is not None and isinstance(c, Var):
            self._vars[id(after)] = c
            c.array = after
            self._kept.append(after)

    def flow(self, node: Any, index: int, upstream: Any, contribution: Any, before: Any, after: Any) -> None:
        """A gradient went along an edge."""
        if self._symbolic:
            self._guarded(self._flow, node, index, upstream, contribution, after)

    def _flow(self, node: Any, index: int, upstream: Any, contribution: Any, after: Any) -> None:
        ran = self._ran.get(id(node))
        if ran is None:
            raise RefusalError("its graph has a node that no op has made: a custom Function, or a graph from before")
        hooks = node[OP]
        if hooks.__class__ is Hooked and (hooks.on_gradient or hooks.before or hooks.after or hooks.packed):
            raise RefusalError("a hook is registered in its graph")
        parent = node[PARENTS][index]
        c = self._known(contribution)
        if c is None:
            c = self._pulled(ran, index, self._upstream(ran, node), contribution)
        self._send(parent, c, None if isinstance(after, dict) else after)

    def _upstream(self, ran: Ran, node: Any) -> Any:
        if ran.slots:
            parts = [self._gradients.get(id(s)) for s in ran.slots]
            return tuple(parts) if ran.op.outputs is not None else {i: p for i, p in enumerate(parts) if p is not None}
        return self._gradients[id(node)]

    def _pulled(self, ran: Ran, index: int, g: Any, contribution: Any) -> Any:
        """The variable of what the rule of input `index` makes of `g`."""
        op = ran.op
        if op.wirtinger() is op and op.__dict__.get("_wirtinger") is op:
            raise RefusalError("it computes gradients of complex numbers")
        fits = ran.node[FITS]
        target = None if fits is None else fits[index]
        if target is not None and op.elementwise and target == (ran.outs[0].shape, None):
            target = None  # an elementwise rule gives the shape of the result
        raw = Var(contribution if target is None else None)
        if op.variadic:
            if ran.shares is None or ran.shares[0] is not self._gradients:  # of another pass
                ran.shares = (self._gradients, [Var(None) for _ in ran.inputs])
                self._rule(ran, 0, g, ran.shares[1])
            raw = ran.shares[1][index]
            raw.array, raw.shape, raw.dtype = contribution, contribution.shape, contribution.dtype
        else:
            self._rule(ran, index, g, [raw])
        self._kept.append(contribution)
        if target is None:
            self._vars[id(contribution)] = raw
            return raw
        fitted = self._new(contribution)
        self._note(_fitted, [raw, *target], [fitted], kind="fit", name="fit")
        return fitted

    def _rule(self, ran: Ran, index: int, g: Any, outs: list[Var]) -> None:
        op = ran.op
        rule: Any = op.rules[index]
        origin = {name: (kind, where) for name, (kind, where, _) in zip(op.saves, op.plan, strict=True)}
        args = [g]
        for name in names_of(rule)[1:]:
            kind, where = origin[name]
            if kind == "input":
                args.append(tuple(ran.inputs) if op.variadic else ran.inputs[where])
            elif kind == "out":
                args.append(ran.outs[0] if op.outputs == 1 else tuple(ran.outs))
            elif kind == "fact":
                i, fact = where
                known = [x.array if isinstance(x, Var) else x for x in ran.inputs]
                args.append(tuple([fact(x) for x in known]) if op.variadic else fact(known[i]))
            elif kind == "setting":
                args.append(ran.settings[where])
            else:
                args.append(ran.aux[where])
        entry = op if op.elementwise and not op.variadic and op.outputs == 1 else None
        name = f"{op.name}_d{op.inputs[index]}"
        self._note(rule, args, outs, kind="rule", name=name, entry=entry, several=op.variadic)

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """A leaf added to its `.grad`."""
        self._guarded(self._accumulate, tensor, contribution)

    def _accumulate(self, tensor: Any, contribution: Any) -> None:
        if not tensor.is_leaf:
            raise RefusalError("a computed tensor retains its gradient")
        hooks = tensor._node[OP]
        if hooks.__class__ is Hooked and (hooks.on_gradient or hooks.before or hooks.after_accumulate):
            raise RefusalError("a hook is registered on a leaf")
        c = self._gradients.get(id(tensor._node)) if self._symbolic else self._known(contribution)
        if c is None:
            raise RefusalError("a gradient came from nowhere")
        self._note(None, [(tensor, ""), c], [], kind="accumulate")
        self.changed = True
        self._gradient_of[id(tensor._grad)] = tensor
        self._vars.pop(id(tensor._grad._data), None)
        self._kept.append((tensor, tensor._grad, tensor._grad._data))

    def found(self, tensor: Any, gradient: Any) -> None:
        """`autograd.grad` returned `gradient` for `tensor`."""
        if self._symbolic:
            self._guarded(self._found, tensor, gradient)

    def _found(self, tensor: Any, gradient: Any) -> None:
        v = self._gradients.get(id(tensor._node))
        if v is None:
            raise RefusalError("a gradient came from nowhere")
        self._vars[id(gradient._data)] = v
        v.array = gradient._data
        self._kept.append(gradient)

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` was replaced."""
        self._guarded(self._grad_set, tensor, value)

    def _grad_set(self, tensor: Any, value: Any) -> None:
        if value is not None:
            raise RefusalError("a gradient is put into place by hand")
        self._note(None, [(tensor, "")], [], kind="clear")
        self._kept.append(tensor)

    def freed(self, node: Any) -> None:
        """Nothing to note: the program frees by itself."""

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""
        self._in_pass = False

    # --- what is not computing ---

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """An optimizer's step is one line of the program."""
        if kind == "optimizer":
            if not self._steps:
                self._guarded(self._step, owner)
            self._steps += 1

    def _step(self, owner: Any) -> None:
        self._note(None, [owner], [], kind="step")
        self.changed = True

    def scope_end(self, kind: str) -> None:
        """What the optimizer has changed is read anew from here on."""
        if kind == "optimizer":
            self._steps -= 1
            last = self.calls[-1] if self.calls else None
            if not self._steps and last is not None and last.kind == "step":
                for group in last.args[0].param_groups:
                    for p in group["params"]:
                        self._vars.pop(id(p._data), None)
                        self._by_tensor.pop(id(p), None)

    def read(self, tensor: Any, how: str, value: Any) -> None:
        """Python got to see numbers."""
        self._guarded(self._told, tensor, how, value)

    def _told(self, tensor: Any, how: str, value: Any) -> None:
        v = self._known(tensor._data)
        if v is None:
            v = self.var(tensor)
        if how == "bool":
            if self.changed:
                raise RefusalError("it decides by a number after it has changed something")
            self._note(None, [v, value], [], kind="check")
        elif how == "item":
            self.reads.append((value, v))
        else:
            raise RefusalError(f"Python reads a tensor's numbers by {how}()")

    def made(self, tensor: Any) -> None:
        """A tensor was made of numbers from outside."""
        self._guarded(self._made_of, tensor)

    def _made_of(self, tensor: Any) -> None:
        if self._drawn.pop(id(tensor._data), None) is not None:
            return
        if self._drawn or self._raw_draws:
            raise RefusalError("it draws random numbers in a way that cannot be repeated")
        self._made.add(id(tensor))
        self._kept.append(tensor)
        if self._known(tensor._data) is None:
            v = self._new(tensor._data)
            self._note(None, [np.array(tensor._data)[()]], [v], kind="seed")

    def drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        """Random numbers were drawn."""
        self._guarded(self._drew, function, args, array)

    def _drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        if function is None:
            self._raw_draws += 1
            return
        self._raw_draws = 0
        self._drawn[id(array)] = array
        self._kept.append(array)
        self._note(function, list(args), [self._new(array)], kind="draw", name=function.__name__)

    def finish(self) -> None:
        """The step is over."""
        if self.problem is None and (self._drawn or self._raw_draws):
            self.problem = "it draws random numbers in a way that cannot be repeated"


def _is_mask(v: Var) -> bool:
    return v.dtype is not None and v.dtype.kind == "b"


def _number(given: Any, prepared: Any) -> Any:
    """The number that forward was run with, as plain Python where that computes the same."""
    return given if isinstance(given, bool | int | float) else prepared


def _fitted(c: Any, shape: Any, dtype: Any) -> Any:
    from nbautograd.core.steps import fit

    return fit(c, (shape, dtype))
