"""Rprop, which looks at signs alone."""

from __future__ import annotations

from typing import Any

from .elementwise import ElementwiseOptimizer, Update, check_range, count_step
from .optimizer import Group


class Rprop(ElementwiseOptimizer):
    """Looks only at signs: a step grows while its gradient keeps its sign and shrinks when that turns.

    Source: Riedmiller and Braun 1993, *A direct adaptive method for faster backpropagation
        learning: the RPROP algorithm*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_range("learning rate", lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def slots(self, group: Group) -> dict[str, float]:
        return {"prev": 0.0, "step_size": float(group["lr"])}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        count_step(state)
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]

        def update(xp: Any, p: Any, g: Any, before: Any, size: Any, t: Any, u: Any) -> None:
            xp.multiply(before, g, out=t)
            turned = t < 0
            u[...] = 1
            xp.copyto(u, grow, where=t > 0)
            xp.copyto(u, shrink, where=turned)
            size *= u
            xp.clip(size, smallest, largest, out=size)
            before[...] = g
            xp.copyto(before, 0, where=turned)
            xp.sign(before, out=t)
            t *= size
            p -= t

        return update
