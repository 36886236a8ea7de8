"""Modules made of modules: in a row, in a list, by name."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from .module import Module, indented


class Container(Module):
    """A module with parts given by name: torch's former way to make one."""

    def __init__(self, **modules: Module) -> None:
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that "
            "instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class _Indexed(Module):
    """Children under the names "0", "1", …"""

    def _place(self, index: Any) -> str:
        count = len(self)
        index = operator.index(index)
        if not -count <= index < count:
            raise IndexError(f"index {index} is out of range")
        return next(islice(self._modules, index % count, None))

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(*self._sliced(index))
        return self._modules[self._place(index)]

    def _sliced(self, index: slice) -> tuple[Any, ...]:
        return ([*self][index],)

    def __setitem__(self, index: Any, module: Module) -> None:
        setattr(self, self._place(index), module)

    def __delitem__(self, index: Any) -> None:
        chosen = list(self._modules)[index] if isinstance(index, slice) else [self._place(index)]
        self._renumber([module for name, module in self._modules.items() if name not in chosen])

    def _renumber(self, modules: Iterable[Any]) -> None:
        self._modules.clear()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def insert(self, index: int, module: Module) -> Any:
        """Put `module` before position `index`."""
        modules = [*self]
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def append(self, module: Module) -> Any:
        """Put `module` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Put all of `modules` at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: Any) -> Module:
        """Take the module at `key` out and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(_Indexed):
    """Modules one after the other: the output of each is the input of the next.

    Example:
        >>> import nbautograd as torch
        >>> torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
        Sequential(
          (0): Linear(in_features=3, out_features=4, bias=True)
          (1): ReLU()
        )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input: Any) -> Any:
        out = input
        for module in self._modules.values():
            out = module(out)
        return out

    def _sliced(self, index: slice) -> tuple[Any, ...]:
        return (OrderedDict(list(self._modules.items())[index]),)

    def __add__(self, other: Any) -> Sequential:
        _check_sequential("add operator", other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Sequential:
        _check_sequential("add operator", other)
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return Sequential(*[*self] * times)

    __rmul__ = __mul__


def _check_sequential(what: str, other: Any) -> None:
    if not isinstance(other, Sequential):
        raise ValueError(f"{what} supports only objects of Sequential class, but {type(other)} is given.")


class ModuleList(_Indexed):
    """Modules in a list. Unlike in a plain list, they are found by `parameters()`.

    Example:
        >>> import nbautograd as torch
        >>> layers = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(3))
        >>> len(list(layers.parameters()))
        6
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __repr__(self) -> str:
        runs: list[list[Any]] = []  # [first, last, text], equal neighbours together
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return f"{self._get_name()}()"
        lines = [
            f"({first}): {indented(text)}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {indented(text)}"
            for first, last, text in runs
        ]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """Modules by name. Unlike in a plain dict, they are found by `parameters()`."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take the module called `key` out and return it."""
        return self._modules.pop(key)

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def items(self) -> Any:
        """Names and modules."""
        return self._modules.items()

    def update(self, modules: Any) -> None:
        """Add modules from a dict or from pairs of name and module."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.update should be called with an iterable of key/value pairs, "
                f"but got {type(modules).__name__}"
            )
        for key, module in modules.items() if isinstance(modules, Mapping | ModuleDict) else modules:
            self[key] = module
