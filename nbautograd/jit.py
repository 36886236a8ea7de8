"""torch.jit: scripted and traced programs run as the Python they are; there is no TorchScript to save or load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.absent import refuse_in


def script(obj: Any, *unused: Any, **options: Any) -> Any:
    """`obj` itself: a module, function or class runs as Python here, with the same results."""
    return obj


def trace(func: Any, example_inputs: Any = None, **options: Any) -> Any:
    """`func` itself, after one call with `example_inputs`, as torch makes one."""
    if example_inputs is not None:
        func(*example_inputs) if isinstance(example_inputs, tuple | list) else func(example_inputs)
    return func


def ignore(drop: Any = False, **options: Any) -> Any:
    """A decorator that changes nothing."""
    return drop if callable(drop) else export


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that changes nothing."""
    return fn


unused = script_if_tracing = interface = export


def is_scripting() -> bool:
    """False: code always runs as Python."""
    return False


is_tracing = is_scripting


def freeze(mod: Any, *unused: Any, **options: Any) -> Any:
    """`mod` itself."""
    return mod


optimize_for_inference = freeze


def annotate(the_type: Any, the_value: Any) -> Any:
    """`the_value` itself."""
    return the_value


__getattr__ = refuse_in("jit")

__all__ = [
    "annotate",
    "export",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "optimize_for_inference",
    "script",
    "script_if_tracing",
    "trace",
    "unused",
]
