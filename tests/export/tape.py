"""A tape small enough to check by eye: it computes with NumPy and writes down what happens as a `Trace`.

It shares no code with the engine, so that exporters and view are tested against traces which no bug of ours has shaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from nbautograd.trace.model import (
    Accumulate,
    Cell,
    Contribution,
    Flow,
    Free,
    Ledger,
    Op,
    Pass,
    Scope,
    Seed,
    Source,
    Span,
    Summary,
    Trace,
    Value,
)

Array = np.ndarray
Rule = Callable[[Array], Array]
WHOLE = 16


def summary(array: Array) -> Summary:
    """Whole up to 16 elements, else figures."""
    out = Summary(list(array.shape), str(array.dtype), zeros=int((array == 0).sum()))
    out.nans, out.infs = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    if array.size <= WHOLE:
        out.data = [float(each) for each in array.ravel()]
        return out
    out.min, out.max, out.mean, out.std = (float(f(array)) for f in (np.min, np.max, np.mean, np.std))
    out.norm = float(np.linalg.norm(array))
    out.histogram = np.histogram(array, 16)[0].tolist()
    return out


@dataclass
class Tape:
    """Records ops on value ids; `code` is the cell, in which ops find their line by the text of it."""

    code: str
    run: int = 1
    trace: Trace = field(init=False)
    arrays: list[Array] = field(default_factory=list)
    rules: list[list[Rule | None]] = field(default_factory=list)
    stored: dict[int, list[Contribution]] = field(default_factory=dict)
    line: int = 1
    scope: int | None = None

    def __post_init__(self) -> None:
        self.trace = Trace(Cell("c1", "In [1]", run=self.run), [Source("In [1]", self.code, cell="c1")])

    def value(self, array: Array, kind: str, name: str | None = None, **more: object) -> int:
        array = np.asarray(array, dtype=np.float32)
        value = Value(len(self.arrays), kind, list(array.shape), "float32", name=name, data=summary(array), **more)
        self.trace.values.append(value)
        self.arrays.append(array)
        return value.id

    def leaf(self, array: object, name: str) -> int:
        return self.value(np.asarray(array), "leaf", name, requires_grad=True)

    def constant(self, array: object, name: str | None = None) -> int:
        return self.value(np.asarray(array), "constant", name)

    def op(self, name: str, inputs: Sequence[int], out: Array, rules: list[Rule | None], **more: object) -> int:
        live = any(self.trace.values[i].requires_grad for i in inputs)
        named, texts = more.pop("named", None), more.pop("texts", [])
        value = self.value(out, "op", named, requires_grad=live, op=len(self.trace.ops), base=more.pop("base", None))
        node = f"{name.title()}Backward0" if live else None
        op = Op(len(self.trace.ops), name, node, list(inputs), [value], span=self.span(), scope=self.scope, **more)
        op.rules = texts
        self.trace.ops.append(op)
        self.rules.append(rules)
        return value

    def span(self) -> Span:
        text = self.code.split("\n")[self.line - 1]
        return Span(0, self.line, len(text) - len(text.lstrip()), self.line, len(text))

    @contextmanager
    def within(self, kind: str, name: str, **more: object) -> Iterator[None]:
        outer, self.scope = self.scope, len(self.trace.scopes)
        self.trace.scopes.append(Scope(self.scope, kind, name, outer, span=self.span(), **more))
        yield
        self.scope = outer

    # --- ops ---

    def add(self, a: int, b: int, named: str | None = None) -> int:
        x, y = self.arrays[a], self.arrays[b]
        rules = [lambda g: _unbroadcast(g, x.shape), lambda g: _unbroadcast(g, y.shape)]
        return self.op("add", [a, b], x + y, rules, named=named, local=["1", "1"], **told("{0} + {1}", "{g}", "{g}"))

    def mul(self, a: int, b: int, named: str | None = None) -> int:
        x, y = self.arrays[a], self.arrays[b]
        rules = [lambda g: _unbroadcast(g * y, x.shape), lambda g: _unbroadcast(g * x, y.shape)]
        more = told("{0} * {1}", "{g} * {1}", "{g} * {0}")
        return self.op("mul", [a, b], x * y, rules, named=named, local=["y", "x"], saved=["x", "y"], **more)

    def sum(self, a: int, named: str | None = None) -> int:
        x = self.arrays[a]
        rules: list[Rule | None] = [lambda g: np.broadcast_to(g, x.shape)]
        more = told("{0}.sum()", "np.broadcast_to({g}, {0}.shape)")
        return self.op("sum", [a], x.sum(), rules, named=named, local=["1"], **more)

    def t(self, a: int) -> int:
        return self.op("t", [a], self.arrays[a].T, [lambda g: g.T], base=a, **told("{0}.T", "{g}.T"))

    def matmul(self, a: int, b: int, named: str | None = None) -> int:
        x, y = self.arrays[a], self.arrays[b]
        rules = [lambda g: g @ y.T, lambda g: x.T @ g]
        more = told("{0} @ {1}", "{g} @ {1}.T", "{0}.T @ {g}")
        return self.op("matmul", [a, b], x @ y, rules, named=named, local=["B^T", "A^T"], saved=["a", "b"], **more)

    def tanh(self, a: int, named: str | None = None) -> int:
        y = np.tanh(self.arrays[a])
        more = told("np.tanh({0})", "{g} * (1 - {out} * {out})")
        return self.op("tanh", [a], y, [lambda g: g * (1 - y * y)], named=named, local=["1 - y^2"], saved=["y"], **more)

    def relu(self, a: int, named: str | None = None) -> int:
        x = self.arrays[a]
        return self.op("relu", [a], np.maximum(x, 0), [lambda g: g * (x > 0)], named=named, saved=["x"])

    def pow(self, a: int, exponent: int, named: str | None = None) -> int:
        x = self.arrays[a]
        rules: list[Rule | None] = [lambda g: g * exponent * x ** (exponent - 1)]
        return self.op("pow", [a], x**exponent, rules, named=named, params={"exponent": str(exponent)}, saved=["x"])

    # --- backward ---

    def backward(self, root: int) -> None:
        """Walks the tape backwards and writes down every event; leaves add to what `stored` says they hold."""
        grads = {root: np.ones_like(self.arrays[root])}
        this = Pass(len(self.trace.passes), "backward", [root], [Seed(root, summary(grads[root]))], self.span())
        this.ops_before = len(self.trace.ops)
        self.trace.passes.append(this)
        ops = [op for op in reversed(self.trace.ops) if op.node]
        live = _reaching(ops, root)
        arrivals = [i for op in ops if op.id in live for i in op.inputs if self.trace.values[i].requires_grad]
        seen: dict[int, int] = {}
        for op in ops:
            if op.id in live:
                this.events += [*self._flows(op, grads, arrivals, seen), Free([op.id])]
        for i, grad in grads.items():
            self.trace.values[i].grad = summary(grad)
            if self.trace.values[i].kind == "leaf":
                this.events.append(self._accumulate(i, grad, this))

    def _flows(self, op: Op, grads: dict[int, Array], arrivals: list[int], seen: dict[int, int]) -> Iterator[Flow]:
        upstream = grads[op.outputs[0]]
        for position, (target, rule) in enumerate(zip(op.inputs, self.rules[op.id], strict=True)):
            if rule is None or not self.trace.values[target].requires_grad:
                continue
            contribution = np.asarray(rule(upstream), dtype=np.float32)
            before = grads.get(target)
            grads[target] = contribution if before is None else before + contribution
            seen[target] = seen.get(target, 0) + 1
            flow = Flow(op.id, position, target, *map(summary, (upstream, contribution, grads[target])))
            flow.before = None if before is None else summary(before)
            flow.arrival, flow.arrivals = seen[target], arrivals.count(target)
            if contribution.shape != upstream.shape and op.name in ("add", "mul"):
                flow.reduced = f"sum over axis 0: {upstream.shape} → {contribution.shape}"
            yield flow

    def _accumulate(self, leaf: int, grad: Array, this: Pass) -> Accumulate:
        value = self.trace.values[leaf]
        earlier = self.stored.get(leaf, [])
        before = sum((np.reshape(each.gradient.data, grad.shape) for each in earlier), np.zeros_like(grad))
        total = summary(np.asarray(before + grad, dtype=np.float32))
        mine = Contribution("c1", "In [1]", self.run, summary(grad), line=self.line, pass_id=this.id)
        value.grad = total
        self.trace.ledgers.append(Ledger(leaf, value.name or "", total, [*earlier, mine]))
        return Accumulate(leaf, summary(grad), total, summary(before) if earlier else None, earlier)


def told(right: str, *rules: str) -> dict[str, object]:
    """What an op and its rules compute, as text."""
    return {"code": f"{{out}} = {right}", "texts": list(rules)}


def _unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 != g.shape[i]), keepdims=True) if shape else g


def _reaching(ops: list[Op], root: int) -> set[int]:
    """The ops whose outputs lead to the root; `ops` are in reverse order."""
    wanted, live = {root}, set[int]()
    for op in ops:
        if wanted & set(op.outputs):
            live.add(op.id)
            wanted |= set(op.inputs)
    return live
