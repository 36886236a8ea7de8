"""The graph: what a node is, and `grad_fn`, the view of it that users see.

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


_views: weakref.WeakValueDictionary[int, GradFn] = weakref.WeakValueDictionary()


class GradFn:
    """The backward node of an op, as `tensor.grad_fn` shows it.

    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> (x * x).grad_fn.name()
        'MulBackward0'
    """

    __slots__ = ("__weakref__", "_node", "_seen")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen: dict[int, tuple[tuple[int, ...], Any]] = {}

    def saw(self, nr: int, data: Any) -> None:
        """Note the shape and dtype of output `nr`, which a node does not know."""
        self._seen[nr] = data.shape, data.dtype

    def seen(self, nr: int) -> tuple[tuple[int, ...], Any] | None:
        """The shape and dtype of output `nr`, if a tensor has shown them."""
        return self._seen.get(nr)

    def name(self) -> str:
        """torch's name of the node, such as `MulBackward0`."""
        name = op_of(self._node).node_name
        return f"torch::autograd::{name}" if name in ("AccumulateGrad", "CopySlices") else name

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """Per input, the node it came from and which of that node's outputs it was."""
        edges: list[tuple[GradFn | None, int]] = []
        for parent in self._node[PARENTS]:
            node, nr = (None, 0) if parent is None or is_nobodys(parent) else node_and_output(parent)
            edges.append((None if node is None else grad_fn_of(node), nr))
        return tuple(edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dictionary of one's own on this node; anomaly mode keeps the lines that made the node there."""
        return hooked(self._node).metadata

    @property
    def requires_grad(self) -> bool:
        return True

    def _sequence_nr(self) -> int:
        return -self._node[ORDER]

    def __getattr__(self, name: str) -> Any:
        """`_saved_self` and its like; for a custom function, what its `forward` left in `ctx`."""
        from . import saved

        if name == "_node":
            raise AttributeError(name)  # a copy that was not filled yet
        found = getattr(op_of(self._node), "attribute", saved.attribute)
        return found(self._node, name)

    def __dir__(self) -> list[str]:
        from . import saved

        return [*super().__dir__(), *saved.attributes(self._node)]

    @property
    def variable(self) -> Any:
        """The leaf that an `AccumulateGrad` node belongs to."""
        if not is_leaf_node(self._node):
            raise AttributeError(f"'{self.name()}' object has no attribute 'variable'")
        return leaf_tensor(self._node)

    def __call__(self, *grads: Any) -> Any:
        """The gradients of what the node came from, given those of its outputs: one step of backward by hand."""
        from .calls import called

        return called(self._node, grads)

    def register_hook(self, hook: Callable[[Any, Any], Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after this node has run."""
        return RemovableHandle(hooked(self._node).after, hook)

    def register_prehook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before this node runs."""
        return RemovableHandle(hooked(self._node).before, hook)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self._node))}>"


_classes: dict[str, type[GradFn]] = {}
"""A class for each node name, because people print `type(y.grad_fn).__name__`."""


def grad_fn_of(node: Node) -> GradFn:
    """The one `GradFn` of `node` while anybody holds it."""
    view = _views.get(id(node))
    if view is None:
        name = op_of(node).node_name
        kind = _classes.get(name)
        if kind is None:
            kind = _classes[name] = type(name, (GradFn,), {"__slots__": ()})
        view = _views[id(node)] = kind(node)
    return view
