"""The text of a function that chooses by numbers which are known: `g * (x * 2)` of the rule of `x ** y`, for y = 2."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

from nbautograd.core.text import Text, stands_alone
from nbautograd.replay.calls import Call, Var
from nbautograd.replay.text import inlined

Constants = tuple[tuple[str, str, int | float], ...]
Dtypes = tuple[tuple[str, Any], ...]


def text_for(call: Call) -> Text | None:
    """The text of what a call computes, if that is an expression."""
    text = inlined(call.function)
    if not inspect.isfunction(call.function) or (text and not any(map(inspect.isfunction, text.names.values()))):
        return text
    names = call.function.__code__.co_varnames[: call.function.__code__.co_argcount]
    given = [*zip(names, call.args, strict=False)]
    numbers = [(n, a) for n, a in given if a.__class__ in (int, float) and math.isfinite(a)]  # inf is no text
    if not numbers or len(names) != len(call.args):
        return text
    dtypes = tuple([(n, a.dtype) for n, a in given if isinstance(a, Var)])
    return chosen(call.function, tuple([(n, repr(a), a) for n, a in numbers]), dtypes) or text


@cache
def chosen(function: Callable[..., Any], constants: Constants, dtypes: Dtypes = ()) -> Text | None:
    """The expression that a function returns for these numbers, and arguments of these dtypes; None for more than that.

    So do the functions that it calls. Numbers come with their texts, by which 2 and 2.0 are told apart.
    """
    if not stands_alone(function):
        return None
    space = function.__globals__
    facts: dict[str, Any] = {name: SimpleNamespace(dtype=dtype) for name, dtype in dtypes}
    try:
        definition: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        known = {name: number for name, _, number in constants}
        found = _returned(definition.body, known | facts)
        tree = None if found is None else _Chosen(known, facts, space).visit(found)
    except (OSError, TypeError, SyntaxError, NameError, ArithmeticError, AttributeError):
        return None
    if tree is None:
        return None
    parameters = tuple(a.arg for a in (*definition.args.args, *definition.args.kwonlyargs))
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - {"xp", *parameters}
    if any(isinstance(n, ast.IfExp | ast.Lambda | ast.GeneratorExp) for n in ast.walk(tree)):
        return None
    return Text(tree, parameters, {name: space[name] for name in used if name in space})


def _returned(body: list[ast.stmt], known: dict[str, Any]) -> ast.expr | None:
    """What is returned, by way of branches that depend on nothing but what is known.

    Raises: NameError, TypeError where it is not as simple.
    """
    for line in body:
        match line:
            case ast.Expr(ast.Constant()):
                continue
            case ast.Return(value):
                return value
            case ast.If():
                branch = line.body if _worked_out(line.test, known) else line.orelse
                if (found := _returned(branch, known)) is not None:
                    return found
            case _:
                raise TypeError
    return None


def _worked_out(test: ast.expr, known: dict[str, Any]) -> Any:
    """The value of an expression of what is known.

    Raises: NameError if it is not.
    """
    return eval(ast.unparse(test), {"__builtins__": {"float": float, "int": int}}, known)


class _Chosen(ast.NodeTransformer):
    """Puts numbers that are known in their places, and what is computed and chosen by them."""

    def __init__(self, known: dict[str, Any], facts: dict[str, Any], space: dict[str, Any]) -> None:
        self.known = known
        self.facts = facts
        self.space = space

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return _written(self.known[node.id]) if node.id in self.known else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self.visit(node.body if _worked_out(node.test, self.known | self.facts) else node.orelse)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        known = _is_number(node.left) and _is_number(node.right)
        return _written(_worked_out(node, {})) if known else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = self.space.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if not inspect.isfunction(function) or node.keywords:
            return node
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        given = dict(zip(names, node.args, strict=False))
        if not all(_is_number(a) or isinstance(a, ast.Name) for a in node.args):
            return node
        text = chosen(
            function, tuple([(name, ast.unparse(a), _worked_out(a, {})) for name, a in given.items() if _is_number(a)])
        )
        if text is None or text.names:
            return node
        return ast.parse(text.filled({name: ast.unparse(a) for name, a in given.items()}), mode="eval").body


def _is_number(node: ast.expr) -> bool:
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _written(number: Any) -> ast.expr:
    return ast.parse(repr(number), mode="eval").body
