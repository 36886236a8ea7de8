"""The text of a program: forward, backward and what is changed in the end, under the lines of code they came from."""

from __future__ import annotations

import linecache
from collections import Counter
from textwrap import wrap
from typing import Any

from nbautograd.core.array import Size
from nbautograd.core.tensor import Tensor
from nbautograd.core.text import literal
from nbautograd.replay.blocks import Group, grouped
from nbautograd.replay.blockwise import BlockWriter
from nbautograd.replay.calls import EFFECTS, Call, Item, Itself, Var, variables
from nbautograd.replay.expressions import Expressions
from nbautograd.replay.naming import Names
from nbautograd.replay.order import dying
from nbautograd.replay.origins import identifier
from nbautograd.replay.rows import OVER_ROWS
from nbautograd.replay.updates import Update

LARGE = 1 << 14
"""From so many elements on an array is let go of when nothing needs it any more: the next one finds its place."""
BATCH = 250
"""So many numbers of a long program of scalars are checked at once."""
LONG = 1000
"""From so many calls on a program of scalars uses its variables again, so that they stay in the cache."""
UNREAD = 5000
"""From so many calls on it uses them for whatever comes: it is too long to be read."""


HOW_TO_READ = '''"""The step as it is replayed: w are the numbers of w_tensor, d_w is the gradient of w.

    put(t, g) makes g the .grad of t; give(t, g) and accumulate(t, g) add it to that.
    write(t, x) changes the numbers of t.
    """'''


