"""What objects hold: containers, attributes, what classes define, what modules have; see NOTE [Surroundings]."""

from __future__ import annotations

import io
import random
import types
from abc import ABCMeta, get_cache_token
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from operator import attrgetter, itemgetter, methodcaller
from typing import Any

import numpy as np

from nbautograd.ops.random import Generator
from nbautograd.optim.optimizer import Optimizer
from nbautograd.replay.origins import has, is_librarys, slots_of
from nbautograd.replay.watching import Attributes, Watched, contents, state_of

LARGE = 1 << 24
"""So many bytes an array may have that is no tensor."""
OF_OPTIMIZERS = ("state", "param_groups", "defaults", "_hooks", "_opt_called", "_stepping", "_scratch")
"""What `step()` reads anew, so that it may differ."""


def _registered(_: type) -> Any:
    """What is another number once any class has been registered as one of an abstract base class."""
    return get_cache_token()


def _misses_of(function: Any) -> int:
    """How often a function that remembers its answers did not know one: less is after it has forgotten them."""
    return function.cache_info().misses


class Objects(Watched):
    """Watches what an object holds, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[int, str] = {}
        """The paths of modules."""
        self.problem: str | None = None
        self._optimizers: list[tuple[str, Any]] = []
        self._options: list[tuple[str, Any]] = []
        """Options of optimizers, and what sets them: watched where the step uses them by name."""
        self._seen: dict[int, Any] = {}
        self._classes: set[type] = set()

    def _look(self, path: str, value: Any, depth: int) -> None:
        """Watch what is found at `path`, and what that holds."""
        raise NotImplementedError

    def _is_container(self, path: str, value: Any, depth: int) -> bool:
        if isinstance(value, dict | types.MappingProxyType):
            self._mapping(path, value, depth, "[{!r}]")
        elif isinstance(value, list | tuple | deque | set | frozenset):
            parts: Any = value
            if not isinstance(value, tuple | frozenset):
                self.watch_parts(path, value)
            for i, part in enumerate(parts):
                self._look(f"{path}[{i}]", part, depth + 1)
        else:
            return False
        return True

    def _is_watched(self, path: str, value: Any) -> bool:
        """Whether it is compared by what it holds, or cannot be."""
        if isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
            self.generators.append((value, state_of(value), path))
        elif isinstance(value, Generator):
            value.initial_seed()  # at first use it would seed itself
        elif isinstance(value, bytearray | memoryview | array) or has(value, "__array__"):
            held = contents(value)
            if "O" in held[0] or len(held[-1]) > LARGE:
                self._refuse(path, value)
            else:
                self.arrays.append((value, held, path))
        elif isinstance(value, ContextVar):
            self._look(path, self.watch(path, methodcaller("get"), value), 0)
        elif isinstance(value, io.IOBase):
            if not value.closed and value.readable():
                self._refuse(path, value)
        elif isinstance(value, Iterator) and not has(value, "__dict__"):
            self._refuse(path, value)
        else:
            return False
        return True

    def _refuse(self, path: str, value: Any) -> None:
        self.problem = (
            self.problem or f"it depends on {path}, and what that {type(value).__name__} holds is not compared"
        )

    def _object(self, path: str, value: Any, depth: int) -> None:
        if has(value, "_modules") and has(value, "_parameters"):
            self._module(path, value, depth)
            return
        library = is_librarys(type(value))
        if isinstance(value, Optimizer):
            self._optimizers.append((path, value))
            self._options += [(f"{path}.param_groups", group) for group in value.param_groups]
            if not library:
                self._parts(path, value, [name for name in vars(value) if name not in OF_OPTIMIZERS], depth)
        elif library and has(value, "last_epoch"):
            self.schedules.append((value, value.last_epoch, path))
            self._options.append((path, vars(value)))
        elif library and has(value, "__wrapped__"):
            if has(value, "cache_info"):
                self.watch(f"what {path} remembers", _misses_of, value)
            self._look(path, value.__wrapped__, depth)
        elif has(value, "__dict__"):
            self._mapping(path, vars(value), depth, ".{}")
        if not library:
            self.watch(f"{path}.__class__", type, value)
            self._parts(path, value, slots_of(type(value)), depth)
            self._class(path, type(value), depth)

    def _members(self, path: str, optimizer: Any) -> None:
        """Which parameters an optimizer has: `zero_grad()` and `step()` depend on them."""
        self.watch_parts(path, self.watch(path, attrgetter("param_groups"), optimizer))
        for group in optimizer.param_groups:
            self.watch_parts(path, self.watch(path, itemgetter("params"), group))

    def _parts(self, path: str, value: Any, names: Iterable[str], depth: int) -> None:
        """Some attributes of an object."""
        held = Attributes(value, names)
        if held.names:
            self.watch_parts(path, held, [f".{name}" for name in held.names])
            for name, part in zip(held.names, held, strict=True):
                self._look(f"{path}.{name}", part, depth + 1)

    def _class(self, path: str, kind: type, depth: int) -> None:
        """What a class of the user's own and its bases define."""
        for each in (*kind.__mro__, *type(kind).__mro__):
            if not is_librarys(each) and each not in self._classes:
                self._classes.add(each)
                self._seen[id(each)] = each
                self.watch(f"{each.__name__}.__bases__", attrgetter("__mro__"), each)
                if isinstance(each, ABCMeta):
                    self.watch(f"what counts as {each.__name__}", _registered, each)
                self._mapping(path, vars(each), depth, ".{}")

    def _mapping(self, path: str, mapping: Any, depth: int, form: str) -> None:
        self._named_parts(path, mapping, form)
        for key, part in mapping.items():
            self._look(path + form.format(key), part, depth + 1)

    def _named_parts(self, path: str, mapping: Any, form: str) -> None:
        """What stands in a dictionary, and under which names: one may go by another name tomorrow."""
        if mapping:
            self.watch_parts(path, mapping)
        self.watch_parts(path, mapping.values(), [form.format(key) for key in mapping])

    def _module(self, path: str, module: Any, depth: int) -> None:
        """A module's mode, parameters, buffers and hooks, and what its own code names."""
        self.modules[id(module)] = path
        self.watch_parts(path, module.__dict__.values(), [f".{name}" for name in module.__dict__])
        if not is_librarys(type(module)):
            self.watch_parts(path, module.__dict__)
        for name, part in module.__dict__.items():
            if name in ("_modules", "_parameters", "_buffers"):
                self._named_parts(path, part, ".{}")
                for key, inner in part.items():
                    self._look(f"{path}.{key}", inner, 0)
            elif name.endswith("hooks") and isinstance(part, dict):
                self.watch_parts(f"the hooks of {path}", part.values())
            else:
                self._look(f"{path}.{name}", part, depth + 1)
        self.watch(f"{path}.__class__", type, module)
        self._class(path, type(module), depth + 1)
        if is_librarys(type(module)) and type(module) not in self._classes:
            self._classes.add(type(module))
            self.watch(f"{type(module).__name__}.forward", attrgetter("forward"), type(module), own=False)
