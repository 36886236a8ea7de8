"""What one call of a function on symbols writes down; see NOTE [Symbols]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .words import NARROW

Shape = tuple[int, ...]


class UntraceableError(Exception):
    """What was asked for is no arithmetic of single elements."""


class UnfitError(UntraceableError):
    """What is reduced is no work for a kernel of rows: something else may be."""


WORDS = {"added": "fi", "multiplied": "f", "larger": "f", "smaller": "fi"}
"""What makes one of two elements, and the kinds of numbers that it is known for."""


class Join(NamedTuple):
    """Elements along some dimensions become one."""

    word: str
    """The function of two elements."""
    source: str
    form: Shape
    axes: tuple[int, ...]


class Trace:
    """The lines that one call of a function writes."""

    def __init__(self, reducing: bool = True) -> None:
        self.reducing = reducing
        """Whether what is reduced may be computed with; see NOTE [Reductions]."""
        self.arrays: list[Any] = []
        """The arguments, and views of them that the function takes."""
        self.views: list[tuple[int, Callable[[Any], Any]]] = []
        """Of each such view which argument it is of, and how it is made."""
        self.joins: dict[str, Join] = {}
        """What has been reduced, by the names of the results."""
        self.uses: list[tuple[str, Shape, Shape]] = []
        """Names that were computed with, with their shapes and those of the results."""
        self.lines: list[str] = []
        self.numbers: dict[str, tuple[str, Any]] = {}
        """Numbers by their names, with their types: they are arguments of the kernel, so that none makes a new one."""
        self.loaded: dict[int, str] = {}
        """The arguments that are read, with their names."""
        self.written: dict[int, Any] = {}
        """The arguments that were changed in place."""
        self.sized = False
        """Whether the function has asked for a shape."""
        self.turned = False
        """Whether something computed was given another shape."""
        self.steps = 0
        """How many kernels it would have been."""
        self.decides = False
        """Whether the function has looked at a number."""
        self._known: dict[tuple[str, str], str] = {}

    def line(self, text: str, kind: str) -> str:
        """The name of the value that `text` computes."""
        name = self._known.get((kind, text))
        if name is None:
            name = self._known[kind, text] = f"v{len(self.lines)}"
            self.lines.append(f"const {kind} {name} = {text};")
        return name

    def number(self, value: Any, dtype: Any) -> str:
        """The name of a number that takes `dtype`."""
        wide = np.dtype(np.float32) if dtype.name in NARROW else dtype
        number = wide.type(value)
        name = self._known.get((wide.name, repr(number)))
        if name is None:
            name = self._known[wide.name, repr(number)] = f"k{len(self.numbers)}"
            self.numbers[name] = (wide.name, number)
        return name
