"""The update of an optimizer, written out: what its rule does to the blocks of each parameter.

NOTE [Updates]
The text is the rule's own, see `unfolding`, so that a program does what `step()` does, to the digit. What may change
from call to call is read anew: rates and other numbers, states, counters, which parameters have gradients. What the
text depends on is looked at before each replay: which options are on, which are zero, hooks. What cannot be written out
(other optimizers, GPUs, what kernels serve) stays a call of `step()`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import groupby
from operator import is_
from typing import Any

from nbautograd import fast
from nbautograd.core.array import is_cupy
from nbautograd.optim.elementwise import ElementwiseOptimizer, stand_in
from nbautograd.replay.naming import Names
from nbautograd.replay.unfolding import Known, NotWrittenError, Unfolding, named

SLOTS = {"max_exp_avg_sq": "top", "momentum_buffer": "b", "grad_avg": "mean"}
"""What slots are called that a rule has among others."""
SCRATCH = ["slope", "t", "u"]
Lines = list[tuple[int, str]]


class Update:
    """A step of an optimizer in a program."""

    def __init__(self, optimizer: Any, names: Names) -> None:
        self._optimizer = optimizer
        self._names = names
        self._kernels: dict[str, int] = {}
        """What a kernel could do, by its name: for how many elements."""
        self._values = self._options()
        self._facts = self._known()
        self.lines: Lines = []
        """Empty where `step()` has to be called."""
        if self._may_be_written():
            with suppress(NotWrittenError):
                self.lines = list(self._written())
        self.by_kernel = any(kernel in fast.running for kernel in self._kernels)
        if self.by_kernel:
            self.lines = []

    def _may_be_written(self) -> bool:
        optimizer: Any = self._optimizer
        own = type(optimizer).step is ElementwiseOptimizer.step and type(optimizer).__module__.startswith("nbautograd.")
        options = [group.get(name) for group in optimizer.param_groups for name in ("differentiable", "capturable")]
        params = [p for group in optimizer.param_groups for p in group["params"]]
        return own and not any(options) and not self._hooked() and not any(is_cupy(p._data) for p in params)

    def _hooked(self) -> bool:
        hooks = self._optimizer._hooks
        return bool(hooks.get("before_step") or hooks.get("after_step") or "step" in vars(self._optimizer))

    def unfit(self) -> str | None:
        """What is not any more as it was when the text was written, or None."""
        if self._hooked():
            return "what a step of the optimizer calls"
        values = self._options()
        if len(values) != len(self._values) or not all(map(is_, values, self._values)):
            if self._known() != self._facts:
                return "an option of the optimizer"
            self._values = values
        for kernel, size in self._kernels.items():
            if kernel in fast.running:
                return "who computes the optimizer's step (a kernel)"
            fast._count(size)
        return None

    def _options(self) -> list[Any]:
        return [value for group in self._optimizer.param_groups for value in group.values()]

    def _known(self) -> list[Any]:
        """What the text depends on, by group."""
        return [_facts(group) for group in self._optimizer.param_groups]

    # --- the text ---

    def _written(self) -> Iterator[tuple[int, str]]:
        optimizer, name = self._optimizer, self._names.bind(self._optimizer, "optimizer")
        yield 1, f"# {name}.step(): {type(optimizer).__name__}"
        for line in _formula(type(optimizer)):
            yield 1, f"# {line}"
        groups = optimizer.param_groups
        for _, alike in groupby(range(len(groups)), key=lambda i: self._facts[i]):
            first, *rest = alike
            some = "" if len(rest) + 1 == len(groups) else f"[{first}:{first + len(rest) + 1}]"
            loop = self._loop(groups[first], f"{name}.param_groups{some}", name)
            yield from _rendered(_Renamed(loop, self._names.local).visit(loop), 1)

    def _loop(self, group: dict[str, Any], groups: str, name: str) -> ast.For:
        """The loop over groups that are alike."""
        optimizer: Any = self._optimizer
        unfolding = Unfolding(group, optimizer, self._names.bind)
        by: Known = {part: named(part) for part in ("self", "group", "state")}
        match unfolding.run(type(optimizer).rule, by):
            case ast.Call(ast.Name("partial"), [ast.Name(function)], [ast.keyword("figures", figures)]):
                update = inspect.unwrap(type(optimizer).rule).__globals__[function]
            case _:
                raise NotWrittenError
        if not all(isinstance(line, ast.Assign | ast.Expr) for line in unfolding.lines):
            raise NotWrittenError
        self._note_kernel(update)
        gradient = self._stand_in(unfolding, by)
        arrays = _arrays(update, list(optimizer.slots(group)))
        given = _given(update, ["np", "p", gradient, *arrays, *SCRATCH[1:]])
        unfolding.run(update, given | {"figures": figures})
        held = ["p", "g", *arrays, *SCRATCH]
        of_group, of_parameter, of_block = _by_depth(unfolding.lines, {"state"}, set(held))
        used = {n.id for line in of_block for n in ast.walk(line) if isinstance(n, ast.Name)}
        frame = f"""
