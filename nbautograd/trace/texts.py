"""What an op and its rules compute, as Python to be read: `{out} = {0} * {1}`, and `{g} * {1}` for its first input.

The text is the op table's own, made plain: what is known when the op has run is worked out, and helpers of ours give
way to what NumPy calls the same. Where no single expression is left, the text is a call, such as `relu_dx({g}, {out})`.

The holes are inputs by position, results (`{out}`, `{out1}` …) and the gradient of the results (`{g}`), so that whoever
reads the text chooses the names.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from inspect import unwrap
from types import ModuleType
from typing import Any, cast

import numpy as np

from nbautograd.core.op import FACTS, names_of
from nbautograd.core.text import Text, copied, literal, text_of
from nbautograd.trace.notes import OpNote

Settings = tuple[tuple[str, str], ...]
Shapes = Sequence[tuple[int, ...]]
MANY = 16
"""A setting of more parts goes by its name."""
LONGEST = 160
"""A longer expression is told as a call."""


def texts(note: OpNote) -> tuple[str, list[str | None]]:
    """The line that computes an op's results, and per input what its rule computes."""
    slots = tuple(note.slots or range(len(note.inputs)))
    shapes = tuple(tuple(v.shape) for v in note.inputs)
    results = tuple(tuple(v.shape) for v in note.outputs)
    settings = tuple((k, written(v) or k) for k, v in note.params.items())
    return _texts(note.entry, slots, shapes, results, settings, note.node is not None)


@lru_cache(maxsize=2048)
def _texts(
    entry: Any, slots: tuple[int, ...], shapes: Shapes, outputs: Shapes, given: Settings, live: bool
) -> tuple[str, list[str | None]]:
    told = _Told(entry, slots, shapes, dict(given))
    results = [f"{{out{i or ''}}}" for i in range(len(outputs))]
    if len(outputs) > 1:
        told.holes["out"] = f"({', '.join(results)})"
    rules = [told.rule(slot) for slot in slots] if live else []
    if entry.broadcasts and not entry.elementwise:
        rules = [rule and _narrowed(rule, i, shapes[i], outputs[0]) for i, rule in enumerate(rules)]
    results += [told.holes[name] for name in entry.aux if name in told.kept]
    return f"{', '.join(results)} = {told.forward()}", rules


def _narrowed(rule: str, position: int, shape: tuple[int, ...], result: tuple[int, ...]) -> str:
    """A rule whose result may have more dimensions than the input, as one that sums them away."""
    if rule.startswith("unbroadcast("):
        return rule
    wide, narrow = (s[:-2] if "@" in rule else s for s in (result, shape))
    if len(shape) >= len(result) and all(n == m or n != 1 for n, m in zip(narrow, wide, strict=False)):
        return rule
    return f"unbroadcast({rule}, {{{position}}}.shape)"


def written(value: Any) -> str | None:
    """A setting as it is written in Python; None for what cannot be, an array for example."""
    if isinstance(value, slice):
        return f"slice({written(value.start)}, {written(value.stop)}, {written(value.step)})"
    if isinstance(value, tuple | list):
        parts = [written(each) for each in cast("Sequence[Any]", value)[:MANY]]
        if None in parts or len(parts) < len(cast("Sequence[Any]", value)):
            return None
        inner = ", ".join(map(str, parts))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(parts) == 1 else ''})"
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.generic):
        return literal(value.item())
    return literal(value)


