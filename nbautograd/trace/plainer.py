"""Expressions of the op table made plain: what is known is worked out, NumPy's words stand for helpers of ours."""

from __future__ import annotations

import ast
from types import ModuleType
from typing import Any

import numpy as np

from nbautograd.core.text import copied, literal


def subscript(text: str) -> str:
    """An index as it is written between brackets: `:, 0` for `(slice(None, None, None), 0)`."""
    tree = ast.parse(text, mode="eval").body
    parts = tree.elts if isinstance(tree, ast.Tuple) and tree.elts else [tree]
    return ", ".join(map(_part, parts)) + ("," if isinstance(tree, ast.Tuple) and len(tree.elts) == 1 else "")


def _part(node: ast.expr) -> str:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "slice"):
        return ast.unparse(node)
    start, stop, step = ("" if ast.unparse(a) == "None" else ast.unparse(a) for a in node.args)
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def in_call(text: str) -> str:
    """A setting for a call: an index with slices is written with `np.s_`."""
    return f"np.s_[{subscript(text)}]" if "slice(" in text else text


class Plainer(ast.NodeTransformer):
    """Works out what is known, and says in NumPy's words what helpers of ours do."""

    def __init__(self, names: dict[str, Any], known: dict[str, Any], settings: dict[str, str]) -> None:
        self.names = names
        self.known = known
        self.settings = settings

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.settings:
            return expression(in_call(self.settings[node.id]))
        value = self.names.get(node.id)
        return expression(literal(value) or "None") if isinstance(value, int | float) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "xp":
            return node if hasattr(np, node.attr) else ast.Name(node.attr, ast.Load())
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        found = ast.unparse(node)
        return expression(str(found == "not False")) if found in ("not True", "not False") else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Nothing is multiplied or divided by one."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Div) and _is_one(node.right):
            return node.left
        return node.right if isinstance(node.op, ast.Mult) and _is_one(node.left) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        index = self.settings.get(ast.unparse(node.slice), "")
        if "slice(" not in index:
            return self.generic_visit(node)
        return expression(f"({ast.unparse(self.visit(node.value))})[{subscript(index)}]")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = ast.unparse(node.func)
        root = called.partition(".")[0]
        if isinstance(self.names.get(root), ModuleType) or callable(self.names.get(root)):
            found = self._worked_out(node)
            if found is not None:
                return expression(found)
        if called == "restore":
            return self._restored(node)
        self.generic_visit(node)
        node.keywords = [k for k in node.keywords if not _is_usual(k)]
        return _said(called, node)

    def _worked_out(self, node: ast.Call) -> str | None:
        """The value of a helper's call that depends on shapes and settings alone."""
        shaped = _Shapes(self.known).visit(copied(node))
        used = {each.id for each in ast.walk(shaped) if isinstance(each, ast.Name)}
        if not used <= {*self.known, *self.names} - {"math"}:
            return None
        code = compile(ast.fix_missing_locations(ast.Expression(shaped)), "<rule>", "eval")
        try:
            value = eval(code, {**self.names, **self.known})
        except (TypeError, ValueError, ArithmeticError, LookupError):
            return None  # shapes and settings that no rule ever sees
        return literal(value)

    def _restored(self, node: ast.Call) -> ast.AST:
        inner, dim, keep = (self.visit(a) for a in node.args)
        if ast.unparse(dim) == "None" or ast.unparse(keep) == "True":
            return inner
        return ast.Call(expression("xp.expand_dims"), [inner, dim], [])


class _Shapes(ast.NodeTransformer):
    """`x_shape` for `x.shape`."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        fact = f"{ast.unparse(node.value)}_{node.attr}"
        return ast.Name(fact, ast.Load()) if fact in self.known else self.generic_visit(node)


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _is_usual(keyword: ast.keyword) -> bool:
    """`axis=None` and `keepdims=False` are what they are anyway."""
    return (keyword.arg, ast.unparse(keyword.value)) in (("axis", "None"), ("keepdims", "False"))


def _said(called: str, node: ast.Call) -> ast.AST:
    """A call, in NumPy's words and as short as one writes it."""
    arguments, more = node.args, node.keywords
    match called:
        case "kept":
            return ast.Call(expression("xp.where"), [arguments[1], arguments[0], ast.Constant(0)], [])
        case "writable":
            return arguments[0]
        case "fitted":
            return ast.Call(ast.Name("unbroadcast", ast.Load()), arguments, [])
        case "turned":
            return ast.Attribute(arguments[0], "mT", ast.Load())
        case "xp.swapaxes" if [ast.unparse(a) for a in arguments[1:]] == ["-1", "-2"]:
            return ast.Attribute(arguments[0], "mT", ast.Load())
        case "xp.matmul":
            return ast.BinOp(arguments[0], ast.MatMult(), arguments[1])
        case "x.dot":
            return ast.BinOp(expression("x"), ast.MatMult(), arguments[0])
        case "xp.add.reduce" | "xp.sum" | "xp.prod" | "xp.max" | "xp.min":
            name = "sum" if called == "xp.add.reduce" else called.removeprefix("xp.")
            return ast.Call(ast.Attribute(arguments[0], name, ast.Load()), arguments[1:], more)
        case "special" if isinstance(arguments[0], ast.Constant):
            return ast.Call(expression(f"scipy.special.{arguments[0].value}"), arguments[1:], more)
        case _:
            return node
