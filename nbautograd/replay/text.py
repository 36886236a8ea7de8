"""The text of an op's function for numbers: `math.exp(x)`, if they are Python's, where an array takes `xp.exp(x)`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from nbautograd.core.op import TABLE
from nbautograd.core.text import Text, copied, literal, text_of

SCALAR: dict[str, str] = {
    "relu": "zero if x <= 0.0 else x",
    "relu_dx": "g if out > 0.0 else zero",
    "tanh_dx": "g * (1 - out * out)",
    "sigmoid_dx": "(1 - out) * out * g",
    "sigmoid": "1.0 / (1.0 + xp.exp(-x))",
    "square": "x * x",
}
"""What forward and rules of some ops are for numbers, where their own text is about arrays; `zero` is of their type."""

MATH = {
    "exp": "math.exp", "log": "math.log", "sin": "math.sin", "cos": "math.cos", "tan": "math.tan", "tanh": "math.tanh",
    "sinh": "math.sinh", "cosh": "math.cosh", "sqrt": "math.sqrt", "absolute": "abs", "abs": "abs",
    "log1p": "math.log1p", "expm1": "math.expm1", "square": "square", "negative": "-", "arctan": "math.atan",
    "arctan2": "math.atan2", "reciprocal": "1 /",
}  # fmt: skip
"""NumPy's functions as Python has them for numbers."""


@cache
def scalar_text(name: str, function: Callable[..., Any]) -> Text | None:
    """The text for numbers: only arithmetic, comparisons and functions that `math` has."""
    own = text_of(function)
    if name in SCALAR:
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        own = Text(ast.parse(SCALAR[name], mode="eval").body, (*parameters, "zero"), {})
    return plain(own)


@cache
def plain(text: Text | None) -> Text | None:
    """A text that is one for numbers too, or None."""
    return text if text is not None and not text.names and _is_plain(text.tree) else None


@cache
def of_python(text: Text, excess: bool) -> Text:
    """A text for numbers of Python's: with `excess` precision with its functions, else with NumPy's."""
    return Text(_OfNumbers(excess).visit(copied(text.tree)), text.parameters, {})


@cache
def has_power(text: Text) -> bool:
    """Whether `**` stands in a text."""
    return any(isinstance(node, ast.Pow) for node in ast.walk(text.tree))


def _is_plain(tree: ast.expr) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and _is_numpy(called.value):
                if called.attr not in MATH or node.keywords:
                    return False
            elif not (isinstance(called, ast.Name) and called.id == "abs"):
                return False
        elif isinstance(node, ast.Attribute):
            if not _is_numpy(node.value):
                return False
        elif not isinstance(
            node,
            ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Compare | ast.Name | ast.Constant | ast.operator | ast.unaryop
            | ast.cmpop | ast.expr_context,
        ):  # fmt: skip
            return False
    return True


def _is_numpy(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("xp", "np")


class _OfNumbers(ast.NodeTransformer):
    """Puts Python's functions of numbers where NumPy's are, those that give other last digits only with `excess`."""

    def __init__(self, excess: bool) -> None:
        self._excess = excess

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
            case name if not self._excess and name not in ("abs", "math.sqrt"):
                return ast.Call(ast.Name("float"), [ast.Call(called, inside, [])], [])
            case name:
                return ast.Call(ast.parse(name, mode="eval").body, inside, [])


# --- for arrays ---------------------------------------------------------------------------------------------------


@cache
def inlined(function: Callable[..., Any]) -> Text | None:
    """The text of a function that only returns an expression, with those of the ops that it calls in their places."""
    text = text_of(function)
    if text is None:
        return None
    visitor = _Inlined(text.names)
    return Text(visitor.visit(copied(text.tree)), text.parameters, visitor.names)


class _Inlined(ast.NodeTransformer):
    """Puts the text of an op in the place of `xp.op(…)`."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = dict(names)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called: Any = node.func
        known = isinstance(called, ast.Attribute) and ast.unparse(called.value) == "xp" and not hasattr(np, called.attr)
        text = inlined(TABLE[called.attr].forward) if known and called.attr in TABLE else None
        if text is None or any(self.names.get(name, value) is not value for name, value in text.names.items()):
            return node
        given = dict(zip(text.parameters, node.args, strict=False)) | {str(k.arg): k.value for k in node.keywords}
        if given.keys() != set(text.parameters) or any(_computes(given[p]) for p in _used_twice(text)):
            return node
        self.names |= text.names
        return _Filled(given).visit(copied(text.tree))


def _computes(node: ast.expr) -> bool:
    return not isinstance(node, ast.Name | ast.Constant | ast.Attribute)


def _used_twice(text: Text) -> list[str]:
    used = [node.id for node in ast.walk(text.tree) if isinstance(node, ast.Name)]
    return [p for p in text.parameters if used.count(p) > 1]


class _Filled(ast.NodeTransformer):
    """Puts arguments in the places of parameters."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.given.get(node.id, node)


def worked_out(text: str, space: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> str:
    """An expression with what is known before the program runs worked out; `shapes` are those of variables."""
    if not any(helper in text for helper in HELPERS):
        return text
    return ast.unparse(_WorkedOut(space, shapes).visit(ast.parse(text, mode="eval").body))


HELPERS = ("restore(", "count_of(", "averaged(", "inverse(", "leading(", "tuple(range(", "builtins.")
"""Functions of shapes and settings alone, or nearly."""


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


class _WorkedOut(ast.NodeTransformer):
    """Calls helpers of ours that are given nothing but numbers, and says what is left of `restore`."""

    def __init__(self, space: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
        self.space = space
        self.shapes = shapes

    def _shape_of(self, node: ast.expr) -> tuple[int, ...] | None:
        return self.shapes.get(node.id) if isinstance(node, ast.Name) else None

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        shape = self._shape_of(node.value)
        if shape is None or node.attr not in ("shape", "ndim"):
            return node
        return ast.parse(repr(shape if node.attr == "shape" else len(shape)), mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = ast.unparse(node.func)
        if called == "restore":
            inner, dim, keep = node.args
            if ast.unparse(dim) == "None" or ast.unparse(keep) == "True":
                return inner
            return ast.Call(ast.parse("np.expand_dims", mode="eval").body, [inner, dim], [])
        if called == "leading" and (shape := self._shape_of(node.args[0])) and isinstance(node.args[1], ast.Tuple):
            return ast.parse(repr(tuple(range(len(shape) - len(node.args[1].elts)))), mode="eval").body
        if called == "tuple" and _names(node) <= {"tuple", "range", "len"}:
            return ast.parse(repr(eval(ast.unparse(node))), mode="eval").body
        if f"{called}(" not in HELPERS and not called.startswith("builtins."):
            return node
        try:
            arguments = [ast.literal_eval(a) for a in node.args]
        except ValueError:
            return node
        value = literal(eval(called, self.space)(*arguments))
        return node if value is None else ast.parse(value, mode="eval").body

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        by_one = (
            isinstance(node.op, ast.Div | ast.Mult) and isinstance(node.right, ast.Constant) and node.right.value == 1
        )
        return node.left if by_one else node
