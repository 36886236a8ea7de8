"""From what a tape has noted to a program: straight-line Python that does the same to new numbers.

NOTE [Scalars as Python numbers]
A program of 0-d tensors computes with Python's floats: ten times faster than NumPy's scalars, and in double precision,
so that results may differ in the last digit. Numbers that do not fit the dtype make the replay give up.
"""

from __future__ import annotations

import builtins
import linecache
import math
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np

from nbautograd.core.op import xp
from nbautograd.core.tensor import Tensor
from nbautograd.core.text import literal, text_of
from nbautograd.ops.random import Generator, default_generator
from nbautograd.replay.blocks import Group, grouped
from nbautograd.replay.calls import Call, Item, Var, variables
from nbautograd.replay.families import in_families
from nbautograd.replay.order import last_uses, ordered, used
from nbautograd.replay.rows import BY_ROW
from nbautograd.replay.runtime import HELPERS, MisfitError
from nbautograd.replay.tape import Tape
from nbautograd.replay.text import scalar_text

MOSTLY = 0.9
"""The share of calls on scalars that makes a program one of Python numbers."""
LONG = 1000
"""From so many calls on a program of scalars uses its variables again, so that they stay in the cache."""
FITS_IN = {np.dtype(np.float32): float(np.finfo(np.float32).max), np.dtype(np.float64): math.inf}


