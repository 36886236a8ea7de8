"""Writes out what a function would do, as far as its arguments are known: the rest of its text, to be put elsewhere.

Meant for the rules of optimizers: assignments, changes in place, calls, and branches by what is known. Arguments are
expressions; what is no constant among them is a name, or an option of a group.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Callable
from typing import Any

Known = dict[str, ast.expr]


class NotWrittenError(Exception):
    """The function does what is not written out here."""


class Unfolding:
    """Unfolds functions into `lines`, one after the other.

    `options` are those whose text is `group["…"]`: True, False, None and 0 stand for themselves, of other numbers it is
    known that they are above zero, if they are. `methods` is what `self` stands for, `bind` names what is referred to.
    """

    def __init__(self, options: dict[str, Any], methods: Any, bind: Callable[[Any, str], str]) -> None:
        self.lines: list[ast.stmt] = []
        self._options = options
        self._methods = methods
        self._bind = bind
        self._taken: Counter[str] = Counter()
        self._held: dict[str, ast.expr] = {}
        """By their text the expressions that have a name."""
        self._positive: set[str] = set()

    def run(self, function: Callable[..., Any], known: Known) -> ast.expr | None:
        """Unfold a function whose parameters are `known`; what it returns."""
        function = inspect.unwrap(function)
        try:
            definition: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        except (OSError, TypeError, SyntaxError) as error:
            raise NotWrittenError from error
        return self._block(definition.body, _Known(self, dict(known), function.__globals__))

    def named(self, stem: str, value: ast.expr) -> ast.expr:
        """A variable for an expression, if that is no constant."""
        known = _Known(self, {}, {})
        self._assign(ast.Name(stem, ast.Store()), value, known)
        return known.names[stem]

    def comment(self, text: str) -> None:
        """A line for people."""
        self.lines.append(ast.Expr(ast.Constant(f"# {text}")))

    def _block(self, body: list[ast.stmt], known: _Known) -> ast.expr | None:
        for line in body:
            match line:
                case ast.Expr(ast.Constant()):
                    continue
                case ast.Return(value) if value is not None:
                    return known.visit(value)
                case ast.If():
                    truth = self.truth(known.visit(line.test))
                    if truth is None:
                        self._either(line, known)
                    elif (found := self._block(line.body if truth else line.orelse, known)) is not None:
                        return found
                case ast.Assign([target], value):
                    self._assign(target, known.visit(value), known)
                case ast.AugAssign(ast.Name() as target, op, value):
                    self.lines.append(ast.AugAssign(_stored(known.visit(target)), op, known.visit(value)))
                case ast.Expr(ast.Call(ast.Name(id), [ast.Name("xp"), *_] as args) as call) if id in known.space:
                    self._helper(known.space[id], [known.visit(a) for a in args], call)
                case ast.Expr(ast.Call() as call):
                    self.lines.append(ast.Expr(known.visit(call)))
                case _:
                    raise NotWrittenError
        return None

    def _either(self, line: ast.If, known: _Known) -> None:
        """A branch that is taken or not when the text runs: what it assigns would be known nowhere else."""
        if any(isinstance(n, ast.Assign | ast.Return) for n in ast.walk(line)) or line.orelse:
            raise NotWrittenError
        before, self.lines = self.lines, []
        self._block(line.body, known)
        before.append(ast.If(known.visit(line.test), self.lines, []))
        self.lines = before

    def _assign(self, target: ast.expr, value: ast.expr, known: _Known) -> None:
        match target, value:
            case ast.Tuple(targets), ast.Tuple(values) | ast.List(values):
                for one, of in _paired(targets, values):
                    self._assign(one, of, known)
            case ast.Tuple(targets), _:
                names = [self._fresh(one, known) for one in targets]
                self.lines.append(ast.Assign([ast.Tuple([_stored(n) for n in names], ast.Store())], value))
            case ast.Name(id), ast.Constant() | ast.Name() | ast.List() | ast.Tuple():
                known.names[id] = value
            case ast.Name(id), ast.Call(keywords=[ast.keyword("out", out)]):  # it gives what it was told to fill
                self.lines.append(ast.Expr(value))
                known.names[id] = out
            case ast.Name(), _:
                name = self._fresh(target, known)
                if isinstance(value, ast.Call) and value.args and isinstance(value.args[0], ast.Subscript):
                    self._held[ast.unparse(value)] = name
                if self._is_positive(value):
                    self._positive.add(name.id)
                self.lines.append(ast.Assign([_stored(name)], value))
            case _:
                raise NotWrittenError

    def _fresh(self, target: ast.expr, known: _Known) -> ast.Name:
        if not isinstance(target, ast.Name):
            raise NotWrittenError
        self._taken[target.id] += 1
        number = self._taken[target.id]
        name = known.names[target.id] = named(target.id if number == 1 else f"{target.id}_{number}")
        return name

    def _helper(self, function: Any, args: list[ast.expr], call: ast.Call) -> None:
        """A function of the rule's own, with what it says of itself as a comment."""
        names = list(inspect.signature(function).parameters)
        if call.keywords or len(names) != len(args):
            raise NotWrittenError
        known = dict(zip(names, args, strict=True))
        words = (function.__doc__ or function.__name__).partition("\n")[0]
        self.comment(re.sub(r"[a-z_]+", lambda m: ast.unparse(known[m[0]]) if m[0] in known else m[0], words))
        self.run(function, known)

    # --- what is known of values ---

    def called(self, call: ast.Call, space: dict[str, Any]) -> ast.expr:
        """A call whose arguments have been looked at, or what it gives."""
        match call.func, call.args:
            case ast.Attribute(ast.Name("self"), method), args:
                function = getattr(self._methods, method)
                found = self.run(function, dict(zip(inspect.signature(function).parameters, args, strict=False)))
                if found is None:
                    raise NotWrittenError
                return found
            case ast.Name("partial"), _:
                return call
            case ast.Attribute(ast.Name("group"), "get"), [ast.Constant(name), *rest]:
                return self.option(str(name)) or (rest[0] if rest else ast.Constant(None))
            case ast.Name("figure"), [_, ast.Constant(name), *_]:
                return self._once(ast.Call(named("float"), [self.option(str(name)) or call.args[-1]], []))
            case ast.Name(name), _ if name in space:
                call.func = named(self._bind(space[name], name))
            case _:
                pass
        return self._once(call)

    def option(self, name: str) -> ast.expr | None:
        """An option of the group."""
        if name not in self._options:
            return None
        value = self._options[name]
        if isinstance(value, bool | None) or (name != "lr" and value.__class__ in (int, float) and value == 0):
            return ast.Constant(value)
        return ast.Subscript(named("group"), ast.Constant(name), ast.Load())

    def _once(self, value: ast.expr) -> ast.expr:
        value = folded(value)
        return self._held.get(ast.unparse(value), value)

    def _is_positive(self, value: ast.expr) -> bool:
        match value:
            case ast.Name(name):
                return name in self._positive
            case ast.Call(ast.Name("float"), [inner]):
                return self._is_positive(inner)
            case ast.Subscript(ast.Name("group"), ast.Constant(name)):
                found = self._options[str(name)]
                return name != "lr" and isinstance(found, int | float) and found > 0
            case _:
                return False

    def truth(self, test: ast.expr) -> bool | None:
        """Whether a test holds, if that is known."""
        match test:
            case ast.Constant(value):
                return bool(value)
            case ast.List(items) | ast.Tuple(items):
                return bool(items)
            case ast.UnaryOp(ast.Not(), inner):
                truth = self.truth(inner)
                return None if truth is None else not truth
            case ast.Compare(left, [ast.Gt()], [ast.Constant(0)]) if self._is_positive(left):
                return True
            case _:
                return True if self._is_positive(test) else None


