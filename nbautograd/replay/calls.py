"""What a program consists of: variables, and calls of functions on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nbautograd.core.array import ndarray
from nbautograd.core.op import Op
from nbautograd.core.tensor import Tensor


class Var:
    """An array of the program; `shape` and `dtype` are those it had when the step was noted."""

    __slots__ = ("array", "dtype", "gradient_of", "shape", "stem", "uniform")

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape: tuple[int, ...] | None = getattr(array, "shape", None)
        self.dtype: Any = getattr(array, "dtype", None)
        self.uniform = isinstance(array, ndarray) and array.size > 1 and not any(array.strides)
        """Whether one number stands everywhere, as in the gradient of a sum."""
        self.stem: str | None = None
        """What the learner calls it."""
        self.gradient_of: Var | None = None

    def stands_for(self, array: Any) -> None:
        """What the variable was is known only now: `array`."""
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    @property
    def size(self) -> int:
        return 0 if self.shape is None else int(np.prod(self.shape))


class Item:
    """A number that the step returns: the only element of a variable."""

    def __init__(self, var: Var) -> None:
        self.var = var


class Itself:
    """An object that the step returns: one that was there before it, or the gradient of a tensor that was."""

    def __init__(self, value: Any, of: str = "", place: int | None = None) -> None:
        self.value = value
        self.of = of
        self.place = place
        """Which argument it is, or is of."""


class Grown:
    """A list to which the step appends numbers."""

    def __init__(self, name: str, values: list[Any], new: list[Any]) -> None:
        self.name = name
        self.values = values
        self.new = new


@dataclass(slots=True, eq=False)
class Call:
    """One line of the program: `outs = function(*args, **settings)`."""

    function: Any
    args: list[Any]
    outs: list[Any]
    settings: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    kind: str = "op"
    """`op`, `rule`, `sum`, `fit`, `read`, `draw`, `check`, or one of EFFECTS."""
    entry: Any = None
    """The op, where it is elementwise and may be fused with others."""
    line: tuple[str, int, str] | None = None
    """The line of code that it comes from: file, number, and the function if that is not the step itself."""
    module: Any = None
    """The innermost module that it ran in."""
    back: bool = False
    """Whether it ran in a backward pass."""
    several: bool = False
    """Whether the function gives a tuple, even of one."""
    after: list[Var] = field(default_factory=list[Var])
    """What has to be computed before, though the function is not given it."""

    def reads(self) -> list[Var]:
        """The variables that it reads."""
        return variables(self.args) + variables(self.settings) + self.after

    def is_ours(self) -> bool:
        """Whether an optimizer is one of this package, which changes nothing but its parameters and its state."""
        return type(self.args[0]).__module__.startswith("nbautograd.")

    def stepped(self) -> list[Any]:
        """What an optimizer's step may change: its parameters, and what it keeps of them."""
        states = [t for state in self.args[0].state.values() for t in state.values() if isinstance(t, Tensor)]
        return [*[p for group in self.args[0].param_groups for p in group["params"]], *states]


def variables(value: Any) -> list[Var]:
    """The variables in a nest of values."""
    if isinstance(value, Item):
        return [value.var]
    if isinstance(value, Var):
        return [value]
    if isinstance(value, slice):
        return variables((value.start, value.stop, value.step))
    if isinstance(value, dict):
        return [v for part in value.values() for v in variables(part)]
    return [v for part in value for v in variables(part)] if isinstance(value, list | tuple) else []


EFFECTS = ("write", "put", "accumulate", "clear", "step", "append", "call")


@dataclass(slots=True, eq=False)
class Ran:
    """What an op that ran has given and what its rules may ask for."""

    op: type[Op]
    inputs: list[Any]
    settings: dict[str, Any]
    outs: list[Any]
    aux: list[Var]
    node: Any
    slots: list[Any]
    line: Any = None
    module: Any = None
    shares: Any = None
    """What the one rule of a variadic op gave: for which pass, and for each input."""


class RefusalError(Exception):
    """The step cannot be replayed; the message says why."""
