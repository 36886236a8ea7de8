"""What a step reads besides the tensors it is given: the names in its code, and what hangs on them.

NOTE [Surroundings]
A program holds on to the tensors that the step used. That is right as long as the names in the step's code still mean
the same things: the same tensors, modules with the same parameters in the same mode, equal numbers. `Surroundings` are
what they meant when the program was made, and are compared at each call. It follows globals and closures of the step
and of the functions it names, arguments that are no tensors, containers, attributes, and what classes define. Of
libraries it compares the names that the step uses (`len`, `F.relu`, `math.pi`) and takes for granted that what these
call stays as it is. What cannot be compared (iterators, files, what is nested without end) is a `problem`, and so is a
tensor that no name leads to: see `leads_to`. What is asked of the outside world is another matter: see `hearing`.
"""

from __future__ import annotations

import functools
import os
import sys
import types
import weakref
from collections import Counter
from collections.abc import Iterable
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np

from nbautograd.core.device import device
from nbautograd.core.dtype import dtype
from nbautograd.core.tensor import Tensor
from nbautograd.replay.objects import Objects
from nbautograd.replay.origins import identifier, is_installed, is_librarys, names_in
from nbautograd.replay.watching import NUMBERS

DEEP, MANY = 12, 100_000
"""So deep things may be nested, and so many may there be: looking at them must not take long."""
OPTIONS = ("param_groups", "get_last_lr")
"""The names by which a step gets at the options of an optimizer, which it otherwise reads anew each time."""
METHODS = (types.MethodType, types.BuiltinMethodType)
FOLLOWED = (types.FunctionType, *METHODS, functools.partial, weakref.ref, property, staticmethod, classmethod)
FIXED = (types.ModuleType, np.generic, np.dtype, np.ufunc, range, slice, dtype, device)
CODE, DEFAULTS, BY_NAME, CONTENTS = map(attrgetter, ("__code__", "__defaults__", "__kwdefaults__", "cell_contents"))
"""Of functions, where reloading a module changes them in place, and of the variables round them."""


