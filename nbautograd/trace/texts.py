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
from typing import Any, cast

import numpy as np

from nbautograd.core.rules import FACTS, names_of
from nbautograd.core.text import Text, copied, literal, text_of
from nbautograd.trace.notes import OpNote
from nbautograd.trace.plainer import Plainer, expression, in_call, subscript

Settings = tuple[tuple[str, str], ...]
Shapes = Sequence[tuple[int, ...]]
MANY = 16
"""A setting of more parts goes by its name."""
LONGEST = 160
"""A longer expression is told as a call."""


def texts(note: OpNote) -> tuple[str, list[str | None]]:
    """The line that computes an op's results, and per input what its rule computes."""
    slots = tuple(note.slots or range(len(note.inputs)))
    shapes = tuple([tuple(v.shape) for v in note.inputs])
    results = tuple([tuple(v.shape) for v in note.outputs])
    settings = tuple([(k, written(v) or k) for k, v in note.params.items()])
    return _texts(note.entry, slots, shapes, results, settings, note.recorded)


@lru_cache(maxsize=2048)
def _texts(
    entry: Any, slots: tuple[int, ...], shapes: Shapes, outputs: Shapes, given: Settings, live: bool
) -> tuple[str, list[str | None]]:
    told = _Told(entry, slots, shapes, dict(given))
    results = [f"{{out{i or ''}}}" for i in range(len(outputs))]
    if len(outputs) > 1:
        told.holes["out"] = f"({', '.join(results)})"
    rules = [told.rule(slot) for slot in slots] if live else []
    if entry.broadcasts and not entry.elementwise and outputs:
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
        every = [f"{{{i}}}" for i in range(len(slots))]
        self.inputs = every if entry.variadic else [self.holes[name] for name in entry.inputs]
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
        text = text_of(function) if own is None else Text(expression(own), (), {})
        if text is None:
            return None
        tree, names = copied(text.tree), text.names
        tree = Plainer(names, self.known, self.settings).visit(tree)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if used & set(names) - {"math"}:
            return None
        self.kept |= used & {*self.entry.aux}
        filled = Text(tree, tuple(holes), {}).filled(holes)
        says_nothing = of == "out" and filled in self.inputs  # it returns what it was given
        return None if says_nothing or len(filled) > LONGEST else filled

    def _keywords(self, names: Sequence[str]) -> list[str]:
        return [f"{name}={in_call(self.settings[name])}" for name in names]


_UNKNOWN = object()


def _value(text: str) -> Any:
    """The Python value of a setting that was written down."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _UNKNOWN
