"""Steps with `differentiable=True`: gradients flow through them, to gradients, states and rates.

NOTE [Cells]
A rule is written for arrays that it changes in place. Given cells instead, each holding a tensor, the same text makes a
new tensor wherever it would have changed an array: ordinary differentiable operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.op import tensors
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor


class Cell:
    """Stands for an array that a rule changes; see NOTE [Cells]."""

    __slots__ = ("cut", "value")

    def __init__(self, value: Any = None, cut: bool = False) -> None:
        self.value = value
        self.cut = cut
        """Whether what is put here loses its history."""

    def put(self, value: Any) -> Cell:
        """Hold another tensor from now on."""
        self.value = value.detach() if self.cut else value
        return self

    def __iadd__(self, other: Any) -> Cell:
        return self.put(self.value + _value(other))

    def __isub__(self, other: Any) -> Cell:
        return self.put(self.value - _value(other))

    def __imul__(self, other: Any) -> Cell:
        return self.put(self.value * _value(other))

    def __itruediv__(self, other: Any) -> Cell:
        return self.put(self.value / _value(other))

    def __lt__(self, other: Any) -> Tensor:
        return self.value < other

    def __gt__(self, other: Any) -> Tensor:
        return self.value > other

    def __setitem__(self, where: Any, new: Any) -> None:
        new = _value(new)
        if where is not ...:
            self.put(FUNCTIONS["where"](where, new, self.value))
        else:
            self.put(new if isinstance(new, Tensor) else FUNCTIONS["full_like"](self.value, new))


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Cell) else x


class _Space:
    """NumPy's functions with `out=`, for cells."""

    @staticmethod
    def copyto(into: Cell, new: Any, *, where: Any) -> None:
        into[where] = new

    def __getattr__(self, name: str) -> Callable[..., Cell]:
        function = FUNCTIONS["clamp"] if name == "clip" else getattr(tensors, name)

        def into(*args: Any, out: Cell) -> Cell:
            return out.put(function(*map(_value, args)))

        setattr(self, name, into)
        return into


space = _Space()


def advance(update: Any, gradient: Any, p: Tensor, state: dict[str, Any], names: list[str], fresh: list[str]) -> None:
    """One step of the parameter `p` and of what `state` holds under `names`; those in `fresh` learn no history."""
    whole = p._data.dtype.kind != "c"  # an optimizer sees the two parts of complex numbers as numbers of their own
    view: Any = (lambda t: t) if whole else FUNCTIONS["view_as_real"]
    held = [Cell(view(state[name]), cut=name in fresh) for name in names]
    q, h = Cell(view(p.clone())), Cell(view(p._grad))  # a copy: rules may need the value that is replaced in the end
    s, t, u = (Cell(q.value) for _ in range(3))
    if gradient is not None:
        gradient(space, q, h, s)
        h = s
    update(space, q, h, *held, t, u)
    back: Any = (lambda t: t) if whole else FUNCTIONS["view_as_complex"]
    for name, cell in zip(names, held, strict=True):
        state[name] = back(cell.value)
    p.copy_(back(q.value))
