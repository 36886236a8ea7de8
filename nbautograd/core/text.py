"""The text of an op's function, to be written into a program: `g * y` for `def dx(g, y): return g * y`."""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np

PLAIN = (int, float, bool, str, type(None))


class Text:
    """An expression with holes for the arguments, and the names it uses from the function's module."""

    def __init__(self, tree: ast.expr, parameters: tuple[str, ...], names: dict[str, Any]) -> None:
        self.tree = tree
        self.parameters = parameters
        self.names = names
        marked = _Marked(parameters).visit(copied(tree))
        self._parts = re.split(r"__hole_(\w+?)__", ast.unparse(marked))

    def filled(self, arguments: dict[str, str]) -> str:
        """The expression with `arguments`, names and literals, in the holes."""
        return "".join([arguments[part] if i % 2 else part for i, part in enumerate(self._parts)])


@cache
def stands_alone(function: Callable[..., Any]) -> bool:
    """Whether a function's text says what it computes: nothing is wrapped round it, and no variables stand round it."""
    return not hasattr(function, "__wrapped__") and not getattr(function, "__closure__", None)


def text_of(function: Callable[..., Any]) -> Text | None:
    """The text of a function that only returns an expression; None for others, and for those that kernels serve."""
    if not stands_alone(function):
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
    module = cast(Any, function).__globals__
    for node in ast.walk(expression):
        if isinstance(
            node, ast.IfExp | ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp | ast.NamedExpr
        ):
            return None
        if isinstance(node, ast.Name) and node.id not in parameters and node.id != "xp":
            if node.id not in module:  # a builtin
                continue
            names[node.id] = module[node.id]
    return Text(expression, parameters, names)


def copied(tree: ast.expr) -> ast.expr:
    """A tree of its own, to be changed."""
    return ast.parse(ast.unparse(tree), mode="eval").body


class _Marked(ast.NodeTransformer):
    """Puts holes where the parameters are, and NumPy where an op may run on either library."""

    def __init__(self, parameters: tuple[str, ...]) -> None:
        self.parameters = parameters

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(f"__hole_{node.id}__", node.ctx) if node.id in self.parameters else node

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
        parts = [literal(v) for v in cast("tuple[Any, ...]", value)]
        if None in parts:
            return None
        inner = ", ".join(p for p in parts if p is not None)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(parts) == 1 else ''})"
    return None
