"""Adafactor: adaptive steps that remember a row and a column for each matrix."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.inplace import array_of, write
from nbautograd.core.tensor import Tensor

from .adam import mix
from .elementwise import count_step
from .optimizer import Group, Optimizer, evaluated


class Adafactor(Optimizer):
    """Divides the gradient by the root of its mean square, estimated from the means of rows and columns.

    Math: R ← R + τ·(mean over columns of g² − R); C likewise over rows; v = R·C / mean R, with τ = t^beta2_decay;
        u = g/√v, at most `d` in size; θ ← θ − max(ε₂, rms θ) · min(lr, 1/√t) · u
    Source: Shazeer and Stern 2018, *Adafactor: adaptive learning rates with sublinear memory cost*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        for holds, problem in (
            (lr >= 0, f"Learning rate should be >= 0 but is: {lr}"),
            (beta2_decay <= 0, f"beta2_decay should be <= 0 but is: {beta2_decay}"),
            (eps[0] is None or eps[0] >= 0, f"epsilon1 should be >= 0 but is: {eps[0]}"),
            (eps[1] >= 0, f"epsilon2 should be >= 0 but is: {eps[1]}"),
            (d >= 1, f"Clipping threshold d should be >= 1 but is: {d}"),
            (weight_decay >= 0, f"weight_decay should be >= 0 but is: {weight_decay}"),
        ):
            if not holds:
                raise ValueError(problem)
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once."""
        loss = evaluated(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is None:
                    continue
                if p._data.dtype.kind == "c":
                    raise RuntimeError("Adafactor does not support complex parameters")
                self._advance(group, p, p._grad._data)
        return loss

    def _advance(self, group: Group, p: Tensor, g: Any) -> None:
        state, lr, value = self.state[p], float(group["lr"]), p._data
        step = count_step(state)
        smallest = float(np.finfo(value.dtype).eps) if group["eps"][0] is None else group["eps"][0]
        size = max(group["eps"][1], _rms(value)) * min(lr, 1 / sqrt(step))
        update = _scaled(library_of(g), state, g, step ** group["beta2_decay"], smallest)
        size /= max(1.0, _rms(update) / group["d"])
        update *= value.dtype.type(size if group["maximize"] else -size)
        if group["weight_decay"]:
            update -= value * value.dtype.type(lr * group["weight_decay"])
        update += value
        write(p, update)


def _rms(data: Any) -> float:
    """The root of the mean square of all elements."""
    flat = data.reshape(-1)
    return sqrt(float(flat.dot(flat)) / flat.size) if flat.size else 0.0


def _scaled(xp: Any, state: dict[str, Any], g: Any, share: float, smallest: float) -> Any:
    """The gradient over the root of its running mean square; a matrix has one of these for each row and each column."""
    square = xp.asarray(g * g)
    if g.ndim < 2:
        square[...] = _averaged(xp, state, "variance", square, share)
    else:
        rows = _averaged(xp, state, "row_var", square.mean(-1, keepdims=True), share)
        columns = _averaged(xp, state, "col_var", square.mean(-2, keepdims=True), share)
        xp.multiply(rows / rows.mean(-2, keepdims=True).clip(smallest), columns, out=square)
    xp.clip(square, smallest * smallest, None, out=square)
    xp.sqrt(square, out=square)
    return xp.divide(g, square, out=square)


def _averaged(xp: Any, state: dict[str, Any], name: str, new: Any, share: float) -> Any:
    """The running mean `name`, moved towards `new`."""
    if name not in state:
        state[name] = wrap(xp.zeros_like(new))
    mean = array_of(state[name])
    mix(xp, mean, new, share, xp.empty_like(mean))
    return mean
