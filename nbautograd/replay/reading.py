"""Whether a number that Python reads goes nowhere but into what the step returns, or into a list.

NOTE [Numbers that are read]
What Python does with a number leaves no trace: it may decide by it, or compute other numbers. A replay would do as the
noted run did, whatever the number is. So the text of the step has to show that it is only handed on: it stands in what
is returned, is appended to a list, or has a name itself that stands nowhere else. The list goes by a name, is an
attribute or stands in a dictionary (`losses`, `self.losses`, `history["loss"]`), and what it is called stands nowhere
else: not in the step, but to append to it or to return it, and in no other function of the user's that ran.
"""

from __future__ import annotations

import ast
import linecache
from typing import Any

from nbautograd.replay.origins import codes_in, is_installed, names_in

READERS = ("float", "int", "complex")
INNER = ("", "<listcomp>", "<dictcomp>")
"""What functions are called whose text is the step's own: it, and until Python 3.11 what fills lists in it."""
SEE_ALL = {"locals", "vars", "eval", "exec", "__dict__"}
"""By which a function may get at its variables, and at attributes, in other ways."""


def handed_on(code: Any, place: tuple[str, int, str] | None) -> set[str] | None:
    """The lists to which is appended what `code` reads in that place, or returns; None if more is done with it."""
    if place is None or place[2] not in INNER or place[0] != code.co_filename:
        return None
    line = place[1]
    flows = [_Flow(function) for function in _functions(code)]
    if not flows or not all(flow.only_hands_on(line) for flow in flows):
        return None
    return {name for flow in flows for name in flow.lists}


def is_known(called: str, code: Any, ran: dict[Any, Any]) -> bool:
    """Whether a function that ran, besides the step and those in it, may know a list by what it is called."""
    name = called.partition("[")[0].rpartition(".")[2]
    own = set(codes_in(code))
    others = [c for c, space in ran.items() if c not in own and not is_installed(space.get("__name__"))]
    return any(not {name, *SEE_ALL}.isdisjoint((*names_in(c)[1], *c.co_freevars)) for c in others)


def _functions(code: Any) -> list[Any]:
    """What the code may have been compiled from: functions that begin in the same line."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return []
    return [n for n in ast.walk(tree) if _name(n) == code.co_name and _first_line(n) == code.co_firstlineno]


def _name(node: ast.AST) -> str:
    return "<lambda>" if isinstance(node, ast.Lambda) else node.name if isinstance(node, ast.FunctionDef) else ""


def _first_line(node: Any) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


class _Flow:
    """Where the values of a function go."""

    def __init__(self, function: Any) -> None:
        self._nodes = list(ast.walk(function))
        self._parent = {id(child): node for node in self._nodes for child in ast.iter_child_nodes(node)}
        self._function = function
        self.lists: set[str] = set()

    def only_hands_on(self, line: int) -> bool:
        if any(isinstance(n, ast.Global | ast.Nonlocal) or _id(n) in SEE_ALL for n in self._nodes):
            return False
        reading = [n for n in self._nodes if _reads(n) and n.lineno <= line <= (n.end_lineno or line)]
        return bool(reading) and all(self._is_own(n) and self._goes_out(n, set()) for n in reading)

    def _is_own(self, node: ast.AST) -> bool:
        """Whether an expression is not one of a function inside."""
        while not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            node = self._parent[id(node)]
        return node is self._function

    def _goes_out(self, node: ast.AST, seen: set[str]) -> bool:
        """Whether an expression's value is returned, or has a name whose value is."""
        parent = self._parent[id(node)]
        match parent:
            case ast.Return():
                return True
            case ast.Lambda():
                return parent is self._function
            case ast.Tuple() | ast.List() | ast.Dict() | ast.IfExp() if node is not getattr(parent, "test", None):
                return self._goes_out(parent, seen)
            case ast.ListComp(elt=made) | ast.DictComp(value=made) if made is node:
                return self._goes_out(parent, seen)
            case ast.Assign([ast.Name(name)]):
                loads = [n for n in self._named(name) if n is not parent.targets[0]]
                return name in seen or all(self._goes_out(n, {*seen, name}) for n in loads)
            case ast.Call(ast.Attribute(into, "append"), [argument], []) if argument is node:
                self.lists.add(ast.unparse(into))
                return self._only_grows(into.value if isinstance(into, ast.Subscript) else into, seen)
            case _:
                return False

    def _named(self, name: str) -> list[ast.Name]:
        return [n for n in self._nodes if isinstance(n, ast.Name) and n.id == name]

    def _only_grows(self, into: ast.AST, seen: set[str]) -> bool:
        """Whether a list, or what holds it, is used for nothing else than to append to it, and to return it."""
        match into:
            case ast.Name(name):
                return all(
                    self._is_appended_to(n) or self._is_empty(n) or self._goes_out(n, seen) for n in self._named(name)
                )
            case ast.Attribute(_, name):
                same = [n for n in self._nodes if isinstance(n, ast.Attribute) and n.attr == name]
                return all(self._is_appended_to(n) for n in same)
            case _:
                return False

    def _is_empty(self, node: ast.Name) -> bool:
        """Whether a variable is given an empty list there."""
        parent = self._parent[id(node)]
        return isinstance(node.ctx, ast.Store) and isinstance(parent, ast.Assign) and ast.unparse(parent.value) == "[]"

    def _is_appended_to(self, node: ast.AST) -> bool:
        """Whether a list, or what holds it, stands there for nothing but `name.append(…)` or `name["of"].append(…)`."""
        method = self._parent[id(node)]
        if isinstance(method, ast.Subscript) and isinstance(method.slice, ast.Constant):
            method = self._parent[id(node := method)]
        call = self._parent[id(method)]
        appends = isinstance(method, ast.Attribute) and method.attr == "append" and isinstance(call, ast.Call)
        return appends and call.func is method and isinstance(self._parent[id(call)], ast.Expr)


def _id(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _reads(node: Any) -> bool:
    match node:
        case ast.Call(ast.Attribute(_, "item"), []):
            return True
        case ast.Call(ast.Name(name), [_]):
            return name in READERS
        case _:
            return False
