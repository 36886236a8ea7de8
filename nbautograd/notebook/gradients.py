"""What `%grads`, `%zerograd` and `%gradcheck` do with the leaves that a notebook's variables name."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.core.error import UsageError

from nbautograd.core.tensor import Tensor
from nbautograd.nn import Module
from nbautograd.trace import ledger
from nbautograd.trace.summary import text

Leaves = dict[str, Tensor]
NUMBERS = 5
"""Of a gradient in a table, so that a line holds them and where they came from."""


def leaves(namespace: Mapping[str, Any], names: Sequence[str] = ()) -> Leaves:
    """The leaves that require a gradient, by name: variables, and the parameters of modules, as `net.0.weight`.

    Raises: UsageError for a name that stands for something else.
    """
    found: Leaves = {}
    for name in names or [name for name in namespace if not name.startswith("_")]:
        value = namespace.get(name)
        if isinstance(value, Tensor) and value.requires_grad and value.is_leaf:
            found[name] = value
        elif isinstance(value, Module):
            found |= {f"{name}.{inner}": parameter for inner, parameter in value.named_parameters()}
        elif names:
            raise UsageError(_why_not(name, namespace))
    return _once(found)


def _once(found: Leaves) -> Leaves:
    """Each leaf under the first of its names."""
    first: dict[int, str] = {}
    for name, tensor in found.items():
        first.setdefault(id(tensor), name)
    return {name: found[name] for name in first.values()}


def _why_not(name: str, namespace: Mapping[str, Any]) -> str:
    if name not in namespace:
        return f"No variable is called {name!r}."
    value = namespace[name]
    if not isinstance(value, Tensor):
        return f"{name!r} is no tensor and no module, but of type {type(value).__name__}."
    if not value.requires_grad:
        return f"{name!r} does not require a gradient: make it with requires_grad=True."
    maker: Any = value.grad_fn
    return f"{name!r} is no leaf: it was computed, by {maker.name()}, and keeps no .grad."


def table(found: Leaves) -> str:
    """What each `.grad` is the sum of: one line for the total, and one for each of several passes that brought it."""
    lines = [line for name, tensor in found.items() for line in _lines(name, tensor)]
    return "\n".join(lines) or "No variable names a leaf that requires a gradient."


def _lines(name: str, tensor: Tensor) -> list[str]:
    entry = ledger.of(tensor)
    entry.review()
    total = "None" if tensor._grad is None else text(tensor._grad._data, NUMBERS)
    parts = [(text(share.gradient, NUMBERS), _origin(share)) for share in entry.shares]
    if len(parts) == 1 and parts[0][0] == total:
        return [f"{name}.grad = {total}  from {parts[0][1]}"]
    width = max((len(numbers) for numbers, _ in parts), default=0)
    return [f"{name}.grad = {total}", *(f"  {numbers:<{width}}  from {origin}" for numbers, origin in parts)]


def _origin(share: ledger.Share) -> str:
    """Who brought it: `In [3], run 2 of that cell, line 4`."""
    facts = [share.label]
    if share.run > 1:
        facts.append(f"run {share.run} of that cell")
    if share.line:
        facts.append(f"line {share.line}")
    if share.consumed:
        facts.append("an update has used it")
    return ", ".join(facts)


def clear(found: Leaves) -> str:
    """Empty `.grad` everywhere, and say where there was something."""
    full = [name for name, tensor in found.items() if tensor.grad is not None]
    for name in full:
        found[name].grad = None
    return f"Cleared: {', '.join(full)}." if full else "There was nothing to clear."


def check(expression: str, namespace: Mapping[str, Any]) -> str:
    """Compare the gradients of an expression, by every leaf that it names, with finite differences.

    float32 is too coarse for that, so float64 copies of what the expression names take part.

    Raises: UsageError when the expression names no leaf; GradcheckError when a gradient is wrong.
    """
    from nbautograd.autograd import gradcheck

    try:
        tree = ast.parse(expression.strip(), "<gradcheck>", "eval")
    except SyntaxError as error:
        raise UsageError(f"%gradcheck: {expression.strip()!r} is no expression: {error.msg}.") from None
    used = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & namespace.keys())
    copies = {name: _in_float64(namespace[name]) for name in used}
    varied = leaves(copies)
    if not varied:
        raise UsageError("%gradcheck: none of the names in this expression requires a gradient.")
    code = compile(tree, "<gradcheck>", "eval")
    # gradcheck moves the numbers of its inputs in place, so the copies need not be handed on.
    gradcheck(lambda *_: eval(code, {**namespace, **copies}), list(varied.values()))
    return f"The gradient by {', '.join(varied)} agrees with finite differences (in float64)."


def _in_float64(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.detach().double().requires_grad_(value.requires_grad)
    if isinstance(value, Module):
        return copy.deepcopy(value).double()
    return value
