"""What a step reads besides its arguments: the names in its code, and what hangs on them.

NOTE [Surroundings]
A program holds on to the tensors that the step used. That is right as long as the names in the step's code still mean
the same things: the same tensors, modules with the same parameters in the same mode, equal numbers. `Surroundings` are
what they meant when the program was made, and are compared at each call, which has to be fast: containers are compared
element by element with what they held. It follows globals and closures of the step and of the functions it names,
lists, dictionaries, and attributes of objects that are no library's.
"""

from __future__ import annotations

import random
import types
from collections import Counter
from collections.abc import Iterable
from operator import is_
from typing import Any

import numpy as np

from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Grown

NUMBERS = (int, float, complex, str, bytes, type(None))
DEEP = 6
GONE = object()
OPTIONS = ("param_groups", "get_last_lr")
"""The names by which a step gets at the options of an optimizer, which it otherwise reads anew each time."""


class Surroundings:
    """What the names that a function uses stand for."""

    def __init__(self, function: Any) -> None:
        self.names: dict[int, str] = {}
        """Names for tensors, for people to read."""
        self.modules: dict[int, str] = {}
        """The paths of modules."""
        self._globals: list[tuple[str, dict[str, Any], str, Any]] = []
        self._cells: list[tuple[str, types.CellType, Any]] = []
        self._lists: list[tuple[str, list[Any], list[Any]]] = []
        self._mappings: list[tuple[str, Any, list[Any]]] = []
        self._generators: list[tuple[str, Any, Any]] = []
        self._schedules: list[tuple[str, Any, int]] = []
        self._optional: list[tuple[str, Any, list[Any]]] = []
        """Options of optimizers, and what sets them: part of `_mappings` where the step uses them by name."""
        self._tensors: list[tuple[str, Tensor, Any, tuple[int, ...], bool]] = []
        self._seen: dict[int, Any] = {}
        self._paths: Counter[int] = Counter()
        """In how many places each list was found."""
        self._looks = False
        self._function("", function, 0)
        if self._looks:
            self._mappings += self._optional

    def change(self) -> str | None:
        """The name of the first thing that is not as it was; None where nothing has changed."""
        for name, space, key, before in self._globals:
            if not _same(space.get(key, GONE), before):
                return name
        for name, cell, before in self._cells:
            if not _same(cell.cell_contents, before):
                return name
        for name, values, before in self._lists:
            if len(values) != len(before) or not (all(map(is_, values, before)) or all(map(_same, values, before))):
                return name
        for name, mapping, before in self._mappings:
            values = mapping.values()
            if len(values) != len(before) or not (all(map(is_, values, before)) or all(map(_same, values, before))):
                return name
        for name, t, dtype, shape, recorded in self._tensors:
            data = t._data
            if data.dtype is not dtype or data.shape != shape or (t._node is not None) is not recorded:
                return name
        return None

    def drawn(self) -> str | None:
        """The name of a generator of random numbers, NumPy's or Python's own, that was used since."""
        return next((name for name, generator, state in self._generators if _state(generator) != state), None)

    def grown(self, names: set[str]) -> list[Grown]:
        """The lists of these names that have grown since; the step only appends to them, so they are not compared."""
        found: list[Grown] = []
        for entry in [entry for entry in self._lists if entry[0] in names]:
            name, values, before = entry
            old, new = values[: len(before)], values[len(before) :]
            if new and len(old) == len(before) and all(map(is_, old, before)) and self._paths[id(values)] == 1:
                self._lists.remove(entry)
                found.append(Grown(name, values, new))
        return found

    def tensors(self) -> list[Tensor]:
        """Those that have names and record."""
        return [t for _, t, _, _, recorded in self._tensors if recorded]

    def scheduled(self) -> str | None:
        """The name of a schedule that has gone a step since."""
        return next((name for name, schedule, epoch in self._schedules if schedule.last_epoch != epoch), None)

    def _function(self, path: str, function: Any, depth: int) -> None:
        if isinstance(function, types.MethodType):
            self._look(f"{path}self", function.__self__, depth)
            function = function.__func__
        function = getattr(function, "__wrapped__", function)
        code = getattr(function, "__code__", None)
        if code is None or id(code) in self._seen:
            return
        self._seen[id(code)] = code
        names = dict.fromkeys(_names(code))
        self._looks |= not names.keys().isdisjoint(OPTIONS)
        for name in names:
            if name in function.__globals__:
                value = function.__globals__[name]
                self._globals.append((name, function.__globals__, name, value))
                self._look(name, value, depth)
                if isinstance(value, types.ModuleType) and not _is_librarys(value.__name__):
                    self._attributes(name, value, names, depth)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            self._cells.append((name, cell, value))
            self._look(name, value, depth)
        for i, value in enumerate(function.__defaults__ or ()):
            self._look(f"default_{i}", value, depth)

    def _attributes(self, path: str, module: types.ModuleType, names: Iterable[str], depth: int) -> None:
        """What the user takes from a module of Python's."""
        for name in names:
            if name in vars(module):
                value = vars(module)[name]
                self._globals.append((f"{path}.{name}", vars(module), name, value))
                self._look(f"{path}.{name}", value, depth + 1)

    def _look(self, path: str, value: Any, depth: int) -> None:
        if isinstance(value, list):
            self._paths[id(value)] += 1
        if isinstance(value, NUMBERS) or depth > DEEP or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            self.names[id(value)] = identifier(path)
            data = value._data
            self._tensors.append((path, value, data.dtype, data.shape, value._node is not None))
        elif isinstance(value, list | tuple):
            if isinstance(value, list):
                self._lists.append((path, value, list(value)))
            for i, part in enumerate(value):
                self._look(f"{path}[{i}]", part, depth + 1)
        elif isinstance(value, dict):
            self._mapping(path, value, depth, "[{!r}]")
        elif isinstance(value, types.FunctionType | types.MethodType):
            if not _is_librarys(value.__module__):
                self._function(f"{path}.", value, depth + 1)
        elif isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
            self._generators.append((path, value, _state(value)))
        elif isinstance(value, type):
            self._class(path, value, depth)
        elif isinstance(value, types.ModuleType):
            pass  # see `_function`
        elif hasattr(value, "_modules") and hasattr(value, "_parameters"):
            self._module(path, value, depth)
        elif not _is_librarys(type(value).__module__):
            self._mapping(path, getattr(value, "__dict__", {}), depth, ".{}")
            self._class(path, type(value), depth)
        elif hasattr(value, "last_epoch"):
            self._schedules.append((path, value, value.last_epoch))
            self._optional.append((path, vars(value), list(vars(value).values())))
        elif hasattr(value, "param_groups"):
            self._optional += [(f"{path}.param_groups", g, list(g.values())) for g in value.param_groups]

    def _class(self, path: str, kind: type, depth: int) -> None:
        """What a class of the user's own and its bases define."""
        for each in kind.__mro__:
            if not _is_librarys(each.__module__) and id(vars(each)) not in self._seen:
                self._seen[id(each)] = self._seen[id(vars(each))] = each
                self._mapping(path, vars(each), depth, ".{}")

    def _mapping(self, path: str, mapping: Any, depth: int, form: str) -> None:
        self._mappings.append((path, mapping, list(mapping.values())))
        for key, part in mapping.items():
            self._look(path + form.format(key), part, depth + 1)

    def _module(self, path: str, module: Any, depth: int) -> None:
        """A module's mode, parameters, buffers and hooks, and what its own code names."""
        self.modules[id(module)] = path
        self._mappings.append((path, module.__dict__, list(module.__dict__.values())))
        for name, part in module.__dict__.items():
            if name in ("_modules", "_parameters", "_buffers"):
                self._mappings.append((path, part, list(part.values())))
                for key, inner in part.items():
                    self._look(f"{path}.{key}", inner, 0)
            elif name.endswith("hooks") and isinstance(part, dict):
                self._mappings.append((f"the hooks of {path}", part, list(part.values())))
            else:
                self._look(f"{path}.{name}", part, depth + 1)
        self._class(path, type(module), depth + 1)


def _state(generator: Any) -> str:
    if isinstance(generator, random.Random):
        return str(hash(generator.getstate()))
    return repr(generator.bit_generator.state if isinstance(generator, np.random.Generator) else generator.get_state())


def _same(now: Any, before: Any) -> bool:
    return now is before or (type(now) is type(before) and isinstance(now, NUMBERS) and now == before)


def _names(code: types.CodeType) -> list[str]:
    """The names that a code object and those inside it use."""
    found = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += _names(constant)
    return found


def identifier(path: str) -> str:
    """A path as one word."""
    text = "".join(c if c.isalnum() else "_" for c in path).strip("_")
    return text if text.isidentifier() else f"w_{text}"


def _is_librarys(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("nbautograd", "numpy", "scipy", "builtins")
