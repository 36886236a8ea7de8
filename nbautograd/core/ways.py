"""Which nodes a pass has to go through: those from which something wanted can be reached."""

from __future__ import annotations

from .node import ORDER, PARENTS, Node

Nodes = dict[int, Node]
"""Nodes by their orders."""


def reached_from(roots: list[Node], oldest: int = 0) -> Nodes:
    """All nodes that can be reached from `roots`; none older than the op of the order `oldest`."""
    seen: Nodes = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        order = node[ORDER]
        if order not in seen and (oldest >= 0 or order <= oldest):
            seen[order] = node
            for parent in node[PARENTS]:
                if parent is not None:
                    stack.append(parent)
    return seen


def ways(roots: list[Node], targets: Nodes) -> Nodes:
    """The nodes from which a target can be reached, the targets included, as steps see them: with only such parents."""
    seen = reached_from(roots, max(targets, default=0))
    found: Nodes = {}
    for order in sorted(seen, reverse=True):  # oldest first, so that parents are known before their children
        node = seen[order]
        reaches, whole = order in targets, True
        for parent in node[PARENTS]:
            if parent is None:
                continue
            if parent[ORDER] in found:
                reaches = True
            else:
                whole = False
        if reaches:
            found[order] = node if whole else [*node[:PARENTS], _among(node[PARENTS], found)]
    return found


def _among(parents: tuple[Node | None, ...], found: Nodes) -> tuple[Node | None, ...]:
    return tuple([p if p is not None and p[ORDER] in found else None for p in parents])