for group in {groups}:
    slots = {name}.slots(group)
    for parameter in group["params"]:
        if parameter.grad is None:
            continue
        state = {name}.state[parameter]
        for {", ".join(n if n in used else "_" for n in held)} in {name}.pieces(parameter, slots):
            pass
"""
        outer: Any = ast.parse(frame).body[0]
        inner = outer.body[1]
        inner.body[2].body = of_block
        inner.body[2:2] = of_parameter
        outer.body[1:1] = of_group
        return outer

    def _stand_in(self, unfolding: Unfolding, by: Known) -> str:
        """Write down what stands for the gradient; what that is called."""
        decay = unfolding.run(type(self._optimizer).decay, by)
        maximize = unfolding.option("maximize") or ast.Constant(False)
        if decay is None or not (unfolding.truth(maximize) or unfolding.truth(decay) is not False):
            return "g"
        decay = unfolding.named("decay", decay)
        options: Known = {"maximize": maximize, "decay": decay}
        unfolding.run(stand_in, _given(stand_in, ["np", "p", "g", "slope"]) | options)
        return "slope"

    def _note_kernel(self, update: Callable[..., Any]) -> None:
        kernel = vars(update).get("kernel")
        if kernel is not None:
            params = [p for group in self._optimizer.param_groups for p in group["params"] if p._grad is not None]
            size = sum(p._data.size for p in params if p._data.size >= fast.LEAST[kernel])
            if size:
                self._kernels[kernel] = size


def _facts(group: dict[str, Any]) -> list[Any]:
    """What is known of a group's options: which they are, but only the signs of numbers."""
    found: list[Any] = []
    for name, value in group.items():
        number = value.__class__ in (int, float)
        sign = (value > 0, value == 0) if number and name != "lr" else ()
        found.append((name, value if isinstance(value, bool | None) else value.__class__ if name != "lr" else "", sign))
    return found


def _formula(kind: type) -> list[str]:
    """What the optimizer's documentation says of its step."""
    text = (inspect.getdoc(kind) or "").partition("Math: ")[2]
    return [line.strip() for line in text.partition("\nSource:")[0].splitlines()]


def _arrays(update: Callable[..., Any], slots: list[str]) -> list[str]:
    """What the slots are called: as the rule calls them, if it gives them names of their own."""
    own = [n for n, p in inspect.signature(update).parameters.items() if p.kind == p.POSITIONAL_OR_KEYWORD][3:]
    return [own[i] if i < len(own) else SLOTS[slot] for i, slot in enumerate(slots)]


def _given(function: Callable[..., Any], arguments: list[str]) -> Known:
    """The parameters of a function by name; those that a star takes are a list."""
    parameters = inspect.signature(function).parameters.values()
    own = [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
    star = [p.name for p in parameters if p.kind == p.VAR_POSITIONAL]
    names: list[Any] = [*map(named, arguments)]
    return dict(zip(own, names, strict=False)) | {name: ast.List(names[len(own) :], ast.Load()) for name in star}


def _by_depth(lines: list[ast.stmt], changing: set[str], arrays: set[str]) -> tuple[list[ast.stmt], ...]:
    """What is the same for all parameters; what, for all blocks of one; and the rest. No variable is assigned twice."""
    found: tuple[list[ast.stmt], ...] = ([], [], [])
    for line in lines:
        names = [n for n in ast.walk(line) if isinstance(n, ast.Name)]
        stores = {n.id for n in names if isinstance(n.ctx, ast.Store) and isinstance(line, ast.Assign)}
        loads = {n.id for n in names} - stores
        if loads & arrays or not names:  # a comment
            found[2].append(line)
            arrays |= stores
        elif loads & changing:
            found[1].append(line)
            changing |= stores
        else:
            found[0].append(line)
    return found


class _Renamed(ast.NodeTransformer):
    """Gives variables the names that they have in the program."""

    def __init__(self, loop: ast.For, name: Callable[[str], str]) -> None:
        stored = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.names = {stem: name(stem) for stem in sorted(stored - {"_"})}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def _rendered(line: Any, depth: int) -> Iterator[tuple[int, str]]:
    """The text of a statement and how deep it stands, line by line."""
    match line:
        case ast.Expr(ast.Constant(str(comment))):
            yield depth, comment
        case ast.For() | ast.If():
            body, line.body = line.body, [ast.Pass()]
            yield depth, ast.unparse(ast.fix_missing_locations(line)).partition("\n")[0]
            for inner in body:
                yield from _rendered(inner, depth + 1)
        case _:
            yield depth, ast.unparse(ast.fix_missing_locations(line))
