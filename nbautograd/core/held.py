"""What of the values that a node saved torch would hold: only that can be freed, or be found changed.

NOTE [What torch holds]
torch saves what rules ask for whether or not they will run, but for one case: of several inputs a single one has a
rule that asks for the value, and that input asks for no gradient. So after a pass has gone through `q * 2`, where no
path leads back from `q` (NOTE [Quiet views]), a second one may, but none may go through `q.tanh()`.
"""

from __future__ import annotations

from typing import Any

from . import errors
from .node import PARENTS, Node, is_nobodys, op_of
from .op import is_tensor


def is_held(node: Node, kind: str, where: Any, users: tuple[int, ...]) -> bool:
    """Whether torch holds what `node` saved under this line of its op's plan; see NOTE [What torch holds]."""
    op, parents = op_of(node), node[PARENTS]
    if not is_tensor(op, kind, where):
        return False
    spared = kind in ("input", "setting") and len(users) == 1 and len(parents) > 1 and not op.variadic
    return not spared or _asks(parents[users[0]])


def passable(node: Node) -> Node:
    """`node`, which was freed, as a pass can go through it all the same: where torch held nothing, nothing is missing.

    Raises: RuntimeError when something is missing.
    """
    plan, parents = op_of(node).plan, node[PARENTS]
    for kind, where, users in plan:
        if is_held(node, kind, where, users) or any(_asks(parents[i]) for i in users):
            raise errors.freed(node)
    return [*node[:PARENTS], tuple([p if _asks(p) else None for p in parents]), (None,) * len(plan)]


def _asks(parent: Node | None) -> bool:
    """Whether anybody gets the gradient that goes to `parent`."""
    return parent is not None and not is_nobodys(parent)
