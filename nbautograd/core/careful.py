"""The step of a pass that takes all into account: hooks, several outputs, captured gradients, observers, anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import anomaly, errors, node_hooks
from . import dtype as dtypes
from .array import ndarray
from .call import wrap
from .held import take
from .leaves import bring, own
from .modes import local, set_grad_mode, state
from .node import OP, ORDER, PARENTS, SAVED, Hooked, Leaf, Node, OutputSlot
from .received import as_tensors, by_number, numbers
from .restored import as_tensors as restored
from .saved import unpack
from .steps import contributions, send
from .tensor import Tensor

if TYPE_CHECKING:
    from .walk import Walk


def step(walk: Walk, node: Node, g: Any) -> None:
    """Let `node`, which has received `g`, do what it does."""
    op, hooks = node[OP], None
    if op.__class__ is Hooked:
        op, hooks = op.op, op
    if hooks is not None or op.outputs is None:
        set_grad_mode(walk.create_graph)  # only hooks and custom functions ask
    if g.__class__ is dict and op.outputs is not None:
        g = tuple([g.get(nr) for nr in range(op.outputs)])
    if hooks is not None:
        g = node_hooks.before(walk, hooks, g)
        if g is None:
            return
    if walk.kind == "grad" and node[ORDER] in walk.targets:
        for nr, part in by_number(g):
            walk.found[node[ORDER], nr] = part if isinstance(part, Tensor) else wrap(own(part))
        if not any(p is not None and walk.needs(p) for p in node[PARENTS]):
            return
    if op is Leaf:
        bring(walk, node, g)
        for hook in list(hooks.after.values()) if hooks is not None else ():
            hook((), as_tensors(g))
    elif op is OutputSlot:
        _hand_on(walk, node, g)
    else:
        _run(walk, node, op, g, hooks)


def step_in_anomaly_mode(walk: Walk, node: Node, g: Any) -> None:
    """`step`, which tells where the node was made should it fail."""
    outer, local.running = local.running, node
    try:
        step(walk, node, g)
    except Exception:
        anomaly.tell(node)
        raise
    finally:
        local.running = outer


def _hand_on(walk: Walk, slot: Node, g: Any) -> None:
    """Add `g`, the gradient of one output, to the others of its op."""
    node, nr = slot[PARENTS][0], slot[SAVED][0]
    if node[ORDER] not in walk.sums:
        walk.send(node, {})
    outputs = walk.sums[node[ORDER]]
    held = outputs.get(nr)
    outputs[nr] = g if held is None else held + g


def _run(walk: Walk, node: Node, op: Any, g: Any, hooks: Hooked | None) -> None:
    """Run the rules of `node`, and send what they give."""
    node, saved = take(node, op, False)  # hooks may ask for it
    if hooks is not None and hooks.packed:
        saved = unpack(saved)
    pulls = op.pulls
    if walk.tensors:
        pulls, saved = op.recording_pulls(), restored(node, op, saved)
    way = node if walk.needed is None else walk.needed[node[ORDER]]
    sent = list(contributions(op, pulls, way, g, saved))
    if hooks is not None and hooks.after:
        sent = node_hooks.after(walk, hooks, node, g, sent)
    if state.anomaly and state.check_nan:
        _check_finite(node, g, [c for _, c in sent])
    if walk.observer is None:
        heap, waiting, sums, add = walk.heap, walk.waiting, walk.sums, walk.add  # `walk.send` costs a call more
        for parent, c in sent:
            if c is not None:
                send(parent, c, heap, waiting, sums, add)
    else:
        _send_watched(walk, node, way, g, sent)
    if walk.free and op.frees:
        op.release(node)
        if walk.observer is not None:
            walk.observer.freed(node)


def _send_watched(walk: Walk, node: Node, way: Node, g: Any, sent: list[Any]) -> None:
    """Send what `node` has for its parents, and tell the observer what each held before and holds now."""
    observer: Any = walk.observer
    upstream = numbers(g)
    places = [i for i, p in enumerate(way[PARENTS]) if p is not None]
    for i, (parent, c) in zip(places, sent, strict=True):
        if c is not None:
            before = walk.sums.get(parent[ORDER])
            before = before.copy() if isinstance(before, ndarray) else numbers(before)
            walk.send(parent, c)
            observer.flow(node, i, upstream, numbers(c), before, numbers(walk.sums[parent[ORDER]]))


def _check_finite(node: Node, g: Any, shares: list[Any]) -> None:
    for i, share in enumerate(shares):
        if _has_nan(numbers(share)):
            raise errors.not_a_number(node, i, anomaly.lines_of(node), _has_nan(numbers(g)))


def _has_nan(data: Any) -> bool:
    return getattr(getattr(data, "dtype", None), "kind", "") in dtypes.INEXACT and bool((data != data).any())