class _Known(ast.NodeTransformer):
    """Puts what names stand for in their places."""

    def __init__(self, of: Unfolding, names: Known, space: dict[str, Any]) -> None:
        self.of = of
        self.names = names
        self.space = space

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        args: Any = [self.visit(a) for a in node.args]
        keywords = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        function: Any = node.func if isinstance(node.func, ast.Name) else self.generic_visit(node.func)
        return self.of.called(ast.Call(function, args, keywords), self.space)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        match self.visit(node.value), self.visit(node.slice):
            case ast.Name("group"), ast.Constant(name) if (found := self.of.option(str(name))) is not None:
                return found
            case ast.List(items), index if isinstance(index := folded(index), ast.Constant):
                return items[index.value]
            case value, index:
                return ast.Subscript(value, index, ast.Load())

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test, first, second = (self.visit(part) for part in (node.test, node.body, node.orelse))
        truth = self.of.truth(test)
        if truth is not None:
            return first if truth else second
        return first if ast.unparse(first) == ast.unparse(second) else ast.IfExp(test, first, second)

    def visit_BinOp(self, node: Any) -> Any:
        found = folded(self.generic_visit(node))
        match found:
            case ast.BinOp(_, ast.Mult(), ast.Constant(0) as zero) if isinstance(zero.value, int | float):
                return zero
            case _:
                return found

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return folded(self.generic_visit(node))

    def visit_Compare(self, node: ast.Compare) -> Any:
        return folded(self.generic_visit(node))


def folded(node: Any) -> Any:
    """An expression of constants worked out."""
    inside = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
    if isinstance(node, ast.Call):
        known = isinstance(node.func, ast.Name) and node.func.id in ("float", "bool")
        inside = node.args if known else []
    if not inside or not all(isinstance(n, ast.Constant) for n in inside) or isinstance(node, ast.Tuple | ast.List):
        return node
    return ast.Constant(eval(ast.unparse(node)))


def named(name: str) -> ast.Name:
    """A variable that is read."""
    return ast.Name(name, ast.Load())


def _stored(node: Any) -> Any:
    if not isinstance(node, ast.Name):
        raise NotWrittenError
    return ast.Name(node.id, ast.Store())


def _paired(targets: list[ast.expr], values: list[ast.expr]) -> list[tuple[ast.expr, ast.expr]]:
    """What is assigned to what; what a star takes is a list."""
    star = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
    if star is None:
        return list(zip(targets, values, strict=True))
    after = len(targets) - star - 1
    end = len(values) - after
    starred: Any = targets[star]
    taken = ast.List(values[star:end], ast.Load())
    plain = [*targets[:star], starred.value, *targets[star + 1 :]]
    return list(zip(plain, [*values[:star], taken, *values[end:]], strict=True))
