"""torch.compile: there is no compiler here, and programs that ask for one run as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.absent import refuse_in


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """`model` itself: nbautograd runs every program eagerly, and a compiled one gives the same numbers.

    Takes torch's options, and works as a decorator with and without brackets.

    Example:
        >>> import nbautograd as torch
        >>> @torch.compile(mode="reduce-overhead")
        ... def double(x):
        ...     return 2 * x
        >>> double(torch.tensor(2.0))
        tensor(4.)
    """
    if model is None:
        return lambda function: compile(function)
    if not callable(model):
        raise RuntimeError(f"torch.compile expects a callable, got {type(model).__name__}")
    return model


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """`fn` itself: nothing is compiled anyway."""
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """`fn` itself."""
    return fn


assume_constant_result = allow_in_graph


def is_compiling() -> bool:
    """False: nothing is ever compiled."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def reset() -> None:
    """Nothing to forget."""


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """No compilers, so no names."""
    return []


def cudagraph_mark_step_begin() -> None:
    """Nothing to mark."""


__getattr__ = refuse_in("compiler")

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
]
