"""Who holds tensors: the variables of a notebook, what its cells showed, and its last error."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from types import FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core.tensor import Tensor

ERROR = "the last error"
HISTORY = ("In", "Out")
"""IPython's lists of what cells were and what they showed."""

Found = dict[str, list[Tensor]]


def holders(namespace: Mapping[str, Any]) -> Found:
    """The tensors that each variable leads to, through lists, modules, optimizers and whatever else it is made of.

    Names with a leading underscore are left out: IPython calls by them what it holds anyway.
    """
    found: Found = {}
    for name, value in namespace.items():
        if not name.startswith("_") and name not in HISTORY:
            found[name] = _tensors(value)
    shown = namespace.get("Out")
    for number, value in shown.items() if isinstance(shown, dict) else ():
        found[f"Out[{number}]"] = _tensors(value)
    found[ERROR] = [tensor for value in _locals_of_error() for tensor in _tensors(value)]
    return {name: tensors for name, tensors in found.items() if tensors}


def _tensors(value: Any) -> list[Tensor]:
    """What leads to all variables, as IPython's shell does, holds none of them."""
    found: list[Tensor] = []
    for part in led_to(value, set()):
        if _is_namespace(part):
            return []
        if is_tensor(part):
            found.append(part)
    return found


def led_to(value: Any, met: set[int]) -> Iterator[Any]:
    """The tensors, arrays and containers that `value` leads to and that are not in `met`, which grows by their ids."""
    stack = [value]
    while stack:
        part = stack.pop()
        if id(part) in met or issubclass(type(part), type | ModuleType | FrameType):
            continue
        met.add(id(part))
        yield part
        if not is_tensor(part) and not _is_namespace(part):
            parts = [part.__closure__, part.__defaults__] if type(part) is FunctionType else gc.get_referents(part)
            stack += [p for p in parts if is_container(p) or is_array(p)]


def _is_namespace(value: Any) -> bool:
    """Whether these are the variables of a notebook or of a module."""
    return type(value) is dict and "__builtins__" in value


def is_tensor(value: Any) -> bool:
    """Asked of the type: `isinstance` would ask the object, and wake up lazy ones."""
    return issubclass(type(value), Tensor)


def is_container(value: Any) -> bool:
    """The collector does not track what holds nothing, and tuples of such things, of which an array is one."""
    return gc.is_tracked(value) or type(value) is tuple


def is_array(value: Any) -> bool:
    return type(value) is np.ndarray or arrays.is_cupy(value)


def _locals_of_error() -> Iterator[Any]:
    """The local variables of the functions in which the last error was raised: a notebook keeps them for debuggers."""
    traceback = getattr(getattr(sys, "last_value", None), "__traceback__", None)
    while traceback is not None:
        frame, traceback = traceback.tb_frame, traceback.tb_next
        if frame.f_locals is not frame.f_globals:
            yield from frame.f_locals.values()
