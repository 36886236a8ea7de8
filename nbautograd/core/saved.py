"""What becomes of the values that a node saves for backward: hooks that pack them, and `grad_fn._saved_self`.

NOTE [Packed values]
A node holds arrays. Where hooks for saved tensors are in force, it holds what they made of each tensor instead, as a
`Packed`, and its OP slot a `Hooked` with `packed` set, so that the walk unpacks before it runs the rules. Nodes made
without hooks pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import anomaly, errors, inplace
from . import inference as inferences
from .doors import Door
from .grad_mode import no_grad
from .held import check_saved
from .modes import local, put, state
from .node import PARENTS, SAVED, Node, hooked, is_leaf_node, leaf_tensor, op_of
from .rules import is_tensor
from .saved_names import names_in_torch
from .tensor import Tensor

Hooks = tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]]


class Packed:
    """What a hook made of a saved tensor, and the hook that gives the tensor back."""

    __slots__ = ("unpack", "value")

    def __init__(self, tensor: Tensor, hooks: Hooks) -> None:
        pack, self.unpack = hooks
        version = inplace.version(tensor)
        with no_grad():
            self.value = pack(tensor)
        if inplace.version(tensor) != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
                "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open "
                "an issue if you need to perform in-place operations on the input to a pack hook.\n"
                "  hint: let the hook work on tensor.clone()"
            )

    def array(self) -> Any:
        """The array of the tensor that the hook gives back."""
        tensor: Any = self.unpack(self.value)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        return tensor._data


class pushed(Door):
    """Inside, the hooks `pack_hook` and `unpack_hook` pack what this thread saves."""

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def read(self) -> tuple[Hooks, ...]:
        return local.saved_hooks

    def put(self, value: tuple[Hooks, ...]) -> None:
        put("saved_hooks", value)

    def inside(self, before: tuple[Hooks, ...]) -> tuple[Hooks, ...]:
        if local.saved_hooks_refused is not None:
            raise RuntimeError(local.saved_hooks_refused)
        return *before, (self.pack_hook, self.unpack_hook)


def finish(op: Any, node: Node | None, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
    """What is unusual about an op that has just run: anomaly mode, inference tensors, hooks for what it saved."""
    if op.view:
        for out in outputs:
            out._inference = inputs[0]._inference if out._base is not None else local.inference
    if node is None:
        return
    op = op_of(node)
    if state.anomaly:
        anomaly.remember(node, local.running)
    if op.frees:
        _check_inference(op, node, inputs)
        if local.saved_hooks:
            pack(op, node, inputs, outputs)


def _check_inference(op: Any, node: Node, inputs: tuple[Any, ...]) -> None:
    for (kind, where, _), value in zip(op.plan, node[SAVED], strict=True):
        if kind == "input" and value is not None:
            for x in inputs if op.variadic else (inputs[where],):
                if isinstance(x, Tensor):
                    inferences.check_saved(x)


def pack(op: Any, node: Node, inputs: tuple[Any, ...], outputs: tuple[Tensor, ...]) -> None:
    """Hand the tensors that `node` saved to the innermost hook, and let it hold what comes back."""
    hooks = local.saved_hooks[-1]

    def packed(value: Any, tensor: Any, kind: str) -> Any:
        tensor = _tensor_of(value, tensor, kind)
        return value if tensor is None else Packed(tensor, hooks)

    saved: list[Any] = []
    for (kind, where, _), value in zip(op.plan, node[SAVED], strict=True):
        tensors = inputs if kind == "input" else outputs if kind == "out" else ()
        if value is None or not is_tensor(op, kind, where):
            saved.append(value)
        elif isinstance(value, tuple):
            pairs = zip(value, tensors or [None] * len(value), strict=True)
            saved.append(tuple([packed(v, t, kind) for v, t in pairs]))
        else:
            saved.append(packed(value, tensors[where] if tensors else None, kind))
    node[SAVED] = tuple(saved)
    hooked(node).packed = True


def _tensor_of(value: Any, tensor: Any, kind: str) -> Tensor | None:
    """The tensor that stands for the saved array `value`: `tensor` itself unless that holds other numbers."""
    if isinstance(tensor, Tensor) and (tensor._data is value or (kind == "out" and tensor._data.dtype == value.dtype)):
        return tensor
    if not hasattr(value, "dtype") or (kind == "input" and not isinstance(tensor, Tensor)):
        return None  # a Python number
    return wrapped(value)


def wrapped(data: Any, node: Any = None) -> Tensor:
    t = object.__new__(Tensor)
    t._data, t._node = data, node
    return t


def unpack(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arrays of what hooks have packed."""
    return tuple(
        [
            v.array() if isinstance(v, Packed) else unpack(v) if isinstance(v, tuple) and _any_packed(v) else v
            for v in saved
        ]
    )