class _Told:
    """The texts of one op for inputs of certain shapes; `slots` are the places of its inputs among the arguments."""

    def __init__(self, entry: Any, slots: tuple[int, ...], shapes: Shapes, settings: dict[str, str]) -> None:
        self.entry = entry
        self.defaults = {k: written(v) or k for k, v in (unwrap(entry.forward).__kwdefaults__ or {}).items()}
        self.settings = self.defaults | settings
        self.changed = [k for k in entry.settings if k in settings and settings[k] != self.defaults.get(k)]
        self.kept: set[str] = set()
        """What the rules ask for of what forward keeps besides its results."""
        self.holes = {"out": "{out}"} | {name: f"{{out}}_{name}" for name in entry.aux}
        self.known: dict[str, Any] = {}
        for name, place in zip(entry.inputs, range(len(entry.inputs)), strict=True):
            position = slots.index(place) if place in slots else None
            self.holes[name] = "None" if position is None else f"{{{position}}}"
            for fact in FACTS:
                self.holes[f"{name}_{fact}"] = f"{self.holes[name]}.{fact}"
            if position is not None:
                self.known[f"{name}_shape"] = shapes[position]
        self.inputs = [f"{{{i}}}" for i in range(len(slots))] if entry.variadic else [self.holes[n] for n in entry.inputs]
        for name, text in self.settings.items():
            value = _value(text)
            if value is not _UNKNOWN:
                self.known[name] = value

    def forward(self) -> str:
        """What computes the results."""
        entry = self.entry
        if not entry.variadic and (text := self._plain("out", unwrap(entry.forward), self.holes)) is not None:
            return text
        if entry.settings == ("index",) and entry.view and "index" in self.settings:
            return f"{self.inputs[0]}[{subscript(self.settings['index'])}]"
        return f"{entry.name}({', '.join([*self.inputs, *self._keywords(self.changed)])})"

    def rule(self, place: int) -> str | None:
        """What an input's rule makes of the gradient; None where it has none."""
        entry = self.entry
        letter = entry.inputs[0 if entry.variadic else place]
        rule = entry.rules[0 if entry.variadic else place]
        if rule is None:
            return None
        rule = unwrap(rule)
        holes = self.holes | {"xs": ", ".join(self.inputs), names_of(rule)[0]: "{g}"}
        if not entry.variadic and (text := self._plain(letter, rule, holes)) is not None:
            return text
        asked = names_of(rule)
        self.kept |= {*asked} & {*entry.aux}
        arguments = [holes[name] for name in asked if name in holes]
        keywords = self._keywords([name for name in asked if name in self.changed])
        call = f"{entry.name}_d{letter}({', '.join([*arguments, *keywords])})"
        return f"{call}[{place}]" if entry.variadic else call

    def _plain(self, of: str, function: Callable[..., Any], holes: dict[str, str]) -> str | None:
        """The one expression that a function returns, made plain; the entry may tell one itself."""
        own = self.entry.code.get(of)
        text = text_of(function) if own is None else Text(_tree(own), (), {})
        if text is None:
            return None
        tree, names = copied(text.tree), text.names
        tree = _Plain(names, self.known, self.settings).visit(tree)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if used & set(names) - {"math"}:
            return None
        self.kept |= used & {*self.entry.aux}
        filled = Text(tree, tuple(holes), {}).filled(holes)
        says_nothing = of == "out" and filled in self.inputs  # it returns what it was given
        return None if says_nothing or len(filled) > LONGEST else filled

    def _keywords(self, names: Sequence[str]) -> list[str]:
        return [f"{name}={_s(self.settings[name])}" for name in names]


_UNKNOWN = object()


def _value(text: str) -> Any:
    """The Python value of a setting that was written down."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _UNKNOWN


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


def _s(text: str) -> str:
    """A setting for a call: an index with slices is written with `np.s_`."""
    return f"np.s_[{subscript(text)}]" if "slice(" in text else text


class _Plain(ast.NodeTransformer):
    """Works out what is known, and says in NumPy's words what helpers of ours do."""

    def __init__(self, names: dict[str, Any], known: dict[str, Any], settings: dict[str, str]) -> None:
        self.names = names
        self.known = known
        self.settings = settings

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.settings:
            return _tree(_s(self.settings[node.id]))
        value = self.names.get(node.id)
        return _tree(literal(value) or "None") if isinstance(value, int | float) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "xp":
            return node if hasattr(np, node.attr) else ast.Name(node.attr, ast.Load())
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        found = ast.unparse(node)
        return _tree(str(found == "not False")) if found in ("not True", "not False") else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Nothing is multiplied or divided by one."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Div) and _is_one(node.right):
            return node.left
        return node.right if isinstance(node.op, ast.Mult) and _is_one(node.left) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = ast.unparse(node.func)
        root = called.partition(".")[0]
        if isinstance(self.names.get(root), ModuleType) or callable(self.names.get(root)):
            found = self._worked_out(node)
            if found is not None:
                return _tree(found)
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
        return ast.Call(_tree("xp.expand_dims"), [inner, dim], [])


class _Shapes(ast.NodeTransformer):
    """`x_shape` for `x.shape`."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        fact = f"{ast.unparse(node.value)}_{node.attr}"
        return ast.Name(fact, ast.Load()) if fact in self.known else self.generic_visit(node)


def _tree(text: str) -> ast.expr:
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
            return ast.Call(_tree("xp.where"), [arguments[1], arguments[0], ast.Constant(0)], [])
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
            return ast.BinOp(_tree("x"), ast.MatMult(), arguments[0])
        case "xp.add.reduce" | "xp.sum" | "xp.prod" | "xp.max" | "xp.min":
            name = "sum" if called == "xp.add.reduce" else called.removeprefix("xp.")
            return ast.Call(ast.Attribute(arguments[0], name, ast.Load()), arguments[1:], more)
        case "special" if isinstance(arguments[0], ast.Constant):
            return ast.Call(_tree(f"scipy.special.{arguments[0].value}"), arguments[1:], more)
        case _:
            return node
