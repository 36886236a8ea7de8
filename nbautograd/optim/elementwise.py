"""Optimizers that treat every element alike: their steps run in place, in blocks that fit the cache.

NOTE [Blocks]
Written with whole arrays, `p -= lr * m / (sqrt(v) + eps)` walks through memory once per operation and makes a new array
for each. A block of 131,072 elements stays in the cache through all operations of a step, and its few temporaries are
made once, so that a step costs one walk through memory and no allocation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.dtype import get_default_dtype
from nbautograd.core.inplace import array_of, touched, write
from nbautograd.core.modes import enable_grad
from nbautograd.core.tensor import Tensor

from .optimizer import Group, Optimizer

BLOCK = 1 << 16

Update = Callable[..., None]
"""`update(xp, p, g, *slots, t, u)`: one step on a block of elements; `t` and `u` are scratch, `g` stays as it is."""


class ElementwiseOptimizer(Optimizer):
    """An optimizer given by a rule for a block of elements."""

    decoupled: ClassVar[bool] = False

    def __init__(self, params: Any, defaults: Group) -> None:
        if defaults.get("differentiable"):
            raise NotImplementedError(
                "optimizers with differentiable=True are not supported; write the update as tensor operations"
            )
        super().__init__(params, defaults)
        self._scratch: dict[Any, tuple[Any, Any, Any]] = {}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        """Advance the state's counters by one step and return how to update a block."""
        raise NotImplementedError

    def slots(self, group: Group) -> dict[str, float]:
        """The state that each element has, and what it starts from."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once.

        `closure`, if given, computes the loss (and its gradients) first; the loss is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            slots = self.slots(group)
            for p in group["params"]:
                if p._grad is not None:
                    self._advance(group, slots, p, p._grad._data)
        return loss

    def _advance(self, group: Group, slots: dict[str, float], p: Tensor, g: Any) -> None:
        state = self.state[p]
        update = self.rule(group, state)
        for name, start in slots.items():
            if name not in state:
                order = "C" if p._data.dtype.kind == "c" else "K"
                state[name] = wrap(library_of(p._data).full_like(p._data, start, order=order))
        held = [array_of(state[name]) for name in slots]
        decay = 0 if self.decoupled or group.get("decoupled_weight_decay") else group.get("weight_decay", 0)
        gradient = _gradient(group.get("maximize", False), float(decay))
        if isinstance(p._data, np.generic):
            value = np.array(p._data)
            self._run(update, gradient, [value, np.asarray(g), *held])
            write(p, value)
        elif p._data.dtype.kind == "c" and not p._data.flags.c_contiguous:
            value = p._data.copy(order="C")
            self._run(update, gradient, [value, g, *held])
            write(p, value)
        else:
            self._run(update, gradient, [p._data, g, *held])
            touched(p)

    def _run(self, update: Update, gradient: Update | None, arrays: list[Any]) -> None:
        xp = library_of(arrays[0])
        if arrays[0].dtype.kind == "c":
            arrays = [_as_reals(xp, a) for a in arrays]
        for p, g, *held in [arrays] if arrays[0].size <= BLOCK or xp is not np else _blocks(arrays):
            s, t, u = self._temporaries(xp, p)
            if gradient is not None:
                gradient(xp, p, g, s)
                g = s
            update(xp, p, g, *held, t, u)

    def _temporaries(self, xp: Any, p: Any) -> Any:
        """Three blocks of scratch shaped like `p`; those of blocks are kept from step to step."""
        if p.size > BLOCK:
            return [xp.empty(p.shape, p.dtype) for _ in range(3)]
        key = (xp.__name__, p.dtype, p.shape)
        kept = self._scratch.get(key)
        if kept is None:
            kept = self._scratch[key] = tuple([xp.empty(p.shape, p.dtype) for _ in range(3)])
        return kept


def _as_reals(xp: Any, a: Any) -> Any:
    """Complex numbers as pairs of real ones: both parts are numbers of their own to an optimizer."""
    a = a if a.flags.c_contiguous else xp.ascontiguousarray(a)
    return a.reshape(-1).view(a.real.dtype)


def _blocks(arrays: list[Any]) -> Iterator[list[Any]]:
    """The arrays in pieces of about BLOCK elements: flat ones, or rows where one of them is not contiguous."""
    if all(a.flags.c_contiguous for a in arrays):
        arrays = [a.reshape(-1) for a in arrays]
    first = arrays[0]
    rows = max(1, BLOCK * first.shape[0] // first.size)
    for start in range(0, first.shape[0], rows):
        yield [a[start : start + rows] for a in arrays]


def _gradient(maximize: bool, decay: float) -> Update | None:
    """What stands for the gradient (None: itself): its negative to climb, plus the parameter times `decay`."""
    if not maximize and not decay:
        return None

    def gradient(xp: Any, p: Any, g: Any, out: Any) -> None:
        if decay:
            xp.multiply(p, decay, out=out)
            (xp.subtract if maximize else xp.add)(out, g, out=out)
        else:
            xp.negative(g, out=out)

    return gradient


def count_step(state: dict[str, Any]) -> float:
    """Raise the state's step count, kept as torch keeps it, and return it."""
    step = state.get("step")
    if step is None:
        step = state["step"] = wrap((np.float64 if get_default_dtype().itemsize == 8 else np.float32)(0))
    count = float(step._data) + 1
    step._data = step._data.dtype.type(count)
    return count


def check_range(name: str, value: Any, low: float = 0.0, high: float = float("inf")) -> None:
    """Refuse an option outside [low, high).

    Raises: ValueError in torch's words.
    """
    if not low <= value < high:
        raise ValueError(f"Invalid {name}: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Refuse averaging factors outside [0, 1)."""
    for i, beta in enumerate(betas):
        check_range(f"beta parameter at index {i}", beta, 0, 1)
