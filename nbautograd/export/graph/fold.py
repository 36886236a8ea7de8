"""Folds a trace's ops into groups by module, loop step and source line: twin of labextension/src/graph/fold.ts.

There, NOTE [Folding without circles] tells why the groups make none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from nbautograd.trace.model import Op, Scope, Trace

SMALL = 150
"""An unfolded diagram is shown whole up to this size."""
LOOPING, LAYERED, ALIKE = 40, 60, 6
"""One with at least `ALIKE` steps of a loop or modules is folded from fewer nodes on: these look alike."""
FEW = 4
"""A level with fewer groups than this says nothing: `auto` opens it."""
REPEATS = 3
DEEPEST = 32
"""Scopes further inside than this are no groups of their own."""
RANGES = 50
"""How many ranges a level that is still too large is cut into."""

Collapse = Literal["auto", "module", "line", "none"]


@dataclass(slots=True)
class Group:
    """Why some ops are drawn as one."""

    kind: Literal["module", "step", "line", "repeat", "range"]
    label: str
    """What tells it from its siblings."""
    title: str
    scope: int | None = None
    mark: str | None = None
    """Siblings that are alike bear the same mark, and runs of them fold into `title ×n`."""


@dataclass(slots=True)
class Cluster:
    """Ops that are drawn as one node: a single op, or a closed group."""

    key: str
    ops: list[int]
    group: Group | None = None


@dataclass(slots=True)
class _Level:
    """A part of the ops, to be grouped by the labels at `depth` of their paths."""

    key: str
    ops: list[int]
    depth: int = 0
    repeated: bool = False
    """Whether it is itself the inside of `title ×n`."""


Path = Callable[[int], list[Group]]
"""The groups that an op lies in, outermost first."""
Labels = list[Group | None]


def fold(trace: Trace, collapse: Collapse, expanded: Collection[str], max_nodes: int) -> list[Cluster]:
    """What is drawn, in tape order, when the groups whose keys are in `expanded` are open."""
    limit = max_nodes if collapse == "none" else min(SMALL, max_nodes)
    path = _paths(trace, collapse)
    levels = [_Level("", [op.id for op in trace.ops])]
    closed: list[Cluster] = []
    while levels:
        level = levels.pop()
        clusters = _split(trace, level, path, limit)
        few = collapse == "auto" and len(clusters) < FEW
        for cluster in clusters:
            group = cluster.group
            if group is None:
                closed.append(cluster)
            elif len(cluster.ops) == 1:
                closed.append(Cluster(f"o{cluster.ops[0]}", cluster.ops))
            elif (few and group.kind != "range") or cluster.key in expanded:
                same = group.kind in ("range", "repeat")
                depth = level.depth if same else level.depth + 1
                levels.append(_Level(cluster.key, cluster.ops, depth, group.kind == "repeat"))
            else:
                closed.append(cluster)
    return sorted(closed, key=lambda cluster: cluster.ops[0])


def _paths(trace: Trace, collapse: Collapse) -> Path:
    leaves = {i for op in trace.ops for i in op.inputs if trace.values[i].op is None}
    kinds = Counter(scope.kind for scope in trace.scopes)
    most = LOOPING if kinds["step"] >= ALIKE else LAYERED if kinds["module"] >= ALIKE else SMALL
    small = len(trace.ops) + len(leaves) <= most
    if collapse == "none" or (collapse == "auto" and small):
        return lambda _: []
    by_scope: list[list[Group]] = []
    for scope in trace.scopes:
        outer = [] if scope.parent is None else by_scope[scope.parent]
        counts = len(outer) < DEEPEST and (collapse != "line" or scope.kind == "step")
        by_scope.append([*outer, _scope_group(scope)] if counts else outer)

    def scopes(op: Op) -> list[Group]:
        return [] if op.scope is None else by_scope[op.scope]

    if collapse == "module":
        return lambda i: scopes(trace.ops[i])
    code = [source.code.split("\n") for source in trace.sources]
    lines: dict[str, Group] = {}
    return lambda i: [*scopes(trace.ops[i]), *_line_group(code, trace.ops[i], lines)]


def _scope_group(scope: Scope) -> Group:
    label = f"s{scope.id}"
    if scope.kind == "step":
        index = "" if scope.index is None else scope.index
        return Group("step", label, f"step {index}".strip(), scope.id, f"step {scope.name}")
    title = scope.name if scope.type is None else f"{scope.name} · {scope.type}"
    return Group("module", label, title, scope.id, scope.name if scope.type is None else scope.type)


def _line_group(code: list[list[str]], op: Op, known: dict[str, Group]) -> list[Group]:
    if op.span is None:
        return []
    source, line = op.span.source, op.span.line
    label = f"l{source}:{line}"
    if label not in known:
        text = code[source][line - 1].strip(" \t\r") if 0 < line <= len(code[source]) else ""
        known[label] = Group("line", label, text or f"line {line}")
    return [known[label]]


# --- one level ---


def _split(trace: Trace, level: _Level, path: Path, limit: int) -> list[Cluster]:
    groups: Labels = []
    for op in level.ops:
        steps = path(op)
        groups.append(steps[level.depth] if level.depth < len(steps) else None)
    folded = groups if level.repeated else _repeats(groups)
    size = sum(group is None for group in folded) + len({group.label for group in folded if group})
    labels = folded if size <= limit else _ranges(level.ops, groups)
    return _without_circles(trace, level.ops, _gather(level, labels))


def _gather(level: _Level, groups: Labels) -> list[Cluster]:
    """Clusters by label; ops without a group stay alone."""
    by_label: dict[str, Cluster] = {}
    for op, group in zip(level.ops, groups, strict=True):
        key = f"{level.key}/{group.label}" if group else f"o{op}"
        by_label.setdefault(key, Cluster(key, [], group)).ops.append(op)
    return list(by_label.values())


def _repeats(groups: Labels) -> Labels:
    """Consecutive siblings that are alike as one group `title ×n`."""
    out = groups[:]
    start = 0
    for end in range(1, len(groups) + 1):
        first = groups[start]
        following = groups[end] if end < len(groups) else None
        if first and following and first.mark is not None and following.mark == first.mark:
            continue
        count = len({group.label for group in groups[start:end] if group})
        if first and first.mark is not None and count >= REPEATS:
            name = "step" if first.kind == "step" else [*first.title.split(" · "), first.mark][1]
            out[start:end] = [Group("repeat", f"{first.label}×{count}", f"{name} ×{count}")] * (end - start)
        start = end
    return out


def _ranges(ops: list[int], groups: Labels) -> Labels:
    """The last resort for a level that is too large: stretches of the tape, cut where the label changes."""
    labels = [group and group.label for group in groups]
    titles = [group.title if group else f"op {op}" for op, group in zip(ops, groups, strict=True)]
    starts = [i for i, label in enumerate(labels) if label is None or i == 0 or label != labels[i - 1]]
    cuts = starts[:: math.ceil(len(starts) / RANGES)]
    out: Labels = []
    for start, end in zip(cuts, [*cuts[1:], len(ops)], strict=True):
        title = f"{titles[start]} … {titles[end - 1]}"
        out += [Group("range", f"{ops[start]}-{ops[end - 1]}", title)] * (end - start)
    return out


def _without_circles(trace: Trace, ops: list[int], clusters: list[Cluster]) -> list[Cluster]:
    """Splits groups that lie on a circle into runs of consecutive ops."""
    owner = {op: i for i, cluster in enumerate(clusters) for op in cluster.ops}
    edges: list[tuple[int, int]] = []
    for op in ops:
        for i in trace.ops[op].inputs:
            source, target = owner.get(_maker(trace, i)), owner[op]
            if source is not None and source != target:
                edges.append((source, target))
    circular = _peel(len(clusters), edges)
    if not circular:
        return clusters
    whole = [cluster for i, cluster in enumerate(clusters) if i not in circular]
    return whole + [run for i, run in _runs(ops, owner, clusters) if i in circular]


def _maker(trace: Trace, value: int) -> int:
    op = trace.values[value].op
    return -1 if op is None else op


def _peel(count: int, edges: list[tuple[int, int]]) -> set[int]:
    """What is left when sources, then sinks, are taken away until there are none: everything on or between circles."""
    forward = _unpeeled(set(range(count)), edges)
    return _unpeeled(forward, [(target, source) for source, target in edges]) if forward else forward


def _unpeeled(left: set[int], edges: list[tuple[int, int]]) -> set[int]:
    targets: dict[int, list[int]] = {i: [] for i in left}
    waits = dict.fromkeys(left, 0)
    for source, target in edges:
        if source in left and target in left:
            targets[source].append(target)
            waits[target] += 1
    ready = [i for i in left if not waits[i]]
    rest = set(left)
    while ready:
        i = ready.pop()
        rest.discard(i)
        for target in targets[i]:
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return rest


def _runs(ops: list[int], owner: dict[int, int], clusters: list[Cluster]) -> list[tuple[int, Cluster]]:
    """The stretches of consecutive ops of one cluster, each with its cluster's number."""
    out: list[tuple[int, Cluster]] = []
    for op in ops:
        i = owner[op]
        if not out or out[-1][0] != i:
            cluster = clusters[i]
            out.append((i, Cluster(f"{cluster.key}#{op}" if cluster.group else cluster.key, [], cluster.group)))
        out[-1][1].ops.append(op)
    return out
