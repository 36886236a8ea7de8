"""The text of an op's function, to be written into a program: `g * y` for `def dx(g, y): return g * y`."""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

PLAIN = (int, float, bool, str, type(None))

SCALAR: dict[str, str] = {
    "relu": "0.0 if x <= 0.0 else x",
    "relu_dx": "g if out > 0.0 else 0.0",
    "sigmoid": "1.0 / (1.0 + xp.exp(-x))",
    "square": "x * x",
}
"""What forward and rules of some ops are for plain numbers, where their own text is about arrays."""

MATH = {
    "exp": "math.exp", "log": "math.log", "sin": "math.sin", "cos": "math.cos", "tan": "math.tan", "tanh": "math.tanh",
    "sinh": "math.sinh", "cosh": "math.cosh", "sqrt": "math.sqrt", "absolute": "abs", "abs": "abs",
    "log1p": "math.log1p", "expm1": "math.expm1", "square": "square", "negative": "-", "arctan": "math.atan",
    "arctan2": "math.atan2", "reciprocal": "1 /",
}  # fmt: skip
"""NumPy's functions as Python has them for numbers."""


class Text:
    """An expression with holes for the arguments, and the names it uses from the function's module."""

    def __init__(
        self, tree: ast.expr, parameters: tuple[str, ...], names: dict[str, Any], scalar: bool = False
    ) -> None:
        self.tree = tree
        self.parameters = parameters
        self.names = names
        marked = _Marked(parameters, scalar).visit(ast.parse(ast.unparse(tree), mode="eval").body)
        self._parts = re.split(r"__hole_(\w+?)__", ast.unparse(marked))

    def filled(self, arguments: dict[str, str]) -> str:
        """The expression with `arguments`, names and literals, in the holes."""
        return "".join([arguments[part] if i % 2 else part for i, part in enumerate(self._parts)])


@cache
def text_of(function: Callable[..., Any]) -> Text | None:
    """The text of a function that only returns an expression; None for others, and for those that kernels serve."""
    if hasattr(function, "__wrapped__"):
        return None
    try:
        definition: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    if not isinstance(definition, ast.FunctionDef):
        return None
    body = [
        line for line in definition.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
    ]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return None
    expression = body[0].value
    arguments = definition.args
    if arguments.vararg or arguments.kwarg:
        return None
    parameters = tuple(a.arg for a in (*arguments.args, *arguments.kwonlyargs))
    names: dict[str, Any] = {}
    for node in ast.walk(expression):
        if isinstance(
            node, ast.IfExp | ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp | ast.NamedExpr
        ):
            return None
        if isinstance(node, ast.Name) and node.id not in parameters and node.id != "xp":
            if node.id not in function.__globals__:  # a builtin
                continue
            names[node.id] = function.__globals__[node.id]
    return Text(expression, parameters, names)


@cache
def scalar_text(name: str, function: Callable[..., Any]) -> Text | None:
    """The text for plain Python numbers: only arithmetic, comparisons and functions that `math` has."""
    own = text_of(function)
    if name in SCALAR:
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        own = Text(ast.parse(SCALAR[name], mode="eval").body, parameters, {})
    if own is None or own.names or not _plain(own.tree):
        return None
    return Text(own.tree, own.parameters, {}, scalar=True)


def _plain(tree: ast.expr) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "xp":
                if called.attr not in MATH or node.keywords:
                    return False
            elif not (isinstance(called, ast.Name) and called.id == "abs"):
                return False
        elif isinstance(node, ast.Attribute):
            if not (isinstance(node.value, ast.Name) and node.value.id == "xp"):
                return False
        elif not isinstance(
            node,
            ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Compare | ast.Name | ast.Constant | ast.operator | ast.unaryop
            | ast.cmpop | ast.expr_context,
        ):  # fmt: skip
            return False
    return True


class _Marked(ast.NodeTransformer):
    """Puts holes where the parameters are, and Python's functions of numbers where NumPy's are."""

    def __init__(self, parameters: tuple[str, ...], scalar: bool) -> None:
        self.parameters = parameters
        self.scalar = scalar

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(f"__hole_{node.id}__", node.ctx) if node.id in self.parameters else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func
        if not self.scalar or not isinstance(called, ast.Attribute):
            return self.generic_visit(node)
        inside: Any = [self.visit(a) for a in node.args]
        match MATH[called.attr]:
            case "-":
                return ast.UnaryOp(ast.USub(), inside[0])
            case "square":
                return ast.BinOp(inside[0], ast.Mult(), inside[0])
            case "1 /":
                return ast.BinOp(ast.Constant(1.0), ast.Div(), inside[0])
            case name:
                return ast.Call(ast.parse(name, mode="eval").body, inside, [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "xp":
            return ast.Attribute(ast.Name("np" if hasattr(np, node.attr) else "xp", ast.Load()), node.attr, ast.Load())
        return self.generic_visit(node)


def literal(value: Any) -> str | None:
    """A Python value as it is written; None for what cannot be."""
    if isinstance(value, PLAIN):
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        text = repr(value)
        return f"({text})" if text.startswith("-") else text
    if isinstance(value, tuple | list):
        parts = [literal(v) for v in value]
        if None in parts:
            return None
        inner = ", ".join(p for p in parts if p is not None)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    return None
