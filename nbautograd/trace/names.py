"""What the user calls things: variables, parameters by their path, and what a line assigns its result to."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any

from nbautograd.core.node import ORDER
from nbautograd.core.tensor import Tensor
from nbautograd.trace.model import Source, Span
from nbautograd.trace.notes import ValueNote

Place = tuple[int, int, int, int]


class Names:
    """The names in a namespace, looked up when the code has run."""

    def __init__(self, namespace: dict[str, Any], sources: list[Source]) -> None:
        self.modules: dict[int, str] = {}
        """Names of modules by id."""
        self._tensors: dict[int, str] = {}
        """Names of tensors by the order of their node."""
        self._constants: dict[int, str] = {}
        """Names of tensors without a node by id."""
        self._sources = sources
        for name, thing in list(namespace.items()):
            if not name.startswith("_"):
                self._add(name, thing)

    def _add(self, name: str, thing: Any) -> None:
        if isinstance(thing, Tensor):
            self._add_tensor(thing, name)
        elif hasattr(thing, "named_parameters") and not isinstance(thing, type):
            for path, part in thing.named_modules():
                self.modules.setdefault(id(part), f"{name}.{path}" if path else name)
            for path, parameter in thing.named_parameters():
                if parameter._node is not None:
                    self._add_tensor(parameter, f"{name}.{path}")

    def _add_tensor(self, tensor: Tensor, name: str) -> None:
        if tensor._node is None:
            self._constants.setdefault(id(tensor), name)
        else:
            self._tensors.setdefault(tensor._node[ORDER], name)

    def of(self, note: ValueNote) -> str | None:
        """The variable or parameter that holds a value."""
        if note.order is not None:
            return self._tensors.get(note.order)
        tensor = note.tensor() if note.tensor is not None else None
        return None if tensor is None else self._constants.get(id(tensor))

    def assigned(self, span: Span | None) -> str | None:
        """The variable to which the expression at `span` is assigned, for results that no variable holds any more."""
        return None if span is None else _assignments(self._sources[span.source].code).get(_place(span))


def _place(at: Any) -> Place:
    if isinstance(at, Span):
        return at.line, at.column, at.end_line, at.end_column
    return at.lineno, at.col_offset, at.end_lineno, at.end_col_offset


@lru_cache(maxsize=64)
def _assignments(code: str) -> dict[Place, str]:
    """By the place of what is assigned, the name it is assigned to. Code that is no Python has none."""
    found: dict[Place, str] = {}
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):  # the last: CPython 3.11 with threads
        return found
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found[_place(value)] = name
            case ast.AugAssign(target=ast.Name(id=name)):
                found[_place(node)] = name
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                found[_place(value)] = name
            case _:
                pass
    return found
