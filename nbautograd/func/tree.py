"""Nested tuples, lists and dicts of tensors: what functions of `torch.func` take and return."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any


class Structure:
    """How a nested value is put together, without its leaves; None is a leaf."""

    __slots__ = ("children", "context", "kind")

    def __init__(self, kind: Any = None, context: Any = None, children: tuple[Structure, ...] = ()) -> None:
        self.kind, self.context, self.children = kind, context, children

    @property
    def is_leaf(self) -> bool:
        return self.kind is None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure) or self.kind is not other.kind:
            return False
        if isinstance(self.context, list):
            return dict(zip(self.context, self.children, strict=True)) == dict(
                zip(other.context, other.children, strict=True)
            )
        return self.children == other.children

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self._text(0)

    def _text(self, indent: int) -> str:
        if self.is_leaf:
            return "*"
        indent += 2
        inside = (",\n" + " " * indent).join(child._text(indent) for child in self.children)
        return f"TreeSpec({self.kind.__name__}, {self.context}, [{inside}])"

    def picture(self) -> str:
        """The structure with a star for each leaf: `(*, {'a': *})`."""
        return str(unflatten([_Star()] * self.count(), self))

    def count(self) -> int:
        """The number of leaves."""
        return 1 if self.is_leaf else sum(child.count() for child in self.children)


class _Star:
    def __repr__(self) -> str:
        return "*"


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """The leaves of `value`, in order, and its structure."""
    leaves: list[Any] = []
    return leaves, _flatten(value, leaves)


def _flatten(value: Any, leaves: list[Any]) -> Structure:
    kind = type(value)
    if kind in (dict, OrderedDict):
        return Structure(kind, list(value), tuple([_flatten(v, leaves) for v in value.values()]))
    if kind in (tuple, list) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        return Structure(kind, None, tuple([_flatten(v, leaves) for v in value]))
    leaves.append(value)
    return Structure()


def unflatten(leaves: Any, structure: Structure) -> Any:
    """A value with this structure and these leaves."""
    return _unflatten(iter(leaves), structure)


def _unflatten(leaves: Iterator[Any], structure: Structure) -> Any:
    if structure.is_leaf:
        return next(leaves)
    parts = [_unflatten(leaves, child) for child in structure.children]
    if structure.context is not None:
        return structure.kind(zip(structure.context, parts, strict=True))
    return structure.kind(*parts) if hasattr(structure.kind, "_fields") else structure.kind(parts)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """`value` with `function` applied to each leaf."""
    leaves, structure = flatten(value)
    return unflatten([function(leaf) for leaf in leaves], structure)


def spread(prefix: Any, structure: Structure) -> list[Any] | None:
    """`prefix`, whose leaves may stand for whole branches, as one value for each leaf; None where it does not fit.

    `in_dims=(0, None)` for the arguments `({"w": w, "b": b}, x)` is `[0, 0, None]`.
    """
    if not isinstance(prefix, tuple | list | dict):
        return [prefix] * structure.count()
    own = type(prefix)
    if structure.is_leaf or own is not structure.kind or len(prefix) != len(structure.children):
        return None
    if isinstance(prefix, dict):
        if set(prefix) != set(structure.context):
            return None
        prefix = [prefix[key] for key in structure.context]
    found: list[Any] = []
    for part, child in zip(prefix, structure.children, strict=True):
        values = spread(part, child)
        if values is None:
            return None
        found += values
    return found