class Writer(BlockWriter):
    """Writes the calls of a program down."""

    def __init__(self, names: Names, write: Expressions, uses: Counter[int]) -> None:
        super().__init__(names, write)
        self._uses = uses
        self._fresh: set[int] = set()
        self.changing: list[bool] = []
        """Filled by the program when it begins to change things."""
        self.updates: list[Update] = []
        """The steps of optimizers that are written out."""
        self._changing = False
        self._told = False
        self._gone: list[str] = []
        """What is let go of before the next comment."""
        self._place: Any = None
        self._section = ""
        self._module: str | None = None

    def program(self, parameters: list[str], parts: list[list[Call]], effects: list[Call], result: Any) -> None:
        """All lines of the program: stretches of computing with effects between them, and the last effects."""
        calls = [call for part in parts for call in part]
        computing = [c for c in calls if c.kind in ("op", "rule", "sum") or c.name == "weights"]
        held = Counter(id(v.array) for c in calls if c.kind != "sum" for v in c.outs)  # a sum is always a new array
        made = [(v, c.kind == "sum") for c in computing for v in c.outs if v.array is not None]
        self._fresh = {id(v) for v, is_sum in made if is_sum or held[id(v.array)] == 1}
        parts = [sorted(part, key=lambda call: call.kind != "read") for part in parts]
        items = [part if self._write.scalar else list(grouped(part, self._uses)) for part in parts]
        again = self._write.scalar and len(calls) > LONG
        self.names.mixing = len(calls) > UNREAD
        sequence = [item for part in items for item in part]
        dead = dying(sequence, effects, result, 0 if again else LARGE) if again or not self._write.scalar else {}
        late: list[str] = []  # names of what nobody needs any more, but is yet to be checked
        self.lines.append(f"def step({', '.join(parameters)}):")
        self._add(HOW_TO_READ)
        for item in sequence:
            if not isinstance(item, Group) and item.kind in EFFECTS and not self._changing:
                self._check(parts[1], None)
                self._comment(item)
                self._begin()
            if isinstance(item, Group):
                self._comment(item.calls[0])
                self._group(item)
            else:
                self._comment(item)
                self._call(item)
                self._write.note(item)
            gone = [name for v in dead.get(id(item), []) for name in self._let_go(v)]
            if not again:
                self._gone += gone
                continue
            late += gone
            if self._changing or not self._write.python or self._write.unchecked() >= BATCH:
                if not self._changing:
                    self._check_numbers([])
                self.names.reuse(late)
                late.clear()
        if not self._changing:
            self._check(effects, result)
        for call in effects:
            self._comment(call)
            if not self._told:
                self._begin()
            self._call(call)
        self._add(f"return {self._returned(result)}")

    def _check(self, effects: list[Call], result: Any) -> None:
        """Give up before the first effect where Python's numbers have outgrown their dtype."""
        self._changing = True
        leaving = variables(
            [c.args[1] for c in effects if c.kind in ("accumulate", "write", "put", "append")]
        ) + variables(result)
        self._check_numbers(leaving)

    def _check_numbers(self, leaving: list[Var]) -> None:
        for check in self._write.checks(leaving):
            for i, line in enumerate(wrap(f"if not {check}:", 110)):
                self._add(line, 1 if i == 0 else 3)
            self._add("give_up('a number does not fit its dtype')", 2)

    def _begin(self) -> None:
        """From here on an error is the step's own: the program is not given up any more."""
        self._told = True
        self._add(f"{self.names.bind(self.changing, 'begun')}.append(True)")

    def _let_go(self, v: Var) -> list[str]:
        """The names that hold what nobody needs any more."""
        name = self.names.name(v)
        self.names.held[name] -= 1
        return [*([] if self.names.held[name] else [name]), *self._views.pop(id(v), ())]

    # --- comments ---

    def _section_of(self, call: Call) -> str | None:
        if call.kind in EFFECTS:
            return "what is changed"
        if call.kind in ("read", "known"):
            return None
        if call.back:
            return "backward"
        return "forward" if self._section in ("", "forward") else "after that"

    def _comment(self, call: Call) -> None:
        """Where a call belongs (part of the program, line, module), if that is elsewhere than the call before."""
        section = self._section_of(call)
        if section is None:
            return
        module = self.names.module(call)
        if self._gone and (section, call.line, module) != (self._section, self._place, self._module):
            self._add(f"del {', '.join(self._gone)}")
            self._gone.clear()
        if section != self._section:
            self.lines.append("")
            self._add(f"# --- {section} ---")
            self._section, self._place, self._module = section, None, None
        if call.kind in EFFECTS:
            return
        left = module is None and self._module is not None  # the line goes on after a module
        if call.line is not None and (call.line != self._place or left):
            name, number, of = call.line
            code = linecache.getline(name, number).strip()
            if code:
                if not self.lines[-1].endswith("---"):
                    self.lines.append("")
                self._add(f"# {f'{of}, ' if of else ''}line {number}: {code}")
            self._module = None
        if module is not None and module != self._module:
            self._add(f"# {module}")
        self._place, self._module = call.line, module

    # --- calls ---

    def _call(self, call: Call) -> None:
        names = self.names
        match call.kind:
            case "read":
                t, of = call.args[0]
                v = call.outs[0]
                right = self._write.number(v, f"{names.tensor(t)}.grad._data") if of else self._write.read(v, t)
                self._add(f"{names.out(v, call)} = {right}")
            case "seed":
                self._add(f"{names.out(call.outs[0], call)} = {self._constant(call)}")
            case "check":
                self._add(f"if bool({names.name(call.args[0])}) is not {call.args[1]}: give_up('another branch')")
            case "shape":
                v, shape = call.args
                self._add(f"if {names.name(v)}.shape != {shape}: give_up('another number of elements')")
            case "within":
                self._add(f"within({', '.join(map(names.name, call.args))})")
            case "accumulate":
                self._accumulate(call)
            case "write":
                (t, of), c = call.args
                self._add(f"write({names.tensor(t)}{'.grad' if of else ''}, {self._write.array(c)})")
            case "put":
                (t, _), c = call.args
                self._add(f"{names.tensor(t)}.data = tensor_of({self._write.array(c)})")
            case "clear":
                self._add(f"{names.tensor(call.args[0][0])}.grad = None")
            case "append":
                into, number = call.args
                self._add(f"{names.bind(into.values, identifier(into.name))}.append({self._returned(number)})")
            case "step":
                self._step(call.args[0])
            case "call":
                right = f"{names.bind(call.function, call.name)}({self._arguments(call)})"
                if call.outs and self._uses[id(call.outs[0])]:
                    right = self._write.number(call.outs[0], f"{right}._data")
                    right = f"{names.out(call.outs[0], call)} = {right}"
                self._add(right)
            case "known":
                names.also(call.outs[0], names.name(call.args[0]))
            case "cells":
                if call.name == "begin":
                    self._add(
                        "# (cells with the same weights: step t goes forth, back t goes back, weights sums over all t)"
                    )
                outs, given = ", ".join(names.outs(call)), ", ".join(map(names.name, call.args))
                called = f"{names.bind(call.function, 'cells')}.{call.name}({given})"
                self._add(f"{outs} = {called}" if outs else called)
            case _:
                if call.name in OVER_ROWS and call.args[0].size >= LARGE and len(call.outs[0].shape) == 1:
                    call.function = OVER_ROWS[call.name]
                right = self._write.of(call)
                if len(call.outs) == 1 and not call.several and right in names.held:
                    names.also(call.outs[0], right)
                else:
                    self._add(f"{', '.join(names.outs(call))}{',' * (call.several and len(call.outs) == 1)} = {right}")

    def _step(self, optimizer: Any) -> None:
        update = Update(optimizer, self.names)
        if update.lines:
            self.updates.append(update)
            self.lines.append("")
            for depth, text in update.lines:
                self._add(text, depth)
        else:
            by = "  # by kernels" if update.by_kernel else ""
            self._add(f"{self.names.bind(optimizer, 'optimizer')}.step(){by}")

    def _arguments(self, call: Call) -> str:
        """What a function is given that changes tensors by itself."""
        tensors = ", ".join(map(self.names.tensor, call.args[0]))
        more = [*map(self.names.name, call.args[1:]), *[f"{k}={self.names.name(v)}" for k, v in call.settings.items()]]
        return ", ".join([f"[{tensors}]", *more])

    def _constant(self, call: Call) -> str:
        value: Any = call.args[0]
        if not value.shape and value.dtype.kind in "biuf" and value == value:
            text = literal(value.item())
            single = self._write.python and self._write.single(call.outs[0])
            return f"{text}" if single else f"np.{value.dtype.name}({text})"
        if value.size < LARGE and value.dtype.kind == "f" and value.size and not value.any():
            return f"np.zeros({value.shape}, np.{value.dtype.name})"
        return self.names.bind(value, "constant")

    def _accumulate(self, call: Call) -> None:
        (t, _), c = call.args
        fresh = self._write.single(c) or (id(c) in self._fresh and c.array.base is None and self._uses[id(c)] == 1)
        given = f"{self.names.tensor(t)}, {self._write.array(c)}"
        if call.entry == "first":
            self._add(f"put({given}{'' if fresh else '.copy()'})")
        else:
            self._add(f"{'give' if fresh else 'accumulate'}({given})")

    # --- the end ---

    def _returned(self, value: Any) -> str:
        names = self.names
        if isinstance(value, Itself):
            if not isinstance(value.value, Tensor):
                return names.bind(value.value, "outer")
            return f"{names.tensor(value.value)}{'.grad' if value.of else ''}"
        if isinstance(value, Item):
            return f"{self._write.array(value.var)}.item()"
        if isinstance(value, Var):
            return f"tensor_of({self._write.array(value)})"
        if isinstance(value, Size):
            return names.bind(value, "size")
        if isinstance(value, dict):
            parts = [f"{literal(k) or names.bind(k, 'k')}: {self._returned(v)}" for k, v in value.items()]
            return f"{{{', '.join(parts)}}}"
        inner = ", ".join(map(self._returned, value)) if isinstance(value, list | tuple) else ""
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{names.bind(type(value), type(value).__name__)}({inner})"
        if isinstance(value, list | tuple):
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        return names.name(value)
