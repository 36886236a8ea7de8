"""What the forward of a custom function leaves for its backward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbautograd.core import errors
from nbautograd.core.call import slot
from nbautograd.core.kept import Kept
from nbautograd.core.levels import put_tangents
from nbautograd.core.tensor import Tensor


class FunctionCtx:
    """What `forward` leaves for `backward`. Anything may be put into its attributes; tensors belong into
    `save_for_backward`, so that a change in place is noticed.
    """

    needs_input_grad: tuple[bool, ...] = ()
    """For each argument, whether its gradient is wanted."""

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[Kept | None] | None = []
        self._saved_outputs: dict[int, int] = {}
        self._saved_tangents: dict[int, Any] = {}
        self._pushing = False
        self.saved_for_forward: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._without_gradient: tuple[Any, ...] = ()
        self._materialize = True
        self._outputs: list[tuple[Any, Any, Any] | None] = []
        self._inputs: tuple[Any, ...] = ()
        self._views: tuple[int, ...] = ()
        self._node: Any = None
        self._node_name = ""

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep these tensors for backward, which finds them in `saved_tensors`."""
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(tensor).__name__}\n"
                    "  hint: keep other values as attributes of ctx"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep these tensors for `jvp`."""
        self.saved_for_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept; in `jvp`, what `save_for_forward` kept.

        Raises: RuntimeError when one of them was changed in place since, and when they were freed.
        """
        if self._pushing:
            return self.saved_for_forward
        if self._saved is None:
            raise errors.freed([0, type("Node", (), {"node_name": self._node_name}), None, (), ()])
        return tuple([None if kept is None else self._restored(i, kept) for i, kept in enumerate(self._saved)])

    def _restored(self, index: int, kept: Kept) -> Tensor:
        tensor = kept.tensor(self._node_name, self._history(index))
        if index in self._saved_tangents:
            put_tangents(tensor, self._saved_tangents[index])
        return tensor

    def _history(self, index: int) -> Any:
        """The node of the output that was saved as number `index`; None for an input."""
        nr = self._saved_outputs.get(index)
        return None if nr is None or self._node is None else output_node(self._node, nr, len(self._outputs))

    def name(self) -> str:
        """torch's name of the node."""
        return self._node_name

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Tell that forward changed these inputs in place; they must be returned."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Tell that these outputs have no gradient."""
        self._without_gradient = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs that no gradient came to."""
        self._materialize = value

    @property
    def materializes(self) -> bool:
        """Whether zeros stand for gradients and tangents that are not there."""
        return self._materialize

    @contextmanager
    def in_forward_mode(self) -> Iterator[None]:
        """Inside, `saved_tensors` are those that were saved for `jvp`."""
        self._pushing = True
        try:
            yield
        finally:
            self._pushing = False

    def remember_tangents(self, tangents: list[Any]) -> None:
        """Keep those tangents, one list for each output, that belong to outputs which are saved for backward."""
        self._saved_tangents = {i: tangents[nr] for i, nr in self._saved_outputs.items() if tangents[nr]}

    def _keep(self, outputs: tuple[Any, ...], recording: bool) -> None:
        """Make what was to be saved permanent, now that the outputs are known."""
        numbers = {id(out): nr for nr, out in enumerate(outputs) if isinstance(out, Tensor)}
        for x in self._inputs:
            numbers.pop(id(x), None)
        found = {i: numbers[id(t)] for i, t in enumerate(self._to_save) if id(t) in numbers}
        self._saved = [None if t is None else Kept(t, recording, i in found) for i, t in enumerate(self._to_save)]
        self._saved_outputs = found
        self._to_save = ()


def output_node(node: Any, nr: int, count: int) -> Any:
    return node if count == 1 else slot(node, nr)