class Program:
    """The compiled step: `source` is its text, `run(*tensors)` replays it."""

    _count = 0

    def __init__(
        self, tape: Tape, arguments: list[Tensor], result: Any, names: dict[int, str], lines: list[str]
    ) -> None:
        Program._count += 1
        self._running = Lock()
        self.filename = f"<captured step {Program._count}>"
        self._lines = lines
        self._names = names
        self._space: dict[str, Any] = {
            "__name__": __name__,
            "np": np,
            "xp": xp,
            "math": math,
            **{f.__name__: f for f in HELPERS},
        }
        self._bound: dict[int, str] = {}
        self._arguments = {id(t): f"X{i}" for i, t in enumerate(arguments)}
        self._of: dict[int, str] = {}
        self._variables: set[str] = set()
        self._taken: dict[str, int] = {}
        self._free: list[str] = []
        """Names of variables that nothing needs any more; only long programs use them again."""
        self._text: list[str] = []
        self.calls = used(tape.calls, variables(result))
        self._uses = Counter(id(v) for c in self.calls for v in c.reads()) + Counter(id(v) for v in variables(result))
        computing = [c for c in self.calls if c.kind in ("op", "rule", "sum")]
        self._computed = {id(v) for c in computing for v in c.outs if v.array is not None}
        self.scalar = self._is_scalar()
        self.calls = in_families(self.calls, self._uses)
        self._generators = _generators(self.calls)
        self._write(result)
        self.source = "\n".join(self._text) + "\n"
        linecache.cache[self.filename] = (len(self.source), None, self.source.splitlines(True), self.filename)
        exec(compile(self.source, self.filename, "exec"), self._space)
        self.run: Callable[..., Any] = self._space["step"]
        self.length = len(self.calls)
        del self.calls, self._of, self._computed, self._uses  # they hold every array of the noted run

    def replay(self, tensors: list[Tensor]) -> Any:
        """Run the program.

        Raises: MisfitError, ArithmeticError or ValueError where it does not fit this call; nothing has happened then.
        """
        if not self._running.acquire(blocking=False):  # its buffers are in use
            raise MisfitError("the program is running already, in another thread or around this call")
        states = [(g, g.get_state()) for g in self._generators]
        try:
            return self.run(*tensors)
        except (MisfitError, ArithmeticError, ValueError):
            for generator, before in states:
                generator.set_state(before)
            raise
        finally:
            self._running.release()

    # --- scalars ---

    def _is_scalar(self) -> bool:
        computing = [c for c in self.calls if c.kind in ("op", "rule", "sum")]
        return bool(computing) and sum(map(_on_scalars, computing)) >= MOSTLY * len(computing)

    def _plain(self, value: Any) -> bool:
        """Whether a variable is a Python number in this program."""
        return self.scalar and isinstance(value, Var) and _is_number(value)

    # --- names ---

    def _name(self, value: Any) -> str:
        """How a variable, a number or an object is written."""
        if isinstance(value, Var):
            return self._of[id(value)]
        if isinstance(value, tuple | list) and any(isinstance(v, Var | tuple | list | slice) for v in value):
            parts = ", ".join([self._name(v) for v in value])
            return f"[{parts}]" if isinstance(value, list) else f"({parts}{',' if len(value) == 1 else ''})"
        if isinstance(value, dict):
            return "{" + ", ".join([f"{self._name(k)}: {self._name(v)}" for k, v in value.items()]) + "}"
        if isinstance(value, slice):
            return f"slice({self._name(value.start)}, {self._name(value.stop)}, {self._name(value.step)})"
        return literal(value) or self.bind(value, "k")

    def bind(self, value: Any, stem: str) -> str:
        """The name of an object that the program refers to."""
        found = self._bound.get(id(value))
        if found is None:
            found = self._bound[id(value)] = self._fresh(stem)
            self._space[found] = value
        return found

    def _fresh(self, stem: str) -> str:
        """A name that nothing has yet: the stem itself, if it is a word."""
        stem += "_" * hasattr(builtins, stem)
        number = self._taken.get(stem, 0)
        while True:
            number += 1
            name = f"{stem}{'_' * stem[-1:].isdigit()}{number}" if number > 1 or len(stem) == 1 else stem
            if name not in self._space and name not in self._variables:
                self._taken[stem] = number
                return name

    def _tensor(self, t: Any) -> str:
        return self._arguments.get(id(t)) or self.bind(t, self._names.get(id(t), "tensor"))

    def _outs(self, call: Call) -> str:
        stem = {"rule": "g", "sum": "g", "seed": "c", "draw": "r"}.get(call.kind, "t")
        return ", ".join([self._out(v, stem) for v in call.outs])

    def _out(self, v: Var, stem: str) -> str:
        """The name of a variable, a new one if it has none yet."""
        if id(v) not in self._of:
            self._of[id(v)] = self._free.pop() if self._free else self._variable(stem)
        return self._of[id(v)]

    def _variable(self, stem: str) -> str:
        """A name for a new variable, which no object that the program refers to has."""
        name = f"{stem}{len(self._of) + 1}"
        while name in self._space:
            name += "_"
        self._variables.add(name)
        return name

    # --- text ---

    def _write(self, result: Any) -> None:
        parameters = ", ".join(self._arguments.values())
        self._text.append(f"def step({parameters}):")
        line: list[int | None] = [None]
        parts, effects = ordered(self.calls)
        last = last_uses(parts, effects, result) if self.scalar and len(self.calls) > LONG else {}
        for part in parts:
            for item in part if self.scalar else grouped(part, self._uses):
                if isinstance(item, Group):
                    self._group(item)
                else:
                    self._comment(item.line, line)
                    self._call(item)
                    self._free += [self._of[v] for v in last.get(id(item), [])]
        checked = self._limits(effects, result)
        if checked:
            self._add(f"if not ({' and '.join(checked)}): give_up('a number is too large for its dtype')")
        for call in effects:
            self._call(call)
        self._add(f"return {self._returned(result)}")

    def _add(self, text: str, depth: int = 1) -> None:
        self._text.append("    " * depth + text)

    def _comment(self, line: int | None, last: list[int | None]) -> None:
        if line is not None and line != last[0] and line <= len(self._lines):
            self._add(f"# line {line}: {self._lines[line - 1].strip()}")
            last[0] = line

    def _call(self, call: Call) -> None:
        match call.kind:
            case "read":
                self._add_read(call)
            case "seed":
                value = call.args[0]
                text = literal(value.item()) if self._plain(call.outs[0]) else None
                self._add(f"{self._outs(call)} = {text or self.bind(value, 'c')}")
            case "check":
                self._add(f"if bool({self._name(call.args[0])}) is not {call.args[1]}: give_up('another branch')")
            case "accumulate":
                (t, _), c = call.args
                fresh = self._plain(c) or (id(c) in self._computed and c.array.base is None and self._uses[id(c)] == 1)
                if call.entry == "first":
                    self._add(f"put({self._tensor(t)}, {self._array(c)}{'' if fresh else '.copy()'})")
                else:
                    self._add(f"{'give' if fresh else 'accumulate'}({self._tensor(t)}, {self._array(c)})")
            case "write":
                (t, of), c = call.args
                target = f"{self._tensor(t)}.grad" if of else self._tensor(t)
                self._add(f"write({target}, {self._array(c)})")
            case "clear":
                self._add(f"{self._tensor(call.args[0][0])}.grad = None")
            case "step":
                self._add(f"{self.bind(call.args[0], 'optimizer')}.step()")
            case "cells":
                outs = self._outs(call)
                called = f"{self.bind(call.function, 'cells')}.{call.name}({', '.join(map(self._name, call.args))})"
                self._add(f"{outs} = {called}" if outs else called)
            case _:
                self._compute(call)

    def _add_read(self, call: Call) -> None:
        t, of = call.args[0]
        v = call.outs[0]
        text = f"{self._tensor(t)}{'.grad' if of else ''}._data"
        stem = self._names.get(id(t))
        if stem is not None and not of and stem not in self._taken and stem not in self._space:
            self._of[id(v)] = self._fresh(f"{stem}_")
        out = self._outs(call)
        self._add(f"{out} = float({text})" if self._plain(v) else f"{out} = {text}")

    def _array(self, v: Any) -> str:
        """A variable as an array that may be handed on."""
        name = self._name(v)
        return f"{self.bind(v.dtype.type, v.dtype.name)}({name})" if self._plain(v) else name

    def _compute(self, call: Call) -> None:
        if self.scalar and _on_scalars(call):
            text = _scalar_form(call)
            arguments = [self._name(a) for a in call.args]
            right = (
                f"{arguments[0]} + {arguments[1]}"
                if text is None
                else text.filled(self._by_name(call, text, self._name))
            )
            self._add(f"{self._outs(call)} = {right}")
            return
        right = self.expression(call, self._array)
        out = self._outs(call)
        if len(call.outs) == 1 and self._plain(call.outs[0]):
            right = f"float({right})"
        self._add(f"{out}{',' if call.several and len(call.outs) == 1 else ''} = {right}")

    def expression(self, call: Call, name: Callable[[Any], str]) -> str:
        """What computes the call: its function's own text where that is one expression, else a call of it."""

        def written(value: Any) -> str:
            return name(value) if isinstance(value, Var) else self._name(value)

        if call.kind == "sum":
            return f"{written(call.args[0])} + {written(call.args[1])}"
        if call.name == "astype":
            return f"{written(call.args[0])}.astype({self.bind(call.args[1], call.args[1].name)})"
        text = text_of(call.function) if call.kind in ("op", "rule") and len(call.outs) == 1 else None
        if text is not None and self._agrees(text.names):
            return text.filled(self._by_name(call, text, written))
        arguments = [written(a) for a in call.args]
        arguments += [f"{key}={self._name(value)}" for key, value in call.settings.items()]
        return f"{self.bind(call.function, call.name)}({', '.join(arguments)})"

    def _by_name(self, call: Call, text: Any, written: Callable[[Any], str]) -> dict[str, str]:
        defaults = call.function.__kwdefaults__ or {}
        values = dict(zip(text.parameters, call.args, strict=False)) | call.settings
        return {p: written(values[p]) if p in values else self._name(defaults[p]) for p in text.parameters}

    def _agrees(self, names: dict[str, Any]) -> bool:
        """Bring names from an op's module into the program, unless others stand for something else there."""
        if any(self._space.get(name, value) is not value for name, value in names.items()):
            return False
        self._space.update(names)
        return True

    def _group(self, group: Group) -> None:
        """Calls that are run block by block, so that what is between them stays in the cache."""
        slices = self.bind(group.slices, "rows" if group.form.by_row else "blocks")
        flat = "" if group.form.by_row else "_"
        inside: dict[int, str] = {}
        for v in group.inputs:
            name = inside[id(v)] = self._name(v)
            if id(v) in group.uniform:
                self._add(f"{name}_ = {name}[(0,) * {name}.ndim]")
                inside[id(v)] = f"{name}_"
            elif id(v) in group.form.cut:
                inside[id(v)] = f"{name}{flat}[s]"
                if flat:
                    self._add(f"{name}_ = {name}.reshape(-1)")
        for v in group.outputs:
            name = self._out(v, "t")
            self._add(
                f"{name} = np.empty({v.shape}, np.{v.dtype.name})" + f"; {name}_ = {name}.reshape(-1)" * bool(flat)
            )
        self._add(f"for s in {slices}:")
        for v in group.inputs:
            if inside[id(v)].endswith("[s]") and group.uses[id(v)] > 1:
                self._add(f"{self._name(v)}b = {inside[id(v)]}", 2)
                inside[id(v)] = f"{self._name(v)}b"
        for call in group.calls:
            if call in group.along_last:
                call.function = BY_ROW.get(call.name, call.function)
            text = self.expression(call, lambda x: inside.get(id(x)) or self._name(x))
            outs = self._outs(call).split(", ")
            inside.update({id(v): f"{name}b" for v, name in zip(call.outs, outs, strict=True)})
            kept = [f"{name}{flat}[s]" for v, name in zip(call.outs, outs, strict=True) if v in group.outputs]
            stored = f"{kept[0]} = " if kept and len(outs) == 1 else ""
            self._add(f"{stored}{', '.join(f'{name}b' for name in outs)} = {text}", 2)
            for place in kept if len(outs) > 1 else ():
                self._add(f"{place} = {place.partition('[')[0].removesuffix('_')}b", 2)

    # --- the end ---

    def _limits(self, effects: list[Call], result: Any) -> list[str]:
        """What must hold of Python numbers before they become numbers of a dtype again."""
        if not self.scalar:
            return []
        leaving = [c.args[1] for c in effects if c.kind in ("accumulate", "write")] + variables(result)
        plain = {self._name(v): v for v in leaving if self._plain(v)}
        by_limit: dict[float, list[str]] = {}
        for name, v in plain.items():
            by_limit.setdefault(FITS_IN[v.dtype], []).append(name)
        return [f"in_range({limit}, {', '.join(names)})" for limit, names in by_limit.items()]

    def _returned(self, value: Any) -> str:
        if isinstance(value, Item):
            name = self._name(value.var)
            return name if self._plain(value.var) else f"{name}.item()"
        if isinstance(value, Var):
            return f"tensor_of({self._array(value)})"
        if isinstance(value, dict):
            return (
                "{"
                + ", ".join(f"{literal(k) or self.bind(k, 'k')}: {self._returned(v)}" for k, v in value.items())
                + "}"
            )
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{self.bind(type(value), type(value).__name__)}({', '.join(map(self._returned, value))})"
        if isinstance(value, list | tuple):
            inner = ", ".join(map(self._returned, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        return self._name(value)


def _generators(calls: list[Call]) -> list[Generator]:
    """The generators that a program draws from."""
    draws = [c for c in calls if c.kind == "draw"]
    return list({id(g): g for c in draws for g in (default_generator, *c.args) if isinstance(g, Generator)}.values())


def _is_number(v: Var) -> bool:
    return v.shape == () and v.dtype in FITS_IN


def _scalar_form(call: Call) -> Any:
    if call.kind == "sum" or call.settings:
        return None
    return scalar_text(call.name, call.function)


def _on_scalars(call: Call) -> bool:
    """Whether a call can be made with Python's numbers."""
    if call.kind not in ("op", "rule", "sum") or len(call.outs) != 1 or not _is_number(call.outs[0]):
        return False
    if not all(_is_number(a) if isinstance(a, Var) else isinstance(a, int | float) for a in call.args):
        return False
    return call.kind == "sum" or (not call.settings and scalar_text(call.name, call.function) is not None)
