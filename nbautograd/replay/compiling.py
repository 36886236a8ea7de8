"""The text of a chain of elementwise calls for one element, from which a kernel is made."""

from __future__ import annotations

import ast
from typing import Any

from nbautograd.fast.chains import Chain
from nbautograd.replay.blocks import Group
from nbautograd.replay.calls import Call, Var
from nbautograd.replay.expressions import Expressions
from nbautograd.replay.text import SCALAR, scalar_text

TAKEN = {
    "np.exp": "exp", "np.tanh": "tanh", "np.sqrt": "math.sqrt", "np.absolute": "abs", "np.abs": "abs", "abs": "abs",
    "xp.sgn": "np.sign",
}  # fmt: skip
"""Functions that kernels have, by how NumPy's are called."""
TREE = (
    ast.BinOp,
    ast.UnaryOp,
    ast.IfExp,
    ast.Compare,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.USub,
    ast.LtE,
    ast.Gt,
    ast.Load,
)


class _UnknownError(Exception):
    """Kernels cannot compute this."""


def chain_of(group: Group, write: Expressions) -> tuple[Chain, list[Var], list[Var]] | None:
    """The loop for a group with the arrays and the numbers that it reads; None where a kernel cannot compute it."""
    arrays = [v for v in group.inputs if id(v) not in group.uniform and group.is_full(v)]
    numbers = [v for v in group.inputs if not any(v is a for a in arrays)]
    if group.form.by_row or group.dtype.char not in "fd" or not all(map(group.is_full, group.outputs)):
        return None
    if any(v.dtype != group.dtype or (v.shape != () and id(v) not in group.uniform) for v in numbers):
        return None
    called = {id(v): f"v{i}" for i, v in enumerate([*arrays, *numbers])}
    inside = {id(v): f"{called[id(v)]}_i" for v in arrays} | {id(v): called[id(v)] for v in numbers}
    lines: list[str] = []
    results = {id(v): f"out{i}" for i, v in enumerate(group.outputs)}
    try:
        for call in group.calls:
            text = _for_one(call, write, inside)
            (out,) = call.outs
            inside[id(out)] = f"t{len(lines)}"
            lines.append(f"{inside[id(out)]} = {text}")
    except (_UnknownError, ValueError):
        return None
    lines += [f"{results[id(v)]}[i] = {inside[id(v)]}" for v in group.outputs]
    names = [called[id(v)] for v in arrays], [called[id(v)] for v in numbers], [*results.values()]
    return Chain(group.dtype.name, *names, lines), arrays, numbers


def _for_one(call: Call, write: Expressions, inside: dict[int, str]) -> str:
    def name(v: Any) -> str:
        if id(v) not in inside:
            raise _UnknownError
        return inside[id(v)]

    if call.several or any(v.dtype != call.outs[0].dtype for v in call.args if isinstance(v, Var)):
        raise _UnknownError
    if call.name in SCALAR and not call.settings:
        form: Any = scalar_text(call.name, call.function)
        text = form.filled(dict(zip(form.parameters, [*map(name, call.args), "0.0"], strict=True)))
    else:
        text = write.on_arrays(call, name)
    return ast.unparse(_Element(set(inside.values())).visit(ast.parse(text, mode="eval").body))


class _Element(ast.NodeTransformer):
    """An expression of one element: of the kernel's own functions, and with constants of the arrays' dtype."""

    def __init__(self, known: set[str]) -> None:
        self.known = known

    def generic_visit(self, node: Any) -> Any:
        if not isinstance(node, TREE):
            raise _UnknownError
        return super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self.known:
            raise _UnknownError
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if node.value.__class__ not in (int, float):
            raise _UnknownError
        return ast.Call(ast.Name("F", ast.Load()), [node], [])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = ast.unparse(node.func)
        if called not in TAKEN or len(node.args) != 1 or node.keywords:
            raise _UnknownError
        return ast.Call(ast.parse(TAKEN[called], mode="eval").body, [self.visit(node.args[0])], [])
