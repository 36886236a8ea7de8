"""The op call in short while somebody watches, under `no_grad` and in inference mode.

NOTE [Watched ops]
An op that is watched runs as any other, and is told afterwards. So where nothing but an observer is unusual, `dispatch`
takes the short path too: `op.watched` is `op.call` made of the same text, in a world where `state.special` is 0 and
where `dispatch` hands back what the short path does not recognise. `op.quiet` is made likewise for where nothing but
`no_grad` or inference mode is unusual, in a world where ops have no rules.
"""

from __future__ import annotations

from functools import cache
from types import CodeType, FunctionType
from typing import Any

from .short import forms, general


class _Calm:
    __slots__ = ("special",)

    def __init__(self) -> None:
        self.special = 0


def _hand_back(op: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> None:
    """In place of `dispatch`, which has asked: None says that the short path does not recognise the call."""


def _handing_back(op: Any, slow: Any, saved_of: Any, product: bool) -> Any:
    """In place of `jotted`, likewise."""
    return lambda x, y=None: None


def _no_rules(op: Any) -> tuple[None, ...]:
    """In place of `rules_of`."""
    return (None,) * len(op.rules)


@cache
def _calm(make: Any, recording: bool) -> Any:
    """What `make` makes calls with, made of the same text in that world."""
    world = {**make.__globals__, "state": _Calm(), "dispatch": _hand_back, "jotted": _handing_back}
    if not recording:
        world["rules_of"] = _no_rules
    return FunctionType(_copy(make.__code__), world, make.__name__, make.__defaults__)


def _copy(code: CodeType) -> CodeType:
    """Code of its own: the interpreter notes in it where it found which name, and would find each in two worlds."""
    return code.replace(co_consts=tuple([_copy(c) if isinstance(c, CodeType) else c for c in code.co_consts]))


def install(op: Any) -> None:
    """Give the table entry its `watched` and its `quiet`. There is none where the call is `dispatch` itself."""
    make, _ = forms(op)
    op.watched = None if make is general or op.aux or op.outputs != 1 else _calm(make, True)(op)
    op.quiet = None if make is general else _calm(make, False)(op)
