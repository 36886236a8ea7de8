"""Nested tuples, lists and dicts of tensors: what functions of `torch.func` take and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.autograd.trees import TreeSpec as Structure
from nbautograd.autograd.trees import flattened, kind_of

__all__ = ["Structure", "flatten", "mapped", "picture", "spread", "unflatten"]


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """The leaves of `value`, in order, and its structure."""
    leaves: list[Any] = []
    return leaves, flattened(value, leaves)


def unflatten(leaves: Any, structure: Structure) -> Any:
    """A value with this structure and these leaves."""
    return structure.unflatten(leaves)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """`value` with `function` applied to each leaf."""
    leaves, structure = flatten(value)
    return structure.unflatten([function(leaf) for leaf in leaves])


def picture(structure: Structure) -> str:
    """The structure with a star for each leaf: `(*, {'a': *})`."""
    return str(structure.unflatten([_Star()] * structure.num_leaves))


class _Star:
    def __repr__(self) -> str:
        return "*"


def spread(prefix: Any, structure: Structure) -> list[Any] | None:
    """`prefix`, whose leaves may stand for whole branches, as one value for each leaf; None where it does not fit.

    `in_dims=(0, None)` for the arguments `({"w": w, "b": b}, x)` is `[0, 0, None]`.
    """
    kind = kind_of(prefix)
    if kind is None:
        return [prefix] * structure.num_leaves
    if kind is not structure.type:
        return None
    try:
        parts = structure.parts_of(prefix)
    except ValueError:
        return None
    found: list[Any] = []
    for part, child in zip(parts, structure.children(), strict=True):
        values = spread(part, child)
        if values is None:
            return None
        found += values
    return found