class Surroundings(Objects):
    """What the names that a function uses stand for, and `arguments`."""

    def __init__(self, function: Any, arguments: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self.names: dict[int, str] = {}
        """Names for tensors, for people to read."""
        self._paths: Counter[int] = Counter()
        """In how many places each list and each dictionary was found."""
        self._looks = False
        self._spaces: dict[int, tuple[str, types.ModuleType]] = {}
        """The modules, and what they are called."""
        self._known: set[tuple[int, str]] = set()
        """The names in modules that are watched."""
        self._every: set[str] = set()
        """All names that the functions use."""
        self._look("step", function, 0)
        for name, value in arguments:
            self._look(name, value, 0)
        self._of_modules()
        for name in sorted(self._every & vars(Tensor).keys()):
            self.watch(f"Tensor.{name}", itemgetter(name), vars(Tensor), own=False)
        for path, optimizer in self._optimizers:
            for name in sorted(self._every & {"step", "zero_grad"}):
                self.watch(f"{path}.{name}", attrgetter(f"{name}.__func__"), optimizer)
            self._members(f"{path}.param_groups", optimizer)
            for i, p in enumerate(p for group in optimizer.param_groups for p in group["params"]):
                self._look(f"{path}.param_{i}", p, 0)
        if self._looks:
            for path, options in self._options:
                self.watch_parts(path, options.values())

    def leads_to(self, value: Any) -> bool:
        """Whether a name leads to an object, so that it is noticed when another one takes its place."""
        return self._seen.get(id(value)) is value

    def followed(self) -> list[Tensor]:
        """The tensors to which names lead."""
        return [t for t, *_ in self.tensors]

    def _is_alone(self, values: list[Any], name: str) -> bool:
        held_by = name.rpartition("[")[0]
        holders = [parts for parts, _, name in self.groups if name == held_by and isinstance(parts, dict | list)]
        return all(self._paths[id(each)] == 1 for each in (values, *holders))

    # --- one thing after the other ---

    def _look(self, path: str, value: Any, depth: int) -> None:
        if isinstance(value, list | dict):
            self._paths[id(value)] += 1
        if isinstance(value, NUMBERS) or id(value) in self._seen:
            return
        if depth > DEEP or len(self._seen) > MANY:
            self.problem = self.problem or f"what {path} leads to is too much to be compared"
            return
        self._seen[id(value)] = value
        if isinstance(value, types.ModuleType):
            self._spaces[id(value)] = path, value
        if isinstance(value, FIXED):
            return
        if value is sys.modules:
            self._refuse(path, value)
        elif isinstance(value, Tensor):
            self.names[id(value)] = identifier(path)
            self.watch_tensor(path, value)
            self._parts(path, value, [name for name in vars(value) if name[0] != "_"], depth)
        elif isinstance(value, FOLLOWED):
            self._callable(path, value, depth)
        elif isinstance(value, type):
            self._class(path, value, depth)
        else:
            container = self._is_container(path, value, depth)
            if not (container and is_librarys(type(value))) and not self._is_watched(path, value):
                self._object(path, value, depth)

    # --- functions ---

    def _callable(self, path: str, value: Any, depth: int) -> None:
        match value:
            case types.FunctionType():
                self._function(path, value, depth)
            case types.MethodType() | types.BuiltinMethodType():
                self._look("self" if path == "step" else f"{path}.self", value.__self__, depth)
                self._look(path, getattr(value, "__func__", None), depth)
            case functools.partial():
                for part in (value.func, value.args, value.keywords):
                    self._look(path, part, depth + 1)
            case weakref.ref():
                self._look(path, value(), depth)
            case property():
                for part in (value.fget, value.fset):
                    self._look(path, part, depth)
            case _:
                self._look(path, value.__func__, depth)

    def _function(self, path: str, function: types.FunctionType, depth: int) -> None:
        """What it names; of a library's function only what it was made of, unless everybody has it."""
        code, library = function.__code__, is_librarys(function)
        home = function.__globals__.get("__name__", "")  # a decorator may have put another into `__module__`
        if library and getattr(sys.modules.get(home), function.__name__, None) is function:
            if home == "os":
                self._look("os.environ", os.environ, depth)
            return
        if not library:
            self.watch(path, CODE, function)
            self.watch(path, DEFAULTS, function)
            if code.co_kwonlyargcount:
                self.watch(path, BY_NAME, function)
            used, every = names_in(code)
            self._every |= every
            self._looks |= not every.isdisjoint(OPTIONS)
            for name in used:
                self._global(name, function, depth)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self._look(name, self.watch(name, CONTENTS, cell), depth)
        for i, value in enumerate(function.__defaults__ or ()):
            self._look(f"default_{i}", value, depth)
        self._look("the defaults", function.__kwdefaults__, depth)
        self._parts(path, function, vars(function), depth)

    def _global(self, name: str, function: types.FunctionType, depth: int) -> None:
        """A name that is none of the function's variables."""
        space = function.__globals__
        if name in space:
            self._named(name, space, name, depth)
            return
        self.watch_absence(name, space)
        if name in function.__builtins__:
            self._named(name, function.__builtins__, name, depth, own=False)
        elif name in sys.modules:  # imported in there
            self._named(name, sys.modules, name, depth)

    def _named(self, path: str, space: dict[str, Any], name: str, depth: int, own: bool = True) -> None:
        """A name in a module; what a library's module calls is taken for granted."""
        if (id(space), name) not in self._known:
            self._known.add((id(space), name))
            self.watch(path, itemgetter(name), space, own)
        value = space[name]
        if own or space is vars(os) or not callable(value):
            self._look(path, value, depth)

    def _of_modules(self) -> None:
        """What is used of modules; what that leads to may lead to others."""
        done, seen = -1, set[tuple[int, str]]()
        while done != (done := len(self._every) + len(self._spaces)):
            for path, module in list(self._spaces.values()):
                space, own = vars(module), not is_installed(module.__name__)
                for name in sorted(self._every & space.keys()):
                    if (id(space), name) not in seen:
                        seen.add((id(space), name))
                        self._named(f"{path}.{name}", space, name, 0, own)
                if own:
                    for name in self._every - space.keys():
                        self.watch_absence(name, space)
                    self._look(f"{path}.__getattr__", space.get("__getattr__"), 0)
