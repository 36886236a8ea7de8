"""Inference mode: `no_grad` that goes further, as what is made inside can never take part in a graph.

NOTE [Marks]
Everything made in one block of `inference_mode` holds the mark of that block, and so do views of it. While a mark is
alive, so while the block is running or any of those tensors exists, no op takes the short path, and `dispatch` can look
for marks. When the last of them dies, ops are as fast as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .doors import Door
from .grad_mode import decorated
from .modes import local, set_grad_mode, special


class Mark:
    """What the tensors made in one block of `inference_mode` have in common."""

    __slots__ = ("counted",)

    def __init__(self) -> None:
        special(1, self)

    def __del__(self) -> None:
        if hasattr(self, "counted"):  # an interrupt may have come first
            special(-1, self)


class inference_mode(Door):
    """Nothing inside is recorded, and what is made inside can never be used in a graph nor changed outside.

    With `mode=False` it lets a part of such a block record again.

    Example:
        >>> import nbautograd as torch
        >>> with torch.inference_mode():
        ...     x = torch.ones(2)
        >>> x.is_inference()
        True
    """

    mode = True

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        return self(mode) if callable(mode) else self  # @inference_mode without brackets

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = mode

    def read(self) -> tuple[Any, bool]:
        return local.inference, local.grad_enabled

    def put(self, value: tuple[Any, bool]) -> None:
        local.inference = value[0]
        set_grad_mode(value[1])

    def inside(self, before: tuple[Any, bool]) -> tuple[Any, bool]:
        return (before[0] or Mark()) if self.mode else None, not self.mode

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return decorated(function, self.clone)

    def clone(self) -> inference_mode:
        return inference_mode(self.mode)


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return local.inference is not None


def mark_new(tensor: Any) -> None:
    """Mark `tensor`, which shares memory with no other, if it is made in inference mode."""
    if local.inference is not None:
        tensor._inference = local.inference


def check_change(tensor: Any) -> None:
    """Refuse a change in place of an inference tensor outside inference mode.

    Raises: RuntimeError in torch's words.
    """
    if tensor._inference is not None and local.inference is None:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.\n"
            "  hint: write y = x.clone() first and change y, or make x under torch.no_grad() instead"
        )


def check_saved(tensor: Any) -> None:
    """Refuse to keep an inference tensor for backward.

    Raises: RuntimeError in torch's words.
    """
    if tensor._inference is not None:
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
            "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use "
            "it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
        )