def _any_packed(values: tuple[Any, ...]) -> bool:
    return any(isinstance(v, Packed) for v in values)


# --- as attributes of a node --------------------------------------------------------------------------------------


class SavedTensor:
    """One tensor that a node saved, as `grad_fn._raw_saved_self`: hooks of its own can be given to it."""

    def __init__(self, node: Node, index: int) -> None:
        self._node, self._index = node, index

    def register_hooks(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        """Hold what `pack_hook(tensor)` returns instead of the tensor; `unpack_hook` gives it back in backward.

        Raises: RuntimeError when there are hooks already, or when the tensor was freed.
        """
        node, i = self._node, self._index
        if node[SAVED] is None:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the "
                "graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need "
                "to backward through the graph a second time or if you need to access saved variables after calling "
                "backward."
            )
        saved = list(node[SAVED])
        if isinstance(saved[i], Packed):
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of "
                "hooks is allowed at a time."
            )
        tensor = _visible(node, i)
        if not isinstance(tensor, Tensor):
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden.")
        saved[i] = Packed(tensor, (pack_hook, unpack_hook))
        node[SAVED] = tuple(saved)
        hooked(node).packed = True


def attributes(node: Node) -> dict[str, int]:
    """What `node` saves under the names that torch gives to them, and where in SAVED it lies."""
    return {f"_saved_{name}": i for i, name in enumerate(names_in_torch(op_of(node)))}


def attribute(node: Node, name: str) -> Any:
    """`grad_fn._saved_self` and `grad_fn._raw_saved_self`.

    Raises: AttributeError for what is not saved, RuntimeError for what was freed or changed since.
    """
    raw = name.startswith("_raw")
    index = attributes(node).get(name.replace("_raw", "", 1) if raw else name)
    if index is None or (raw and not is_tensor(op_of(node), *op_of(node).plan[index][:2])):
        raise AttributeError(f"'{op_of(node).node_name}' object has no attribute '{name}'")
    if raw:
        return SavedTensor(node, index)
    if node[SAVED] is None:
        raise errors.freed(node)
    check_saved(node)
    value = node[SAVED][index]
    return value if name == "_saved_exponent" and isinstance(value, int | float) else _visible(node, index)


def _visible(node: Node, index: int) -> Any:
    """One saved value as users know it: arrays are tensors in their place in the graph."""
    op, value = op_of(node), node[SAVED][index]
    kind, where, _ = op.plan[index]
    if isinstance(value, Packed):
        value = value.array()
    if value is None or not is_tensor(op, kind, where):
        return value
    parents = node[PARENTS]
    if isinstance(value, tuple):
        return tuple([_placed(v, parents[i] if kind == "input" else None) for i, v in enumerate(value)])
    parent = parents[where] if kind == "input" else node if kind == "out" and op.outputs == 1 else None
    return _placed(value, parent)


def _placed(value: Any, parent: Any) -> Any:
    if isinstance(value, Packed):
        value = value.array()
    if not hasattr(value, "dtype"):
        return wrapped(np.asarray(value)[()])
    leaf = leaf_tensor(parent) if parent is not None and is_leaf_node(parent) else None
    return leaf if leaf is not None and leaf._data is value else wrapped(value, parent)
