"""Averaged gradient descent."""

from __future__ import annotations

from typing import Any

from nbautograd.core.call import wrap

from .adam import mix
from .elementwise import ElementwiseOptimizer, Update, check_range, count_step
from .optimizer import Group


class ASGD(ElementwiseOptimizer):
    """Gradient descent that also keeps the average of where it has been, in the state `ax`.

    Source: Polyak and Juditsky 1992, *Acceleration of stochastic approximation by averaging*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_range("learning rate", lr)
        check_range("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def slots(self, group: Group) -> dict[str, float]:
        return {"ax": 0.0}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        step = count_step(state)
        lr, kind = float(group["lr"]), state["step"]._data.dtype.type
        eta = float(state["eta"]) if "eta" in state else lr
        share = float(state["mu"]) if "mu" in state else 1.0
        shrink = 1 - group["lambd"] * eta
        state["eta"] = wrap(kind(lr / (1 + group["lambd"] * lr * step) ** group["alpha"]))
        state["mu"] = wrap(kind(1 / max(1, step - group["t0"])))

        def update(xp: Any, p: Any, g: Any, mean: Any, t: Any, u: Any) -> None:
            p *= shrink
            xp.multiply(g, eta, out=t)
            p -= t
            if share == 1:
                mean[...] = p
            else:
                mix(xp, mean, p, share, t)

        return update
