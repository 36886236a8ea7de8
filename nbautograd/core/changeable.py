"""What may be changed in place: torch's refusals of views, of results that do not fit, and of overlapping memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import ndarray, storage
from .node import OP, PARENTS, Invalid, is_leaf_node, node_and_output, op_of
from .tensor import Tensor

QUIET = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
    "the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked)."
)
SEVERAL = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one.\n"
    "  hint: take the part with an index, as in x[0], and change that"
)
CUSTOM = (
    "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
    "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
    "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.\n"
    "  hint: y = F.apply(x).clone(), or return x.clone() in forward"
)


def is_held_by_leaf(target: Tensor, base: Tensor) -> bool:
    """Whether a change of `target` would be one of a leaf's values, which have no history to put it into."""
    if base._node is None:
        return base is not target and target._node is not None  # a base that was detached from what its views have
    return is_leaf_node(base._node)


def check_view(target: Tensor) -> None:
    """Refuse to change views of a kind that has no history to put the change into."""
    quiet, why = _how_made(target)
    if why is None:
        return
    node = _before(target._node)
    late = "created in no_grad mode and is being modified inplace with grad mode enabled"
    if node is None or is_leaf_node(node):
        raise RuntimeError(f"A view was {late}. {why}")
    source, nr = node_and_output(node)
    which = f"a view of a view which was {late}" if quiet else "a view and is being modified inplace"
    raise RuntimeError(f"Output {nr} of {bare_name(source)} is {which}. {why}")


def _how_made(view: Tensor) -> tuple[bool, str | None]:
    """Whether `view` was made under `no_grad`, and why torch refuses to change it; of several reasons the newest."""
    path: Any = view._path or ()
    for _, _, nr, quiet, _ in reversed(path):
        if quiet or nr is not None:
            return quiet, QUIET if quiet else SEVERAL
    root = view if view._base is None else view._base
    if root._node is None or is_leaf_node(root._node):
        return False, None
    node = _before(root._node)
    source, nr = node_and_output(node)
    if not op_of(source).returned_view(source, nr):
        return False, None
    return False, CUSTOM if node is source else SEVERAL


def _before(node: Any) -> Any:
    """The node of a view before it was refused, if it was."""
    return node[PARENTS][0] if node is not None and node[OP] is Invalid else node


def one_of_several(parent: Any) -> str | None:
    """torch's refusal of a saved value that is one of several views, when their memory was changed."""
    if parent is None or is_leaf_node(parent):
        return None
    op = op_of(node_and_output(parent)[0])
    if not op.view or op.outputs == 1:
        return None
    return f"{_modified(parent)} {SEVERAL}"


def stale(node: Any) -> str:
    """torch's refusal of a view that a custom function returned, after a change of its memory."""
    return f"{_modified(node)} {CUSTOM if node_and_output(node)[0] is node else SEVERAL}"


def _modified(node: Any) -> str:
    source, nr = node_and_output(node)
    what = f"Output {nr} of {bare_name(source)} is a view and its base or another view of its base"
    return f"{what} has been modified inplace."


def bare_name(node: Any) -> str:
    """The name of `node` as torch's refusals have it: `Mul` for `MulBackward0`."""
    return op_of(node).node_name.rstrip("0123456789").removesuffix("Backward")


def check_result(target: Tensor, result: Tensor) -> None:
    """Refuse a result that is larger than `target`, or of a dtype that cannot be cast to its own."""
    data, new = target._data, result._data
    if data.shape != new.shape:
        raise RuntimeError(
            f"output with shape {list(data.shape)} doesn't match the broadcast shape {list(new.shape)}\n"
            "  hint: an in-place op cannot make its tensor larger; write y = y + x instead"
        )
    if new.dtype is not data.dtype and not np.can_cast(new.dtype, data.dtype, "same_kind"):
        from .dtype import of_numpy

        raise RuntimeError(
            f"result type {of_numpy(new.dtype).tensor_type} can't be cast to the desired output type "
            f"{of_numpy(data.dtype).tensor_type}"
        )


def check_overlap(data: Any, others: tuple[Any, ...]) -> None:
    """Refuse a target with elements on top of each other, and operands that lie across the memory to be written."""
    refuse_overlap(data)
    if data.base is None and not any(isinstance(x, Tensor) and getattr(x._data, "base", None) is data for x in others):
        return
    for x in others:
        if isinstance(x, Tensor) and isinstance(x._data, ndarray):
            refuse_across(data, x._data)


def check_assigned(part: Any, value: Any) -> None:
    """The same for `x[…] = value`: torch lays the value over the part first, and takes one number for 0-d."""
    refuse_overlap(part)
    if not value.ndim or not isinstance(value, ndarray) or storage(value) is not storage(part):
        return
    if value.shape != part.shape:
        while value.ndim and value.shape[0] == 1:
            value = value[0, ...]
        if value.size != part.size:
            return  # repeated
        value = value.reshape(part.shape) if value.ndim else value
    refuse_across(part, value)


def refuse_across(data: Any, other: Any) -> None:
    """Refuse to write to `data` what is read from `other` if both are dense and overlap, but are not the same."""
    if storage(other) is not storage(data) or same_memory(data, other):
        return
    if data.flags.forc and other.flags.forc and np.may_share_memory(data, other):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )


def same_memory(a: Any, b: Any) -> bool:
    """Whether two dense arrays take the same steps through the same places, as PyTorch asks, which looks at no shape.

    NumPy's new axes have no step to compare.
    """
    return (
        a.ctypes.data == b.ctypes.data
        and (a.size, a.ndim) == (b.size, b.ndim)
        and all(s == t or s == 0 or t == 0 for s, t in zip(a.strides, b.strides, strict=True))
    )


def refuse_overlap(data: Any) -> None:
    """Refuse to write to `data` if several of its elements are one place in memory."""
    if 0 not in data.strides or not data.size:
        return
    if any(step == 0 and n > 1 for n, step in zip(data.shape, data.strides, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
