"""The text of a call in a program: its function's own where that is one expression, else a call of it."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.tensor import Tensor
from nbautograd.core.text import Text, literal
from nbautograd.replay.calls import Call, Var
from nbautograd.replay.choosing import text_for
from nbautograd.replay.naming import Names
from nbautograd.replay.text import has_power, of_python, plain, scalar_text, worked_out

MOSTLY = 0.9
"""The share of calls on scalars that makes a program one of numbers."""
FITS_IN = {np.dtype(np.float32): float(np.finfo(np.float32).max), np.dtype(np.float64): math.inf}
ZERO = {dtype: dtype.type(0) for dtype in FITS_IN}
TINY = float(np.finfo(np.float32).tiny)
MINDING = ("log", "sqrt", "abs", "absolute", "arctan2")
"""Functions of which it matters much how small a number is."""

Shapes = dict[str, tuple[int, ...]]


class Expressions:
    """What is written on the right of the equals signs; for `scalar` and `python` see NOTE [Scalars as numbers]."""

    def __init__(self, names: Names, scalar: bool, python: bool, excess: bool) -> None:
        self.names = names
        self.scalar = scalar
        self.python = scalar and python
        self._excess = excess
        self.numbers: set[int] = set()
        """The ids of tensors that are NumPy's numbers whenever the program runs."""
        self._computed: dict[int, Var] = {}
        self._minding: dict[int, Var] = {}
        self._ends: dict[int, Var] = {}
        """Sums and what was added to what is `_implied`."""
        self._implied: set[int] = set()
        """Numbers that are in range if those are within a quarter of it: no more than their difference."""

    def single(self, value: Any) -> bool:
        """Whether a variable is a number in this program, not an array that may change."""
        return self.scalar and isinstance(value, Var) and is_number(value)

    def read(self, v: Var, t: Tensor) -> str:
        """The numbers of a tensor, as the number that `v` is, if it is one."""
        text = f"{self.names.tensor(t)}._data"
        return text if not self.python and id(t) in self.numbers else self.number(v, text)

    def number(self, v: Var, text: str) -> str:
        """What `text` computes, as the number that `v` is, if it is one."""
        if not self.single(v):
            return text
        return f"float({text})" if self.python else self.typed(v, text)

    def array(self, v: Any) -> str:
        """A variable as an array that may be handed on."""
        name = self.names.name(v)
        return self.typed(v, name) if self.python and self.single(v) else name

    def typed(self, v: Var, text: str) -> str:
        """What `text` computes, as a number of the dtype of `v`."""
        return f"{self.names.bind(v.dtype.type, v.dtype.name)}({text})"

    def of(self, call: Call) -> str:
        """What computes a call."""
        if self.scalar and on_scalars(call):
            text = _scalar_form(call)
            if text is None:
                return " + ".join([self.names.name(a) for a in call.args])
            text = of_python(text, self._excess) if self.python else text
            return text.filled(self._by_name(call, text, self.names.name))
        shapes = {self.names.name(a): a.shape for a in call.args if isinstance(a, Var) and a.shape is not None}
        right = self.on_arrays(call, self.array, shapes)
        return self.number(call.outs[0], right) if len(call.outs) == 1 else right

    def _zero(self, v: Var) -> str:
        return "0.0" if self.python else self.names.bind(ZERO[v.dtype], "zero")

    def on_arrays(self, call: Call, name: Callable[[Any], str], shapes: Shapes | None = None) -> str:
        """What computes a call, with `name` for its variables; `shapes` are theirs where they are whole."""

        def written(value: Any) -> str:
            return name(value) if isinstance(value, Var) else self.names.name(value)

        if call.kind == "sum":
            return f"{written(call.args[0])} + {written(call.args[1])}"
        if call.name == "astype":
            return f"{written(call.args[0])}.astype({self.names.bind(call.args[1], call.args[1].name)})"
        if call.kind == "op" and call.settings.keys() == {"index"} and len(call.args) == 1:
            part = _subscript(call.settings["index"], call.outs[0])
            if part is not None:
                return f"{written(call.args[0])}[{part}]"
        text = text_for(call) if call.kind in ("op", "rule") and len(call.outs) == 1 else None
        if text is not None and self.names.agrees(text.names):
            return worked_out(text.filled(self._by_name(call, text, written)), self.names.space, shapes or {})
        arguments = [written(a) for a in call.args]
        arguments += [f"{key}={self.names.name(value)}" for key, value in call.settings.items()]
        return f"{self.names.bind(call.function, call.name)}({', '.join(arguments)})"

    def _by_name(self, call: Call, text: Any, written: Callable[[Any], str]) -> dict[str, str]:
        defaults = call.function.__kwdefaults__ or {}
        values = dict(zip(text.parameters, call.args, strict=False)) | call.settings
        found = {p: written(v) for p, v in values.items() if p in text.parameters}
        if "zero" in text.parameters:
            found["zero"] = self._zero(call.outs[0])
        return found | {p: self.names.name(defaults[p]) for p in text.parameters if p not in found}

    def note(self, call: Call) -> None:
        """Remember what has to be checked of the numbers of a call; see NOTE [Scalars as numbers]."""
        if self.python and on_scalars(call):
            self._computed |= {id(v): v for v in call.outs}
            if _minds_zero(call):
                self._minding |= {id(v): v for v in call.reads() if id(v) in self._computed}
            if call.kind == "sum" or call.name in ("add", "sub"):
                self._note_sum(call.outs[0], *call.args)

    def _note_sum(self, z: Var, x: Any, y: Any) -> None:
        """`z` is x + y or x - y."""
        for part, other in ((x, y), (y, x)):
            fits = isinstance(other, Var) and z.dtype == other.dtype == np.float32
            if fits and id(part) in self._computed and id(part) not in self._ends:
                self._implied.add(id(part))
                self._ends |= {id(z): z, id(other): other}
                return

    def unchecked(self) -> int:
        """How many numbers have been computed since `checks`."""
        return len(self._computed)

    def checks(self, leaving: list[Var]) -> list[str]:
        """What must hold of the numbers computed since then, and of those that become numbers of a dtype again."""
        found: dict[str, list[str]] = {}
        left = {id(v): v for v in leaving if self.python and self.single(v)}
        for v in {**self._computed, **self._ends, **left}.values():
            if id(v) in left or (v.dtype == np.float32 and id(v) not in self._implied - self._ends.keys()):
                found.setdefault(f"in_range({literal(FITS_IN[v.dtype] / 4)}, ", []).append(self.names.name(v))
        for v in self._minding.values():
            if v.dtype == np.float32:
                found.setdefault(f"not_tiny({literal(TINY)}, ", []).append(self.names.name(v))
        self._computed.clear()
        self._minding.clear()
        self._ends.clear()
        self._implied.clear()
        return [f"{call}{', '.join(dict.fromkeys(names))})" for call, names in found.items()]


