"""Expressions on blocks as single functions that write into buffers, which the program owns and uses again.

NOTE [Buffers of blocks]
`d = g * (1 - y * y)` on a block asks for three arrays and leaves two of them behind. As functions with `out=` the same
needs one buffer, which is free again when nothing reads `d` any more: so few buffers are needed that all of them stay
in the cache. Only what is certain to be a new array of the block's shape and dtype is written so. What else stands in a
text may show the memory of its operands, whose buffers are then not used again.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np

FUNCTIONS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.USub: "negative",
}  # fmt: skip


@dataclass
class Line:
    """A call in a block: the text of what computes it, and what its results are called."""

    outs: list[str]
    text: str
    stores: list[tuple[str, str]]
    """The results that are stored for good: where, and which."""
    suits: bool
    """Whether operands and result are of the buffers' dtype, and the result has the block's shape."""
    full: bool
    """Whether the results have that dtype and shape."""


class Buffered:
    """The lines of a block with `out=`; `full` are operands that have the block's shape and the buffers' dtype.

    `{i}` stands for buffer number i in the `lines`, of which there are `count`.
    """

    def __init__(self, lines: list[Line], full: set[str]) -> None:
        self.lines: list[str] = []
        self.count = 0
        self._full = full
        self._free: list[int] = []
        self._held: dict[str, int] = {}
        trees = [ast.parse(line.text, mode="eval").body for line in lines]
        last = {n.id: i for i, tree in enumerate(trees) for n in ast.walk(tree) if isinstance(n, ast.Name)}
        for i, (line, tree) in enumerate(zip(lines, trees, strict=True)):
            if line.suits and self._is_new(tree):
                self._compute(line, tree, [name for name in self._held if last.get(name) == i])
            else:
                self._leave(line, tree)
            if line.full:
                self._full |= {*line.outs}

    def _leave(self, line: Line, tree: Any) -> None:
        """The line as it is; the buffers of what it reads are not used again, for it may show them."""
        for n in ast.walk(tree):
            if isinstance(n, ast.Name):
                self._held.pop(n.id, None)
        at_once = f"{line.stores[0][0]} = " if line.stores and len(line.outs) == 1 else ""
        self.lines.append(f"{at_once}{', '.join(line.outs)} = {_safe(line.text)}")
        self.lines += [f"{place} = {name}" for place, name in line.stores if not at_once]

    def _compute(self, line: Line, tree: Any, dying: list[str]) -> None:
        operands = [self._operand(n) for n in _operands(tree)]
        self._free += [self._held.pop(name) for name in dying if name in self._held]
        self._free += [n for _, n in operands if n is not None]
        if line.stores:
            place = line.stores[0][0]
        else:
            number = self._held[line.outs[0]] = self._new()
            place = f"{{{number}}}"
        whole = "" if all(n is None for _, n in operands) else f"  # {_safe(line.text)}"
        self.lines.append(f"{line.outs[0]} = {_call(tree, [text for text, _ in operands], place)}{whole}")

    def _operand(self, node: Any) -> tuple[str, int | None]:
        """The text of an operand, and which buffer it lies in if that is needed no longer."""
        if not self._is_new(node):
            return _safe(ast.unparse(node)), None
        operands = [self._operand(n) for n in _operands(node)]
        self._free += [n for _, n in operands if n is not None]
        number = self._new()
        self.lines.append(_call(node, [text for text, _ in operands], f"{{{number}}}"))
        return f"{{{number}}}", number

    def _new(self) -> int:
        if self._free:
            return self._free.pop()
        self.count += 1
        return self.count - 1

    def _is_new(self, node: Any) -> bool:
        """Whether an expression is a function that makes a new array of the block's shape and dtype."""
        return any(self._is_full(n) or self._is_new(n) for n in _operands(node))

    def _is_full(self, node: Any) -> bool:
        return ast.unparse(node) in self._full


def _operands(node: Any) -> list[ast.expr]:
    """The operands of a function that has `out=`; none for other expressions."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in FUNCTIONS:
            return [left, right]
        case ast.UnaryOp(ast.USub(), operand):
            return [operand]
        case ast.Call(ast.Attribute(ast.Name("np"), name), args, []) if _keeps_dtype(getattr(np, name), len(args)):
            return args
        case _:
            return []


def _keeps_dtype(function: Any, count: int) -> bool:
    return isinstance(function, np.ufunc) and "f" * count + "->f" in function.types


def _call(node: Any, operands: list[str], place: str) -> str:
    name = node.func.attr if isinstance(node, ast.Call) else FUNCTIONS[type(node.op)]
    return f"np.{name}({', '.join(operands)}, out={place})"


def _safe(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
