"""Optimizers that treat every element alike: their steps run in place, in blocks that fit the cache.

NOTE [Blocks]
Written with whole arrays, `p -= lr * m / (sqrt(v) + eps)` walks through memory once per operation and makes a new array
for each. A block of 65,536 elements stays in the cache through all operations of a step, and its few temporaries are
made once, so that a step costs one walk through memory and no allocation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nbautograd.core.array import beside, is_cupy, library_of
from nbautograd.core.call import wrap
from nbautograd.core.dtype import get_default_dtype
from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.inplace import array_of, touched, writable, write
from nbautograd.core.tensor import Tensor

from . import differentiated
from .optimizer import Group, Optimizer, evaluated

BLOCK = 1 << 16

Update = Callable[..., None]
"""`update(xp, p, g, *slots, t, u)`: one step on a block of elements; `t` and `u` are scratch, `g` stays as it is."""


class ElementwiseOptimizer(Optimizer):
    """An optimizer given by a rule for a block of elements."""

    def __init__(self, params: Any, defaults: Group) -> None:
        _check_options(defaults)
        super().__init__(params, defaults)
        self._scratch: dict[Any, list[Any]] = {}

    starts_without_history = False
    """Whether the state that a differentiated first step leaves knows nothing of the gradient it was made from."""

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        """Advance the state's counters by one step and return how to update a block."""
        raise NotImplementedError

    def slots(self, group: Group) -> dict[str, float]:
        """The state that each element has, and what it starts from."""
        raise NotImplementedError

    def decay(self, group: Group) -> float:
        """How much of the parameter joins its gradient; none where the rule shrinks the parameter itself."""
        return 0.0 if group.get("decoupled_weight_decay") else figure(group, "weight_decay", 0.0)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once.

        `closure`, if given, computes the loss (and its gradients) first; the loss is returned.
        """
        loss = evaluated(closure)
        through = self.defaults.get("differentiable", False)
        for group in self.param_groups:
            slots, gradient = self.slots(group), _gradient(group.get("maximize", False), self.decay(group))
            for p in group["params"]:
                if p._grad is None:
                    continue
                if through:
                    self._advance_through(group, slots, gradient, p)
                elif is_cupy(p._data):
                    with beside(p._data):
                        self._advance(group, slots, gradient, p)
                else:
                    self._advance(group, slots, gradient, p)
        return loss

    @enable_grad()
    def _advance_through(self, group: Group, slots: dict[str, float], gradient: Update | None, p: Tensor) -> None:
        """A step that can be differentiated."""
        state = self.state[p]
        update = self.rule(group, state)
        fresh = [name for name in slots if state.get(name) is None]
        for name in fresh:
            state[name] = _filled_like(p._data, slots[name])
        differentiated.advance(update, gradient, p, state, list(slots), fresh if self.starts_without_history else [])

    def _advance(self, group: Group, slots: dict[str, float], gradient: Update | None, p: Tensor) -> None:
        if group.get("capturable") and library_of(p._data) is np:
            raise AssertionError("If capturable=True, params and state_steps must be on supported devices: ['cuda'].")
        update = self.rule(group, self.state[p])
        for arrays in self._arrays(p, slots):
            xp = library_of(arrays[0])
            if xp is not np and _in_one_kernel(update, gradient, xp, arrays):
                continue
            for q, h, *held, s, t, u in self._cut(xp, arrays):
                if gradient is not None:
                    gradient(xp, q, h, s)
                    h = s
                update(xp, q, h, *held, t, u)

    def pieces(self, p: Tensor, slots: dict[str, float]) -> Iterator[list[Any]]:
        """What a step on `p` works on, block by block: its numbers, its gradient, its slots, and three of scratch.

        When the last block is done, `p` is noted as changed.
        """
        for arrays in self._arrays(p, slots):
            yield from self._cut(np, arrays)

    def _arrays(self, p: Tensor, slots: dict[str, float]) -> Iterator[list[Any]]:
        """Once the arrays of a step on `p`: its numbers, to be changed, its gradient, and its slots."""
        data, state, g = p._data, self.state[p], p._grad._data
        held: list[Any] = []
        for name, start in slots.items():
            slot = state.get(name)
            if slot is None:
                slot = state[name] = _filled_like(data, start)
            array = slot._data
            held.append(array if array.__class__ is np.ndarray else array_of(slot))
        if isinstance(data, np.generic) or (data.dtype.kind == "c" and not data.flags.c_contiguous):
            value = np.array(data, order="C")
            yield _as_reals([value, np.asarray(g), *held])
            write(p, value)
        else:
            yield _as_reals([writable(p), g, *held])
            touched(p)

    def _cut(self, xp: Any, arrays: list[Any]) -> Iterator[list[Any]]:
        """The arrays in blocks, with scratch for each."""
        for block in [arrays] if arrays[0].size <= BLOCK or xp is not np else _blocks(arrays):
            yield [*block, *self._temporaries(xp, block[0])]

    def _temporaries(self, xp: Any, p: Any) -> list[Any]:
        """Three blocks of scratch shaped like `p`; those of blocks are kept from step to step."""
        if p.size > BLOCK:
            return [xp.empty(p.shape, p.dtype) for _ in range(3)]
        key = (-1 if xp is np else p.data.device_id, p.dtype, p.shape)
        kept = self._scratch.get(key)
        if kept is None:
            kept = self._scratch[key] = [xp.empty(p.shape, p.dtype) for _ in range(3)]
        return kept


def _in_one_kernel(update: Update, gradient: Update | None, library: Any, arrays: list[Any]) -> bool:
    from .kernels import in_one_kernel  # what few need is not read when the package is imported

    return in_one_kernel(update, gradient, library, arrays)


def _check_options(options: Group) -> None:
    """Refuse options that do not go together, or are not to be had here."""
    if options.get("fused") and options.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    if options.get("fused") and options.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def _filled_like(data: Any, value: float) -> Tensor:
    """A slot for each element of `data`, laid out as it is so that blocks of both fit together."""
    return wrap(library_of(data).full_like(data, value, order="C" if data.dtype.kind == "c" else "K"))


def _as_reals(arrays: list[Any]) -> list[Any]:
    """Complex numbers as pairs of real ones: both parts are numbers of their own to an optimizer."""
    if arrays[0].dtype.kind != "c":
        return arrays
    xp = library_of(arrays[0])
    whole = [a if a.flags.c_contiguous else xp.ascontiguousarray(a) for a in arrays]
    return [a.reshape(-1).view(a.real.dtype) for a in whole]


def _blocks(arrays: list[Any]) -> Iterator[list[Any]]:
    """The arrays in pieces of about BLOCK elements: flat ones, or rows where one of them is not contiguous."""
    if all(a.flags.c_contiguous for a in arrays):
        arrays = [a.reshape(-1) for a in arrays]
    first = arrays[0]
    rows = max(1, BLOCK * first.shape[0] // first.size)
    for start in range(0, first.shape[0], rows):
        yield [a[start : start + rows] for a in arrays]


def _gradient(maximize: bool, decay: float) -> Update | None:
    """What stands for the gradient, if that is not itself; see `stand_in`."""
    return partial(stand_in, maximize=maximize, decay=decay) if maximize or decay else None


def stand_in(xp: Any, p: Any, g: Any, out: Any, *, maximize: bool, decay: float) -> None:
    """What stands for the gradient: its negative to climb, plus the parameter times `decay`."""
    if decay:
        xp.multiply(p, decay, out=out)
        if maximize:
            xp.subtract(out, g, out=out)
        else:
            xp.add(out, g, out=out)
    else:
        xp.negative(g, out=out)


def gradient_text(group: Group, decay: float) -> str:
    """What stands for the gradient of `{p}`, as Python."""
    found = "-{p}.grad" if group.get("maximize") else "{p}.grad"
    return f"({found} + {decay:g} * {{p}})" if decay else found


def figure(group: Group, name: str, default: float | None = None) -> Any:
    """An option as a number; where steps are differentiated, the tensor that it may be."""
    value = group[name] if default is None else group.get(name, default)
    return value if group.get("differentiable") and isinstance(value, Tensor) else float(value)


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
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"Tensor {'lr' if name == 'learning rate' else name} must be 1-element")
    if not low <= value < high:
        raise ValueError(f"Invalid {name}: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Refuse averaging factors outside [0, 1)."""
    for i, beta in enumerate(betas):
        check_range(f"beta parameter at index {i}", beta, 0, 1)
    if len({isinstance(beta, Tensor) for beta in betas}) > 1:
        raise ValueError("betas must be either both floats or both Tensors")
