"""What a node has received in a pass, as numbers and as tensors: one gradient, a tuple, or a dict by output."""

from __future__ import annotations

from typing import Any

from .call import wrap
from .tensor import Tensor


def numbers(g: Any) -> Any:
    """`g` without the tensors round its arrays."""
    if isinstance(g, dict):
        return {nr: numbers(v) for nr, v in g.items()}
    if isinstance(g, tuple):
        return tuple(numbers(v) for v in g)
    return g._data if isinstance(g, Tensor) else g


def as_tensor(g: Any) -> Any:
    """One gradient as a tensor; None as it is."""
    return g if g is None or isinstance(g, Tensor) else wrap(g)


def as_tensors(g: Any) -> tuple[Any, ...]:
    """A tensor or None for each output, as hooks of nodes get them."""
    if isinstance(g, dict):
        g = tuple(g.get(nr) for nr in range(max(g) + 1))
    return tuple(as_tensor(x) for x in g) if isinstance(g, tuple) else (as_tensor(g),)


def by_number(g: Any) -> list[tuple[int, Any]]:
    """The gradients that there are, each with the number of its output."""
    parts = enumerate(g) if isinstance(g, tuple) else g.items() if isinstance(g, dict) else [(0, g)]
    return [(nr, part) for nr, part in parts if part is not None]
