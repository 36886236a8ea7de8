"""The names in a program: those of the learner's variables, parameters and modules where there are such."""

from __future__ import annotations

import builtins
import math
import re
from collections import Counter
from typing import Any

import numpy as np

from nbautograd.core.op import xp
from nbautograd.core.text import literal
from nbautograd.replay.calls import Call, Var
from nbautograd.replay.origins import identifier
from nbautograd.replay.runtime import HELPERS

LETTERS = {"seed": "k", "draw": "r"}
"""What variables are called that the learner has no name for; others are `t`."""
NUMBERED = frozenset("gkrt")


class Names:
    """Names of variables and of objects that the program refers to: each of them has one, and nothing else has it.

    The array of a tensor that is called `w` goes by that name, the tensor itself by `w_tensor`, its gradient by `d_w`.
    """

    def __init__(self, arguments: dict[int, str], tensors: dict[int, str], modules: dict[int, str]) -> None:
        self.space: dict[str, Any] = {
            "__name__": __name__,
            "np": np,
            "xp": xp,
            "math": math,
            **{f.__name__: f for f in HELPERS},
        }
        self._tensors = tensors | arguments
        self._modules = modules
        self._bound: dict[int, str] = {}
        self._of: dict[int, str] = {}
        self._variables = {"s"}
        self.held: Counter[str] = Counter()
        """By how many variables a name is held."""
        self._taken: dict[str, int] = {}
        self._locals: dict[str, str] = {}
        self._free: dict[str, list[str]] = {}
        """By their stems names of variables that nothing needs any more."""
        self._stems: dict[str, str] = {}
        self.mixing = False
        """Whether a variable may take a name with another stem."""

    def bind(self, value: Any, stem: str) -> str:
        """The name of an object that the program refers to."""
        found = self._bound.get(id(value))
        if found is None:
            found = self._bound[id(value)] = self._fresh(stem)
            self.space[found] = value
        return found

    def agrees(self, names: dict[str, Any]) -> bool:
        """Bring names from an op's module into the program, unless others stand for something else there."""
        if any(self.space.get(name, value) is not value or name in self._variables for name, value in names.items()):
            return False
        self.space.update(names)
        return True

    def tensor(self, t: Any) -> str:
        """The name of a tensor from outside."""
        return self.bind(t, f"{self._tensors.get(id(t), 'outer')}_tensor")

    def parameter(self, t: int) -> str:
        """The name of a tensor that the step is given."""
        found = self._bound[t] = self.variable(f"{self._tensors[t]}_tensor")
        return found

    def name(self, value: Any) -> str:
        """How a variable, a number or an object is written."""
        if isinstance(value, Var):
            return self._of[id(value)]
        if isinstance(value, tuple | list) and any(isinstance(v, Var | tuple | list | slice) for v in value):
            parts = ", ".join([self.name(v) for v in value])
            return f"[{parts}]" if isinstance(value, list) else f"({parts}{',' if len(value) == 1 else ''})"
        if isinstance(value, dict):
            return "{" + ", ".join([f"{self.name(k)}: {self.name(v)}" for k, v in value.items()]) + "}"
        if isinstance(value, slice):
            return f"slice({self.name(value.start)}, {self.name(value.stop)}, {self.name(value.step)})"
        text = literal(value)
        if text is not None and isinstance(value, tuple | list):
            return re.sub(r"\((-[^()]*)\)", r"\1", text)
        return text or self.bind(value, "k")

    def outs(self, call: Call) -> list[str]:
        """The names of a call's results."""
        return [self.out(v, call) for v in call.outs]

    def out(self, v: Var, call: Call) -> str:
        """The name of a variable, a new one if it has none yet."""
        found = self._of.get(id(v))
        if found is None:
            stem = self._stem(v, call)
            free = self._free.get("" if self.mixing else stem)
            found = self._of[id(v)] = free.pop() if free else self.variable(stem)
            self._stems[found] = "" if self.mixing else stem
            self.held[found] += 1
        return found

    def reuse(self, names: list[str]) -> None:
        """Let variables take names that nothing needs any more."""
        for name in names:
            self._free.setdefault(self._stems[name], []).append(name)

    def also(self, v: Var, name: str) -> None:
        """What another variable holds is what `v` is."""
        self._of[id(v)] = name
        self.held[name] += 1

    def module(self, call: Call) -> str | None:
        """The path of the innermost module that a call ran in."""
        return None if call.module is None else self._modules.get(id(call.module), type(call.module).__name__)

    def _stem(self, v: Var, call: Call) -> str:
        if v.stem is not None:
            return v.stem
        if call.kind == "read":
            t, of = call.args[0]
            path = self._tensors.get(id(t), "outer")
            return f"{path}_grad" if of else path
        if v.gradient_of is not None:
            of = self._of.get(id(v.gradient_of))
            return "g" if of is None else f"d_{of}"
        path = self._modules.get(id(call.module))
        if path is not None and not call.back and not call.module._modules:
            return identifier(path)
        return LETTERS.get(call.kind, "t")

    def variable(self, stem: str) -> str:
        """A name for a new variable."""
        found = self._fresh(stem)
        self._variables.add(found)
        return found

    def local(self, stem: str) -> str:
        """A name for a variable of a passage, the same each time."""
        found = self._locals.get(stem)
        if found is None:
            found = stem
            while found in self.space or found in self._variables or hasattr(builtins, found):
                found += "_"
            self._locals[stem] = found
            self._variables.add(found)
        return found

    def _fresh(self, stem: str) -> str:
        """A name that nothing has yet: the stem itself, if it is a word."""
        stem += "_" * (hasattr(builtins, stem) or stem == "_")
        number = self._taken.get(stem, 0)
        while True:
            number += 1
            name = f"{stem}{number}" if stem in NUMBERED else stem if number == 1 else f"{stem}_{number}"
            if name not in self.space and name not in self._variables:
                self._taken[stem] = number
                return name
