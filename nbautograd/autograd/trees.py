"""Trees: how nested tuples, lists, dicts and registered classes are taken apart into leaves and put together again.

Anything that is no such container is a leaf; None is one too.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

IsLeaf = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """The place of a part in a tuple or list."""

    idx: int

    def get(self, sequence: Any) -> Any:
        """The part there."""
        return sequence[self.idx]

    def __str__(self) -> str:
        return f"[{self.idx!r}]"


@dataclass(frozen=True, slots=True)
class MappingKey:
    """The key of a part in a dict."""

    key: Any

    def get(self, mapping: Any) -> Any:
        """The part there."""
        return mapping[self.key]

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class GetAttrKey:
    """The attribute that a part is."""

    name: str

    def get(self, owner: Any) -> Any:
        """The part there."""
        return getattr(owner, self.name)

    def __str__(self) -> str:
        return f".{self.name}"


class Container(NamedTuple):
    """How one kind of container is taken apart and put together."""

    flatten: Callable[[Any], tuple[Any, Any]]
    """The parts and whatever else the container knows (its context)."""
    unflatten: Callable[[Any, Any], Any]
    with_keys: Callable[[Any], tuple[Any, Any]] | None = None
    """As `flatten`, each part behind its key."""


def _of_mapping(kind: Any) -> Container:
    return Container(
        lambda d: (d.values(), list(d)),
        lambda parts, keys: kind(zip(keys, parts, strict=True)),
        lambda d: ([(MappingKey(k), v) for k, v in d.items()], list(d)),
    )


def _numbered(parts: Any) -> list[tuple[Any, Any]]:
    return [(SequenceKey(i), part) for i, part in enumerate(parts)]


MAPPINGS = (dict, OrderedDict, defaultdict)
CONTAINERS: dict[Any, Container] = {
    tuple: Container(lambda t: (t, None), lambda parts, _: tuple(parts), lambda t: (_numbered(t), None)),
    list: Container(lambda t: (t, None), lambda parts, _: list(parts), lambda t: (_numbered(t), None)),
    dict: _of_mapping(dict),
    OrderedDict: _of_mapping(OrderedDict),
    defaultdict: Container(
        lambda d: (d.values(), [d.default_factory, list(d)]),
        lambda parts, context: defaultdict(context[0], zip(context[1], parts, strict=True)),
        lambda d: ([(MappingKey(k), v) for k, v in d.items()], [d.default_factory, list(d)]),
    ),
    deque: Container(
        lambda d: (d, d.maxlen), lambda parts, most: deque(parts, most), lambda d: (_numbered(d), d.maxlen)
    ),
    namedtuple: Container(
        lambda t: (t, type(t)),
        lambda parts, kind: kind(*parts),
        lambda t: ([(GetAttrKey(name), part) for name, part in zip(t._fields, t, strict=True)], type(t)),
    ),
}
"""By class; named tuples stand under the function that makes their classes."""


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Any, Any]],
    unflatten_fn: Callable[[Any, Any], Any],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Any = None,
    from_dumpable_context: Any = None,
    flatten_with_keys_fn: Callable[[Any], tuple[Any, Any]] | None = None,
) -> None:
    """Make objects of a class containers: `flatten_fn(obj)` gives parts and context, `unflatten_fn` takes both.

    Raises: ValueError for a class that is one already.
    """
    if cls in CONTAINERS:
        raise ValueError(f"{cls} is already registered as pytree node.")
    CONTAINERS[cls] = Container(flatten_fn, unflatten_fn, flatten_with_keys_fn)


def kind_of(value: Any) -> Any:
    """Under what `value` stands among the containers; None for a leaf."""
    kind = type(value)
    if kind in CONTAINERS:
        return kind
    return namedtuple if isinstance(value, tuple) and hasattr(value, "_fields") else None


class TreeSpec:
    """How a tree is put together, without its leaves."""

    __slots__ = ("_children", "context", "num_leaves", "type")

    def __init__(
        self,
        type: Any = None,  # noqa: A002
        context: Any = None,
        children_specs: Iterable[TreeSpec] = (),
    ) -> None:
        self.type, self.context, self._children = type, context, tuple(children_specs)
        self.num_leaves: int = 1 if type is None else sum(child.num_leaves for child in self._children)

    @property
    def num_nodes(self) -> int:
        """The number of containers and leaves."""
        return 1 + sum(child.num_nodes for child in self._children)

    @property
    def num_children(self) -> int:
        """The number of parts of the outermost container."""
        return len(self._children)

    @property
    def children_specs(self) -> list[TreeSpec]:
        """torch's former name of `children()`."""
        warnings.warn(
            "`treespec.children_specs` is deprecated. Use `treespec.child(index)` to access a single child, or "
            "`treespec.children()` to get all children.",
            FutureWarning,
            stacklevel=2,
        )
        return self.children()

    def children(self) -> list[TreeSpec]:
        """The structures of the parts."""
        return list(self._children)

    def child(self, index: int) -> TreeSpec:
        """The structure of one part."""
        return self._children[index]

    def is_leaf(self) -> bool:
        """Whether this is no container."""
        return self.type is None

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """A tree with this structure and these leaves.

        Raises: ValueError when there are too many or too few.
        """
        leaves = leaves if isinstance(leaves, list | tuple) else list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that "
                f"holds {self.num_leaves} items ({self})."
            )
        return self._filled(iter(leaves))

    def _filled(self, leaves: Iterator[Any]) -> Any:
        if self.type is None:
            return next(leaves)
        return CONTAINERS[self.type].unflatten([child._filled(leaves) for child in self._children], self.context)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """The parts of `tree` where this structure has leaves; they may be trees themselves.

        Raises: ValueError when `tree` is put together in another way.
        """
        if self.type is None:
            return [tree]
        parts = self.parts_of(tree)
        return [leaf for child, part in zip(self._children, parts, strict=True) for leaf in child.flatten_up_to(part)]

    def parts_of(self, tree: Any) -> list[Any]:
        """The parts of a tree whose outermost container is as here; all kinds of dicts will do for each other."""
        kind, dicts = kind_of(tree), self.type in MAPPINGS
        if kind is not self.type and not (dicts and kind in MAPPINGS):
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {type(tree)!r}.")
        parts, context = CONTAINERS[kind].flatten(tree)
        if len(parts) != len(self._children):
            raise ValueError(f"Node arity mismatch; expected {len(self._children)}, but got {len(parts)}.")
        if dicts:
            return self._values_of(tree)
        if context != self.context and kind is not deque:
            raise ValueError(
                f"Node context mismatch for node type {self.type!r}; expected {self.context!r}, but got {context!r}."
            )
        return list(parts)

    def _values_of(self, tree: Any) -> list[Any]:
        """The values of a dict in the order of the keys here."""
        keys = self.context[1] if self.type is defaultdict else self.context
        missing, extra = set(keys) - set(tree), set(tree) - set(keys)
        if missing:
            raise ValueError(f"Node keys mismatch; missing key(s): {missing}; extra key(s): {extra}.")
        return [tree[key] for key in keys]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (self.type, self.context, self._children) == (other.type, other.context, other._children)

    def __hash__(self) -> int:
        return hash((self.type, self._children))

    def __repr__(self) -> str:
        return self._text(2)

    def _text(self, indent: int) -> str:
        if self.type is None:
            return "*"
        parts = (",\n" + " " * indent).join(child._text(indent + 2) for child in self._children)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{parts}])"


_LEAF = TreeSpec()


def flattened(tree: Any, leaves: list[Any], is_leaf: IsLeaf | None = None) -> TreeSpec:
    """The structure of `tree`, whose leaves go to the end of `leaves`."""
    kind = kind_of(tree)
    if kind is None or (is_leaf is not None and is_leaf(tree)):
        leaves.append(tree)
        return _LEAF
    parts, context = CONTAINERS[kind].flatten(tree)
    return TreeSpec(kind, context, [flattened(part, leaves, is_leaf) for part in parts])
