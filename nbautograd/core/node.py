"""The graph: what a node is.

NOTE [A node is a list]
An op that records makes one flat list: `[order, op, fits, parents, saved]`. A list costs a third of an
object to make, and there is one for every op that anybody runs.

- ORDER    A number from one clock that runs downwards: a newer op has a smaller one. Leaves count upwards from 1.
- OP       The entry of the op table (or a `Hooked` wrapper round it).
- FITS     None, or per input what its contribution must be brought back to: `(shape, dtype or None)`.
- PARENTS  Per input the node it came from; None for inputs that need no gradient.
- SAVED    The values the rules asked for, in the order of `op.saves`; None once they are freed.
- TANGENTS Only there when an input had a tangent: those of the saved values; see `core.forward`.

A node holds no tensors, so data dies as early as it can, and nothing of a backward pass: what a pass has added up is
its own, and several may go through one graph at once. Every gradient that a node will receive comes from a newer
node, which is why numbers are all that a walk needs. A leaf's node keeps a weak reference to its tensor in SAVED.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

Node = list[Any]

ORDER, OP, FITS, PARENTS, SAVED, TANGENTS = range(6)

tick: Callable[[], int] = itertools.count(-1, -1).__next__
"""The clock of ops and of changes in place: each call gives a smaller number."""
_leaf_tick: Callable[[], int] = itertools.count(1).__next__


class Leaf:
    """The table entry of leaves: backward ends here, in `.grad`."""

    name = title = "accumulate_grad"
    step = None
    outputs = 1
    node_name = "AccumulateGrad"
    inputs: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()


class OutputSlot:
    """The table entry of one output of an op that has several: hands its gradient on to the op's own node.

    NOTE [Several outputs]
    Each output of such an op gets a small node of its own whose only parent is the op's node, so that edges need no
    output number and the walk no special case. SAVED is `(number of the output,)`; users never see it.
    """

    name = title = "output"
    step = None
    outputs = 1
    node_name = "OutputSlot"
    inputs: tuple[str, ...] = ("x",)
    saves: tuple[str, ...] = ("nr",)
    frees = False


class Invalid:
    """The table entry of a tensor that may not be used any more; SAVED is `(why,)`."""

    name = title = "invalid"
    node_name = "Invalid"
    step = None
    outputs = 1
    inputs: tuple[str, ...] = ("x",)
    saves: tuple[str, ...] = ("why",)
    plan: tuple[Any, ...] = ()
    variadic = True
    frees = view = False

    @staticmethod
    def refuse(node: Node) -> None:
        """Raise the error of whoever uses the tensor."""
        raise RuntimeError(node[SAVED][0])

    @classmethod
    def recording_pulls(cls) -> tuple[Any, ...]:
        return cls.pulls

    @staticmethod
    def _pull(g: Any, saved: Any) -> Any:
        raise RuntimeError(saved[0])

    pulls: tuple[Any, ...] = (_pull,)


class Source:
    """The table entry of a node that nothing comes before: a place where a derivative is wanted."""

    name = title = node_name = "source"
    step = None
    outputs = 1
    inputs: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    plan: tuple[Any, ...] = ()
    pulls: tuple[Any, ...] = ()
    variadic = frees = False

    @classmethod
    def recording_pulls(cls) -> tuple[Any, ...]:
        return cls.pulls


def source() -> Node:
    """A node that nothing comes before; unlike a leaf's it knows how old it is, which keeps walks to it short."""
    return [tick(), Source, None, (), ()]


class Hooked:
    """A table entry with hooks round it, in a node's OP slot in its place: nodes without hooks pay nothing."""

    step = None

    def __init__(self, op: Any) -> None:
        self.op = op
        self.on_gradient: dict[int, Callable[[Any], Any]] = {}
        self.before: dict[int, Callable[[Any], Any]] = {}
        self.after: dict[int, Callable[[Any, Any], Any]] = {}
        self.retain: weakref.ref[Any] | None = None
        self.after_accumulate: dict[int, Callable[[Any], Any]] = {}
        self.metadata: dict[Any, Any] = {}
        self.packed = False
        """Whether SAVED holds what hooks made of the values; see `core.saved`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)


def has_hooks(node: Node) -> bool:
    """Whether any hook stands round `node`, or it retains its gradient; those that were removed do not count."""
    op = node[OP]
    if op.__class__ is not Hooked:
        return False
    return bool(op.on_gradient or op.before or op.after or op.after_accumulate or op.packed or op.retain is not None)


def op_of(node: Node) -> Any:
    """The table entry of `node`, without the hooks that may stand round it."""
    op = node[OP]
    return op.op if op.__class__ is Hooked else op


def hooked(node: Node) -> Hooked:
    """The hooks of `node`, made at first use."""
    if node[OP].__class__ is not Hooked:
        node[OP] = Hooked(node[OP])
    return node[OP]


def is_packed(node: Node) -> bool:
    """Whether SAVED holds what hooks made of the values, not the values."""
    return node[OP].__class__ is Hooked and node[OP].packed


def is_leaf_node(node: Node) -> bool:
    return node[ORDER] > 0


def leaf_node(tensor: Any) -> Node:
    """The node of the leaf `tensor`."""
    return [_leaf_tick(), Leaf, None, (), weakref.ref(tensor)]


def nobodys_leaf() -> Node:
    """A node that asks for a gradient and drops it; see NOTE [Quiet views] in `core/views.py`."""
    return [_leaf_tick(), Leaf, None, (), _nobody]


def is_nobodys(node: Node) -> bool:
    """Whether `node` is one from `nobodys_leaf`."""
    return node[SAVED] is _nobody


def _nobody() -> None:
    """What a weak reference to a tensor that is gone gives."""


def leaf_tensor(node: Node) -> Any:
    """The tensor of a leaf's node, or None when nobody holds it any more."""
    return node[SAVED]()


def node_and_output(node: Node) -> tuple[Node, int]:
    """The op's own node and the number of the output, for a node that may be an output's slot."""
    return (node[PARENTS][0], node[SAVED][0]) if op_of(node) is OutputSlot else (node, 0)


class RemovableHandle:
    """What registering a hook returns; `remove()` takes the hook away again."""

    _ids = itertools.count().__next__

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks = hooks
        self.id = RemovableHandle._ids()
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; calling it again does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
