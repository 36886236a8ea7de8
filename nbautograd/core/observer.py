"""What the engine tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .trail import Trail


class Observer(Protocol):
    """What the engine tells whoever watches it; see `nbautograd.trace.record` for the one that ships."""

    thread: int | None
    """The one thread whose ops are told, or None for all of them."""
    detailed: bool
    """Whether backward passes are told edge by edge."""
    fresh: list[tuple[Any, Any]] | None
    """Where a pass puts leaves that had no `.grad`, each with the new one; None: `accumulate` tells of these too."""

    def op(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> None:
        """`op` ran forward. `inputs` are tensors or numbers; `in_place` says that it put its result into one itself."""

    def backward_begin(
        self, roots: list[Any], seeds: list[Any], kind: str, retain_graph: bool, create_graph: bool
    ) -> Trail | None:
        """A pass starts from the tensors `roots` with the gradients (arrays) `seeds`; `kind` is backward or grad.

        Whoever wants no numbers returns a trail: the walk then takes its short way, on which no edge is told.
        """

    def flow(self, node: Any, index: int, upstream: Any, contribution: Any, before: Any, after: Any) -> None:
        """`node` sent `contribution` to its input `index`, which held `before` (or None) and now holds `after`."""

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """The leaf `tensor` added `contribution` to its `.grad`, which was `before` (or None) and is now `after`."""

    def freed(self, node: Any) -> None:
        """`node` let go of what it had saved for backward."""

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""

    def in_place(self, target: Any, result: Any) -> None:
        """`result`, of the op told last, goes into `target`; that `target` is changed is told next."""

    def renumbered(self, before: int, now: int) -> None:
        """The node of the op told last, which changed its input, has another order now."""

    def mutated(self, tensor: Any) -> None:
        """The values of `tensor` were changed in place (also through `.data` or an optimizer)."""

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` of `tensor` was set to `value` (a tensor or None); zeroing it in place is `mutated(tensor.grad)`."""

    def extra(self, values: tuple[Any, ...]) -> None:
        """What the op told last has returned behind its results: its `aux`, as tensors where they are arrays."""

    def read(self, tensor: Any, how: str, value: Any) -> None:
        """Python got to see the numbers of `tensor`: `value`, by `item`, `bool`, `tolist`, `numpy`, `repr` …"""

    def made(self, tensor: Any) -> None:
        """`tensor` was made of numbers from outside: `zeros`, `arange`, `tensor([1.0])` …"""

    def drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        """`function(*args)` drew the random numbers `array`; `function` is None where it cannot be called again."""

    def called(self, function: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Call `function`, which changes tensors by itself, without ops that are told; what it returns."""

    def inside(self, function: Callable[..., Any], args: tuple[Any, ...], ctx: Any) -> Any:
        """Run the forward of a custom function, told as one op, or with its `ctx` the backward; what that returns."""

    def found(self, tensor: Any, gradient: Any) -> None:
        """`autograd.grad` has found `gradient` (a tensor) for its input `tensor`."""

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """A scope was entered: a call of the module `owner`, an optimizer step, or step `index` of a loop."""

    def scope_end(self, kind: str) -> None:
        """The innermost scope was left."""
