"""The steps of backward: what a node does with its gradient, written out for ops of one and two inputs.

A step runs the rules of a node and sends each input its contribution. `waiting` holds the nodes that the walk has yet
to come to and `sums` what each has received so far, both by the order of the node; `heap` holds the orders. See NOTE
[The walk]. Where gradients are tensors, the same steps are made of rules for tensors and of `add_tensors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from heapq import heappush
from sys import getrefcount
from typing import Any

from .array import SOLE_HERE, ndarray, unbroadcast
from .node import FITS, ORDER, PARENTS, Node
from .op import TABLE
from .rules import names_of
from .tensor import Tensor

Waiting = dict[int, Node]
Sums = dict[int, Any]
Step = Callable[[Node, Any, Any, list[int], Waiting, Sums], None]
Add = Callable[[int, Any, Sums], None]
Build = Callable[[Any, Any, Any, Add], Step]


def fit(c: Any, target: tuple[Any, Any]) -> Any:
    """A contribution brought back to its input's shape and dtype."""
    shape, dtype = target
    if shape is not None and (c._data if isinstance(c, Tensor) else c).shape != shape:
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
SOLE_IN_WAITING = SOLE_HERE + 1
"""What `getrefcount` says of an array that only `sums` holds, besides the variable it is asked about."""


def send(parent: Node, c: Any, heap: list[int], waiting: Waiting, sums: Sums, add: Add) -> None:
    """Add the contribution `c` to what `parent` has received; the first one makes it wait its turn."""
    order = parent[ORDER]
    if order in sums:
        add(order, c, sums)
    else:
        sums[order] = c
        waiting[order] = parent
        heappush(heap, order)


def add(order: int, c: Any, sums: Sums) -> None:
    """Add the contribution `c` to what the node of that order, which waits already, has received."""
    held = sums[order]
    if (
        held.__class__ is ndarray
        and held.size > SMALL
        and held.base is None
        and getrefcount(held) <= SOLE_IN_WAITING
        and held.flags.writeable
    ):
        held += c  # nobody else can see this buffer
    else:
        sums[order] = held + c


def add_tensors(order: int, c: Tensor, sums: Sums) -> None:
    """`add` for gradients that are tensors."""
    sums[order] = sums[order] + c


def step_one(op: Any, pulls: Any, rules: Any, add: Add) -> Step:
    """The step of an op with one input; a rule that asks for one saved value is called without a detour."""
    pull, rule = pulls[0], rules[0]
    direct = len(_slots(op, 0)) == 1

    def step(node: Node, g: Any, saved: Any, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        c = rule(g, saved[0]) if direct else pull(g, saved)
        fits = node[FITS]
        if fits is not None:
            c = fit(c, fits[0])
        parent = node[PARENTS][0]
        order = parent[ORDER]
        if order in sums:
            if sums[order].__class__ is ndarray:  # in no variable, for add counts who holds it
                add(order, c, sums)
            else:
                sums[order] = sums[order] + c
        else:
            sums[order] = c
            waiting[order] = parent
            heappush(heap, order)

    return step


def step_two(op: Any, pulls: Any, rules: Any, add: Add) -> Step:
    """The step of a binary op.

    Rules as short as those of sums and products are not called but done here: on scalars a call costs more than that.
    """
    pull_x, pull_y = pulls
    dx, dy = rules
    counts = None if dx is None or dy is None else (len(_slots(op, 0)), len(_slots(op, 1)))
    direct, bare = counts == (1, 1), counts == (0, 0)
    (i,), (j,) = (_slots(op, 0), _slots(op, 1)) if direct else ((0,), (0,))
    rule_x: Any = dx
    rule_y: Any = dy
    same_x, same_y = _says(dx, lambda g: g), _says(dy, lambda g: g)
    product = _says(dx, lambda g, y: g * y) and _says(dy, lambda g, x: g * x)

    def step(node: Node, g: Any, saved: Any, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        px, py = node[PARENTS]
        fits = node[FITS]
        if px is not None:
            if same_x:
                c = g
            elif product:
                c = g * saved[i]
            else:
                c = rule_x(g, saved[i]) if direct else rule_x(g) if bare else pull_x(g, saved)
            if fits is not None:
                c = fit(c, fits[0])
            order = px[ORDER]
            if order in sums:
                if sums[order].__class__ is ndarray:  # in no variable, for add counts who holds it
                    add(order, c, sums)
                else:
                    sums[order] = sums[order] + c
            else:
                sums[order] = c
                waiting[order] = px
                heappush(heap, order)
        if py is not None:
            if same_y:
                c = g
            elif product:
                c = g * saved[j]
            else:
                c = rule_y(g, saved[j]) if direct else rule_y(g) if bare else pull_y(g, saved)
            if fits is not None:
                c = fit(c, fits[1])
            order = py[ORDER]
            if order in sums:
                if sums[order].__class__ is ndarray:  # in no variable, for add counts who holds it
                    add(order, c, sums)
                else:
                    sums[order] = sums[order] + c
            else:
                sums[order] = c
                waiting[order] = py
                heappush(heap, order)

    return step


def _says(rule: Any, form: Any) -> bool:
    """Whether `rule` is written as `form` is."""
    code = getattr(rule, "__code__", None)
    return code is not None and code.co_code == form.__code__.co_code


def _slots(op: Any, i: int) -> tuple[int, ...]:
    """Where in SAVED the values lie that the rule of input `i` asks for."""
    return tuple([op.saves.index(name) for name in names_of(op.rules[i])[1:]])


def step_many(op: Any, pulls: Any, rules: Any, add: Add) -> Step:
    """The step of any op with one output."""

    def step(node: Node, g: Any, saved: Any, heap: list[int], waiting: Waiting, sums: Sums) -> None:
        for parent, c in contributions(op, pulls, node, g, saved):
            if c is not None:
                send(parent, c, heap, waiting, sums, add)

    return step


def set_step(op: Any, build: Build | None) -> None:
    """Give the entry `op` its step; None for one that the walk takes in its general way."""
    op.build = build
    op.step = None if build is None else build(op, op.pulls, op.rules, add)


@cache
def recording_step(op: Any) -> Step:
    """The step of `op` in a pass whose gradients, and the values that it saved, are tensors."""
    return op.build(op, op.recording_pulls(), op.differentiable(), add_tensors)


def contributions(op: Any, pulls: Any, node: Node, g: Any, saved: Any) -> Iterator[tuple[Node, Any]]:
    """(parent, contribution) of every input of `node` that needs one."""
    fits = node[FITS]
    shares: Any = pulls[0](g, saved) if op.variadic else None
    for i, parent in enumerate(node[PARENTS]):
        if parent is not None:
            c = pulls[i](g, saved) if shares is None else shares[i]
            yield parent, c if c is None or fits is None else fit(c, fits[i])
