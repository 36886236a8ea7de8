"""torch.utils.checkpoint: less memory for more time, by computing parts of the forward pass twice."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from nbautograd.core.absent import refuse_in
from nbautograd.core.errors import user_depth

from .recompute import CheckpointError, Region, surroundings
from .reentrant import CheckpointFunction

_early_stop: bool | None = None
_debug: bool | None = None
"""What the contexts below have said for all checkpoints inside; None leaves it to each call."""


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside, checkpoints run their function again only as far as needed, or (False) to its end."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Inside, the errors of checkpoints list what was saved both times, or never do (False)."""
    global _debug
    before, _debug = _debug, enabled
    try:
        yield
    finally:
        _debug = before


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, keeping only the arguments: backward runs it again to find what it needs.

    `use_reentrant=False` is the better of torch's two ways: it works with `autograd.grad`, keywords and tensors inside
    other structures. Random numbers are the same the second time unless `preserve_rng_state=False`. `context_fn` makes
    two contexts, one for each run. `debug` lets the error about differing runs list what both saved.

    Raises: CheckpointError from backward when what is saved differs the second time in number, shape or dtype;
        `determinism_check="none"` looks at the number only.
    Example:
        >>> import nbautograd as torch
        >>> from nbautograd.utils.checkpoint import checkpoint
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> y = checkpoint(lambda x: x.exp().sum(), x, use_reentrant=False)
        >>> y.backward()
        >>> x.grad
        tensor([2.7183, 7.3891])
    """
    if use_reentrant is None:
        use_reentrant = _unsaid(
            "", "Starting in PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception."
        )
    if use_reentrant:
        _refuse_unknown(kwargs)
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, surroundings(preserve_rng_state), *args)
    debug = debug if _debug is None else _debug
    if debug and context_fn is not noop_context_fn:
        raise ValueError("debug=True is incompatible with non-default context_fn")
    early_stop = early_stop if _early_stop is None else _early_stop
    region = Region(function, determinism_check, early_stop, preserve_rng_state, debug)
    return region.run(args, kwargs, *context_fn())


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,  # noqa: A002  (torch's name)
    use_reentrant: bool | None = None,
    *,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Run `functions` (a list, or an `nn.Sequential`) one after the other, all of the `segments` but the last
    checkpointed.
    """
    if use_reentrant is None:
        use_reentrant = _unsaid(
            ".checkpoint_sequential", "In version 2.9 we will raise an exception if use_reentrant is not passed."
        )
    _refuse_unknown(kwargs)
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(steps) // segments
    last = size * (segments - 1)
    value = input
    for start in range(0, last, size) if size else ():
        part = functools.partial(_in_turn, steps[start : start + size])
        value = checkpoint(part, value, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return _in_turn(steps[last:], value)


def _in_turn(steps: list[Any], value: Any) -> Any:
    for step in steps:
        value = step(value)
    return value


def _refuse_unknown(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))


def _unsaid(where: str, consequence: str) -> bool:
    """What `use_reentrant` is where it was left out, with torch's warning."""
    warnings.warn(
        f"torch.utils.checkpoint{where}: the use_reentrant parameter should be passed explicitly. {consequence} "
        "use_reentrant=False is recommended, but if you need to preserve the current default behavior, you "
        "can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
        stacklevel=user_depth(),
    )
    return True


__getattr__ = refuse_in("utils.checkpoint")

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]
