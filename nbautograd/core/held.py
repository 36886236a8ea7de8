"""What a node saved, as backward finds it: as it was, changed since, or freed.

NOTE [What torch holds]
torch saves what rules ask for whether or not they will run, but for one case: of several inputs a single one has a
rule that asks for the value, and that input asks for no gradient. So after a pass has gone through `q * 2`, where no
path leads back from `q` (NOTE [Quiet views]), a second one may, but none may go through `q.tanh()`.
"""

from __future__ import annotations

from typing import Any

from . import errors, inplace
from .changeable import bare_name, one_of_several
from .node import ORDER, PARENTS, SAVED, Node, is_leaf_node, is_nobodys, node_and_output, op_of
from .rules import is_tensor
from .saved_names import in_torchs_order

DETACHED = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not supported, please "
    "use out-of-place `.detach()` instead"
)


def take(node: Node, op: Any, free: bool) -> tuple[Node, Any]:
    """`node` of `op` as a pass can go through it, and what it saved, which nobody will find there again if `free`.

    Raises: RuntimeError in torch's words for what was freed, and for what was changed since.
    """
    saved = node[SAVED]
    if saved is None:
        node = passable(node)
        saved = node[SAVED]
    if saved and op.frees:
        if -node[ORDER] < inplace.last_change:
            check_saved(node)
        if free:
            node[SAVED] = None
    return node, saved


def passable(node: Node) -> Node:
    """`node`, which was freed, as a pass can go through it all the same: where torch held nothing, nothing is missing.

    Raises: RuntimeError when something is missing.
    """
    plan, parents = op_of(node).plan, node[PARENTS]
    for kind, where, users in plan:
        if _is_held(node, kind, where, users) or any(_asks(parents[i]) for i in users):
            raise errors.freed(node)
    return [*node[:PARENTS], tuple([p if _asks(p) else None for p in parents]), (None,) * len(plan)]


def check_saved(node: Node) -> None:
    """Refuse to go through `node` if something it saved was changed since.

    Raises: RuntimeError in torch's words.
    """
    moment, parents, op, saved = -node[ORDER], node[PARENTS], op_of(node), node[SAVED]
    for i in in_torchs_order(op):
        (kind, where, users), value = op.plan[i], saved[i]
        if not _is_held(node, kind, where, users):
            continue
        for data in value if isinstance(value, tuple) else (value,):
            changes = inplace.changes_of(data)
            if changes is None:
                continue
            if kind == "input" and changes.detached.get(id(parents[where]), 0) > moment:
                raise RuntimeError(DETACHED)
            if changes.moments and changes.moments[-1] > moment:
                if kind == "input" and (several := one_of_several(parents[where])):
                    raise RuntimeError(several)
                which, expected = _which(node, kind, where), changes.version_at(moment)
                raise errors.modified(node, data.shape, data.dtype, which, changes.count, expected)


def _is_held(node: Node, kind: str, where: Any, users: tuple[int, ...]) -> bool:
    """Whether torch holds what `node` saved under this line of its op's plan; see NOTE [What torch holds]."""
    op, parents = op_of(node), node[PARENTS]
    if not is_tensor(op, kind, where):
        return False
    spared = kind in ("input", "setting") and len(users) == 1 and len(parents) > 1 and not op.variadic
    return not spared or _asks(parents[users[0]])


def _asks(parent: Node | None) -> bool:
    """Whether anybody gets the gradient that goes to `parent`."""
    return parent is not None and not is_nobodys(parent)


def _which(node: Node, kind: str, where: int) -> str:
    """`, which is output 0 of Exp,` for what an op put out; nothing for leaves and constants."""
    if kind in ("aux", "setting"):
        return ""
    if kind == "out":
        source, nr = node, 0
    else:
        parent = node[PARENTS][where]
        if parent is None or is_leaf_node(parent):
            return ""
        source, nr = node_and_output(parent)
    return f", which is output {nr} of {bare_name(source)},"
