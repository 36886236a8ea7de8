"""torch.utils._pytree: functions of trees, nested tuples, lists, dicts and registered classes.

Anything that is no such container is a leaf; None is one too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbautograd.autograd.trees import (
    CONTAINERS,
    GetAttrKey,
    IsLeaf,
    MappingKey,
    SequenceKey,
    TreeSpec,
    flattened,
    kind_of,
)
from nbautograd.autograd.trees import register_pytree_node as register_pytree_node


def tree_flatten(tree: Any, is_leaf: IsLeaf | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree, in order, and its structure; what `is_leaf` says yes to is not taken apart.

    Example:
        >>> from nbautograd.utils._pytree import tree_flatten
        >>> tree_flatten({"a": 1, "b": [2, 3]})[0]
        [1, 2, 3]
    """
    leaves: list[Any] = []
    return leaves, flattened(tree, leaves, is_leaf)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """A tree with this structure and these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of PyTreeSpec but got item of type {type(treespec)}.")
    return treespec.unflatten(leaves)


def tree_iter(tree: Any, is_leaf: IsLeaf | None = None) -> Iterator[Any]:
    """The leaves one by one."""
    yield from tree_flatten(tree, is_leaf)[0]


def tree_leaves(tree: Any, is_leaf: IsLeaf | None = None) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: IsLeaf | None = None) -> TreeSpec:
    """The structure without its leaves."""
    return tree_flatten(tree, is_leaf)[1]


def tree_is_leaf(tree: Any, is_leaf: IsLeaf | None = None) -> bool:
    """Whether `tree` is a leaf."""
    return kind_of(tree) is None or (is_leaf is not None and is_leaf(tree))


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf | None = None) -> Any:
    """A tree of what `func` gives for each leaf, and for what stands in its place in the other trees.

    Raises: ValueError when another tree is put together in another way.
    Example:
        >>> from nbautograd.utils._pytree import tree_map
        >>> tree_map(lambda x: x + 1, {"a": 1, "b": [2, 3]})
        {'a': 2, 'b': [3, 4]}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return spec.unflatten([func(*row) for row in zip(leaves, *map(spec.flatten_up_to, rests), strict=True)])


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf | None = None) -> Any:
    """Call `func` with each leaf, for what it does to it; the tree itself is returned."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _one_of(kinds: Any) -> IsLeaf:
    """Whether a leaf is of these classes, or what a predicate says of it."""
    return kinds if callable(kinds) and not isinstance(kinds, type) else lambda leaf: isinstance(leaf, kinds)


def tree_map_only(kinds: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf | None = None) -> Any:
    """A tree of what `func` gives for each leaf of these classes (or that a predicate holds of)."""
    wanted = _one_of(kinds)
    return tree_map(lambda leaf: func(leaf) if wanted(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_map_only_(kinds: Any, /, func: Callable[[Any], Any], tree: Any, is_leaf: IsLeaf | None = None) -> Any:
    """Call `func` with each leaf of these classes; the tree itself is returned."""
    tree_map_only(kinds, func, tree, is_leaf)
    return tree


def tree_all(pred: IsLeaf, tree: Any, is_leaf: IsLeaf | None = None) -> bool:
    """Whether a predicate holds of all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: IsLeaf, tree: Any, is_leaf: IsLeaf | None = None) -> bool:
    """Whether a predicate holds of any leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(kinds: Any, /, pred: IsLeaf, tree: Any, is_leaf: IsLeaf | None = None) -> bool:
    """Whether a predicate holds of all leaves of these classes."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, kinds))


def tree_any_only(kinds: Any, /, pred: IsLeaf, tree: Any, is_leaf: IsLeaf | None = None) -> bool:
    """Whether a predicate holds of any leaf of these classes."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, kinds))


# --- leaves with their places -------------------------------------------------------------------------------------


def tree_leaves_with_path(tree: Any, is_leaf: IsLeaf | None = None) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves in order, each behind the keys that lead to it."""
    return list(_with_path(tree, (), is_leaf))


def _with_path(tree: Any, path: tuple[Any, ...], is_leaf: IsLeaf | None) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if tree_is_leaf(tree, is_leaf):
        yield path, tree
        return
    with_keys = CONTAINERS[kind_of(tree)].with_keys
    if with_keys is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {type(tree)}. Please pass a flatten_with_keys_fn argument "
            "to register_pytree_node."
        )
    for key, part in with_keys(tree)[0]:
        yield from _with_path(part, (*path, key), is_leaf)


def tree_flatten_with_path(tree: Any, is_leaf: IsLeaf | None = None) -> tuple[list[Any], TreeSpec]:
    """As `tree_flatten`, each leaf behind the keys that lead to it."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: IsLeaf | None = None) -> Any:
    """As `tree_map`, with the keys that lead to the leaf before it."""
    found, spec = tree_flatten_with_path(tree, is_leaf)
    others = map(spec.flatten_up_to, rests)
    return spec.unflatten([func(path, leaf, *row) for (path, leaf), *row in zip(found, *others, strict=True)])


def keystr(kp: tuple[Any, ...]) -> str:
    """The keys that lead to a leaf as one writes them: `['a'][0].x`."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: tuple[Any, ...]) -> Any:
    """What the keys lead to."""
    return functools.reduce(lambda part, key: key.get(part), kp, obj)


def is_namedtuple_instance(obj: object) -> bool:
    """Whether `obj` is a named tuple."""
    return is_namedtuple_class(type(obj))


def is_namedtuple_class(cls: Any) -> bool:
    """Whether `cls` makes named tuples."""
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_namedtuple(obj: object) -> bool:
    """Whether `obj` is a named tuple, or makes them."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


PyTreeSpec = TreeSpec
SUPPORTED_NODES = CONTAINERS

__all__ = [
    "SUPPORTED_NODES",
    "GetAttrKey",
    "MappingKey",
    "PyTreeSpec",
    "SequenceKey",
    "TreeSpec",
    "is_namedtuple",
    "is_namedtuple_class",
    "is_namedtuple_instance",
    "key_get",
    "keystr",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_is_leaf",
    "tree_iter",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_map_with_path",
    "tree_structure",
    "tree_unflatten",
]
