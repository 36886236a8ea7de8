"""Gradient rules compiled: what they ask for by name becomes positions, so that running them looks up nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import array as arrays
from .twins import Pull

Rule = Callable[..., Any]


FACTS: dict[str, Callable[[Any], Any]] = {
    "shape": np.shape,
    "dtype": lambda data: data.dtype,
    "device": arrays.device_of,
}
"""What a rule may ask about an input without keeping it alive."""


def names_of(rule: Rule) -> tuple[str, ...]:
    code = rule.__code__  # type: ignore[attr-defined]
    return code.co_varnames[: code.co_argcount]


def compile_entry(op: Any, forward: Any, rules: tuple[Rule | None, ...]) -> None:
    """Bind the rules' parameter names to positions, once, so that running them looks up nothing."""
    op.forward = staticmethod(forward)
    op.rules = rules
    wanted = dict.fromkeys(name for rule in rules if rule for name in names_of(rule)[1:])
    op.saves = tuple(wanted)
    op.pulls = pulls_of(op, rules)
    users = {n: tuple(i for i, rule in enumerate(rules) if rule and n in names_of(rule)) for n in op.saves}
    op.plan = tuple((*_origin(op, name), users[name]) for name in op.saves)
    op.frees = vars(op).get("frees") is True or any(is_tensor(op, kind, where) for kind, where, _ in op.plan)
    from . import short

    short.install(op)


def is_tensor(op: Any, kind: str, where: Any) -> bool:
    """Whether what `op` saves under `kind` and `where` (of its plan) are tensors that a user may hold too."""
    return kind in ("input", "out", "aux") or (kind == "setting" and where in op.holds)


def _origin(op: Any, name: str) -> tuple[str, Any]:
    """Where the value called `name` comes from when an op is recorded."""
    if name in op.inputs:
        return "input", op.inputs.index(name)
    if name == "out":
        return "out", 0
    subject, _, fact = name.rpartition("_")
    if subject in op.inputs and fact in FACTS:
        return "fact", (op.inputs.index(subject), FACTS[fact])
    if name in op.settings:
        return "setting", name
    if name in op.aux:
        return "aux", op.aux.index(name)
    raise TypeError(f"{op.__name__}: a rule asks for {name!r}, which is no input, setting or aux of it")


def pulls_of(op: Any, rules: tuple[Rule | None, ...]) -> tuple[Pull | None, ...]:
    return tuple(rule and _pull(rule, tuple(op.saves.index(n) for n in names_of(rule)[1:])) for rule in rules)


def _pull(rule: Rule, slots: tuple[int, ...]) -> Pull:
    """`rule` as a function of the gradient and everything saved."""
    match slots:
        case ():
            return lambda g, saved: rule(g)
        case (i,):
            return lambda g, saved: rule(g, saved[i])
        case (i, j):
            return lambda g, saved: rule(g, saved[i], saved[j])
        case _:
            return lambda g, saved: rule(g, *[saved[k] for k in slots])
