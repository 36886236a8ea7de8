"""A tensor that something other than an op keeps for backward: `ctx.save_for_backward`, the inputs of a checkpoint."""

from __future__ import annotations

from typing import Any

from . import errors, inference, inplace
from .modes import local
from .node import Node
from .saved import Packed, wrapped
from .tensor import Tensor


class Kept:
    """A tensor with the version it had, or what a hook for saved tensors made of it.

    Raises: RuntimeError for an inference tensor where `recording`.
    """

    __slots__ = ("_data", "_node", "_packed", "_probe", "_tensor", "_version")

    def __init__(self, tensor: Tensor, recording: bool = True, output: bool = False) -> None:
        if recording:
            inference.check_saved(tensor)
        hooks = local.saved_hooks
        self._packed = Packed(tensor, hooks[-1]) if hooks and recording else None
        self._node = tensor._node
        if self._packed is not None:
            return
        self._data = tensor._data
        self._tensor = None if output else tensor  # an output would hold its node, which holds this
        self._probe = tensor.detach()
        self._version = inplace.version(tensor)

    def tensor(self, keeper: str, node: Node | None = None) -> Tensor:
        """The tensor, with `node` as its history if it is an output of the function that keeps it.

        Raises: RuntimeError that names the `keeper` when the tensor was changed in place since.
        """
        if self._packed is not None:
            return wrapped(self._packed.array(), self._node if node is None else node)
        now = inplace.version(self._probe)
        if now != self._version:
            user: Any = [0, type("Node", (), {"node_name": keeper}), None, (), ()]
            raise errors.modified(user, self._data.shape, self._data.dtype, "", now, self._version)
        return wrapped(self._data, node) if self._tensor is None else self._tensor