def is_scalar(calls: list[Call]) -> bool:
    """Whether a program of these calls computes with numbers."""
    computing = [c for c in calls if c.kind in ("op", "rule", "sum")]
    mostly = bool(computing) and sum(map(on_scalars, computing)) >= MOSTLY * len(computing)
    return mostly and not any(map(_is_power_of_array, computing))


def is_number(v: Var) -> bool:
    return v.shape == () and v.dtype in FITS_IN


def on_scalars(call: Call) -> bool:
    """Whether a call can be made with numbers."""
    if call.kind not in ("op", "rule", "sum") or len(call.outs) != 1 or not is_number(call.outs[0]):
        return False
    if not all(is_number(a) if isinstance(a, Var) else isinstance(a, int | float) for a in call.args):
        return False
    return call.kind == "sum" or _scalar_form(call) is not None


def cannot_fail(call: Call) -> bool:
    """Whether a call raises nothing with Python's numbers: it only adds and multiplies, or does not compute."""
    if call.kind not in ("op", "rule") or not on_scalars(call):
        return call.kind not in ("op", "rule")
    text = _scalar_form(call)
    return text is None or not any(isinstance(n, ast.Call | ast.Div | ast.Pow) for n in ast.walk(text.tree))


def _minds_zero(call: Call) -> bool:
    """Whether it matters to a call that a number close to zero is zero in its dtype."""
    text = _scalar_form(call)
    nodes = [] if text is None else list(ast.walk(text.tree))
    named = {n.func.attr if isinstance(n.func, ast.Attribute) else n.func.id for n in nodes if isinstance(n, ast.Call)}
    return any(isinstance(n, ast.Div | ast.Pow | ast.Compare) for n in nodes) or not named.isdisjoint(MINDING)


def _scalar_form(call: Call) -> Text | None:
    if call.kind == "sum" or call.settings:
        return None
    return scalar_text(call.name, call.function) or plain(text_for(call))


def _is_power_of_array(call: Call) -> bool:
    """Whether NumPy's `**` was given an array of no dimension, of which it gives other last digits than of a number."""
    text = _scalar_form(call)
    powers = "pow" in call.name if text is None else has_power(text)
    return powers and any(isinstance(a, Var) and a.shape == () and isinstance(a.array, ndarray) for a in call.args)


def _subscript(index: Any, out: Var) -> str | None:
    """What stands between brackets, for an index of numbers and slices."""
    parts = [_part(i) for i in (index if isinstance(index, tuple) else (index,))]
    if not out.shape and "..." not in parts:
        parts.append("...")  # an array, not a number
    return None if None in parts else ", ".join(map(str, parts))


def _part(index: Any) -> str | None:
    if isinstance(index, slice):
        given = (index.start, index.stop, index.step)
        if not all(n is None or isinstance(n, int) for n in given):
            return None
        start, stop, step = ("" if n is None else str(n) for n in given)
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    if index is Ellipsis:
        return "..."
    return str(index) if index is None or index.__class__ is int else None
