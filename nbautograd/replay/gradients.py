"""Notes of backward passes: for every edge the rule that ran, for every node the sum of what it received."""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

import numpy as np

from nbautograd.core.array import unbroadcast
from nbautograd.core.node import FITS, PARENTS, SAVED, has_hooks, op_of
from nbautograd.core.rules import names_of
from nbautograd.core.steps import fit
from nbautograd.core.tensor import Tensor
from nbautograd.core.text import text_of
from nbautograd.replay.calling import Calling
from nbautograd.replay.calls import Ran, RefusalError, Var, variables
from nbautograd.replay.notes import constant_path

BY_PATH = ("view_scatter", "as_strided")
"""The ops of nodes that changes through views make."""


class Gradients(Calling):
    """Notes of a run forward and backward; see `Tape`."""

    def backward_begin(self, roots: Any, seeds: Any, kind: str, retain_graph: bool, create_graph: bool) -> None:
        """A pass starts."""
        if self._in_pass and self.problem is None:
            self.problem = f"it runs a backward pass inside another one{self.at()}"
        self._in_pass = True
        if self._steps and self.problem is None:
            self.problem = f"an optimizer's step runs backward{self.at()}"
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
                v = self._vars[id(data)] = _gradient_of(self._known(root._data), data)
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
            total.gradient_of = c.gradient_of if isinstance(c, Var) else None
            last = self.calls[-1]
            self._note(np.add, [held, c], [total], kind="sum", name="add", line=last.line, module=last.module)
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
            ran = self._ran[id(node)] = self._of_history(node)
        if has_hooks(node):
            raise RefusalError("a hook is registered in its graph")
        parent = node[PARENTS][index]
        g = self._upstream(ran, node)
        same = isinstance(g, Var) and g.array is contribution and _passes_on(ran.op.rules[index])
        c = g if same else self._pulled(ran, index, g, contribution)
        self._send(parent, c, None if isinstance(after, dict) else after)

    def _of_history(self, node: Any) -> Ran:
        """What stands for a node that a change through a view has made; see `core.history`.

        Raises: RefusalError for others.
        """
        op = op_of(node)
        if getattr(op, "name", "") not in BY_PATH:
            raise RefusalError("its graph has a node that no op has made: a custom Function, or a graph from before")
        saved = dict(zip(op.saves, node[SAVED], strict=True))
        last = self.calls[-1]
        inputs = [None] * len(node[PARENTS])
        settings = {**saved, "path": constant_path(saved["path"])}
        return Ran(op, inputs, settings, [], [], node, [], last.line, last.module)

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
        if target == (None, None):
            target = None
        raw = _gradient_of(ran.inputs[index], contribution if target is None else None)
        if op.saves == ("ctx",):
            raw = self._known(contribution)
            if raw is None:
                raise RefusalError(f"its custom Function {op.name} returns a gradient that no op has made")
        elif op.variadic:
            if ran.shares is None or ran.shares[0] is not self._gradients:  # of another pass
                ran.shares = (self._gradients, [_gradient_of(x) for x in ran.inputs])
                self._rule(ran, 0, g, ran.shares[1])
            known = self._known(contribution)
            if any(known is share for share in ran.shares[1]):  # as of the biases of an LSTM
                return known
            raw = ran.shares[1][index]
            raw.stands_for(contribution)
        else:
            self._rule(ran, index, g, [raw])
        self._kept.append(contribution)
        if target is None:
            self._vars[id(contribution)] = raw
            return raw
        fitted = self._vars[id(contribution)] = _gradient_of(ran.inputs[index], contribution)
        fitting, more = (unbroadcast, target[:1]) if target[1] is None else (_fitted, target)
        place = {"line": ran.line, "module": ran.module}
        self._note(fitting, [raw, *more], [fitted], kind="fit", name=fitting.__name__.strip("_"), **place)
        return fitted

    def _rule(self, ran: Ran, index: int, g: Any, outs: list[Var]) -> None:
        op = ran.op
        rule: Any = op.rules[index]
        origin = {name: (kind, where) for name, (kind, where, _) in zip(op.saves, op.plan, strict=True)}
        args = [g]
        for name in names_of(rule)[1:]:
            kind, where = origin[name]
            if not ran.outs:
                args.append(ran.settings[name])
            elif kind == "input":
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
        if any(id(v) in self.stale for v in variables(args[1:])):
            raise RefusalError("backward uses numbers that were changed since")
        entry = op if op.elementwise and not op.variadic and op.outputs == 1 else None
        name = f"{op.name}_d{op.inputs[index]}"
        place = {"line": ran.line, "module": ran.module}
        self._note(rule, args, outs, kind="rule", name=name, entry=entry, several=op.variadic, **place)

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """A leaf added to its `.grad`."""
        self._guarded(self._accumulate, tensor, contribution, before)

    def _accumulate(self, tensor: Any, contribution: Any, before: Any) -> None:
        if not tensor.is_leaf:
            raise RefusalError("a computed tensor retains its gradient")
        if has_hooks(tensor._node):
            raise RefusalError("a hook is registered on a leaf")
        c = self._gradients.get(id(tensor._node)) if self._symbolic else self._known(contribution)
        if c is None:
            raise RefusalError("a gradient came from nowhere")
        if id(tensor) not in self.lasting and before is None:  # the noted run's tensor: it stands for one of each run
            self._note(None, [(tensor, "")], [], kind="clear")
        self._note(None, [(tensor, ""), c], [], kind="accumulate")
        self._gradient_of[id(tensor._grad)] = tensor
        if before is not None:
            self._forget([tensor._grad])
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
        if not _is_in_order(v.array) and _is_in_order(gradient._data):  # it has been copied, and so laid out anew
            given, v = v, _gradient_of(self._by_tensor.get(id(tensor), (None,))[0], gradient._data)
            self._note(np.ascontiguousarray, [given], [v], kind="fit", name="ascontiguousarray")
        self._vars[id(gradient._data)] = v
        self._by_tensor[id(gradient)] = (v, gradient._data)
        v.array = gradient._data
        self._kept.append(gradient)

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` was replaced."""
        self._guarded(self._grad_set, tensor, value)

    def _grad_set(self, tensor: Any, value: Any) -> None:
        self._kept.append((tensor, value))
        if value is not None and self._gradient_of.get(id(value)) is tensor:
            return  # as by `w.grad *= 2`, which has changed it in place
        v = None if value is None else self.var(value)
        self._note(None, [(tensor, "")], [], kind="clear")
        if v is None:
            return
        if value._node is not None or id(value) in self.lasting or self._lasting_with(value):
            raise RefusalError("it makes .grad a tensor that lasts, or one that requires grad")
        self._note(None, [(tensor, ""), v], [], kind="accumulate")
        self._gradient_of[id(value)] = tensor

    def freed(self, node: Any) -> None:
        """Nothing to note: the program frees by itself."""

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""
        self._in_pass = False


@cache
def _passes_on(rule: Any) -> bool:
    """Whether a rule returns the gradient that it is given, whatever the numbers are."""
    text = text_of(rule)
    return text is not None and isinstance(text.tree, ast.Name) and text.tree.id == text.parameters[0]


def _is_in_order(array: Any) -> bool:
    return getattr(array, "flags", None) is None or array.flags.c_contiguous


def _fitted(c: Any, shape: Any, dtype: Any) -> Any:
    return fit(c, (shape, dtype))


def _gradient_of(x: Any, array: Any = None) -> Var:
    """A variable for a gradient of `x`."""
    found = Var(array)
    found.gradient_of = x if isinstance(x, Var) else None
    return found
