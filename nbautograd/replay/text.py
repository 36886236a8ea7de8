"""The text of an op's function for plain Python numbers: `math.exp(x)` where an array takes `xp.exp(x)`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from typing import Any

from nbautograd.core.text import Text, copied, text_of

SCALAR: dict[str, str] = {
    "relu": "0.0 if x <= 0.0 else x",
    "relu_dx": "g if out > 0.0 else 0.0",
    "tanh_dx": "g * (1 - out * out)",
    "sigmoid_dx": "g * out * (1 - out)",
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


@cache
def scalar_text(name: str, function: Callable[..., Any]) -> Text | None:
    """The text for plain Python numbers: only arithmetic, comparisons and functions that `math` has."""
    own = text_of(function)
    if name in SCALAR:
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        own = Text(ast.parse(SCALAR[name], mode="eval").body, parameters, {})
    if own is None or own.names or not _plain(own.tree):
        return None
    return Text(_OfNumbers().visit(copied(own.tree)), own.parameters, {})


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


class _OfNumbers(ast.NodeTransformer):
    """Puts Python's functions of numbers where NumPy's are."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func
        if not isinstance(called, ast.Attribute):
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
