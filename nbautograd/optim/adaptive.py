"""Optimizers that scale each step by the gradients seen so far: RMSprop, Adagrad, Adadelta."""

from __future__ import annotations

from functools import partial
from typing import Any

from nbautograd.fast import serve

from .adam import mix, mix_square
from .elementwise import ElementwiseOptimizer, Update, check_range, count_step
from .optimizer import Group


class RMSprop(ElementwiseOptimizer):
    """Divides the step by the root of the recent mean square of the gradient.

    Math: v ← α·v + (1 − α)·g²; θ ← θ − lr · g / (√v + ε)
    Source: Tieleman and Hinton 2012, *Neural networks for machine learning*, lecture 6.5.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_range("learning rate", lr)
        check_range("epsilon value", eps)
        check_range("momentum value", momentum)
        check_range("weight_decay value", weight_decay)
        check_range("alpha value", alpha)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def slots(self, group: Group) -> dict[str, float]:
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return {name: 0.0 for name, used in wanted.items() if used}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        count_step(state)
        lr, share, eps = float(group["lr"]), 1 - group["alpha"], group["eps"]
        return partial(root_mean, figures=(share, eps, lr, group["momentum"], group["centered"]))


def root_mean(xp: Any, p: Any, g: Any, v: Any, *rest: Any, figures: tuple[Any, ...]) -> None:
    """One step of RMSprop on a block of elements."""
    *held, t, u = rest
    share, eps, lr, momentum, centered = figures
    mix_square(xp, v, g, share, t)
    if centered:
        mean = held[-1]
        mix(xp, mean, g, share, t)
        xp.multiply(mean, mean, out=t)
        xp.subtract(v, t, out=t)
        xp.sqrt(t, out=t)
    else:
        xp.sqrt(v, out=t)
    t += eps
    xp.divide(g, t, out=t)
    if momentum > 0:
        b = held[0]
        b *= momentum
        b += t
        t = b
    xp.multiply(t, lr, out=u)
    p -= u


root_mean = serve("rmsprop", root_mean, at=1)


class Adagrad(ElementwiseOptimizer):
    """Divides the step by the root of the sum of all squared gradients so far.

    Math: s ← s + g²; θ ← θ − lr/(1 + (t − 1)·η) · g / (√s + ε)
    Source: Duchi, Hazan and Singer 2011, *Adaptive subgradient methods*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_range("learning rate", lr)
        check_range("lr_decay value", lr_decay)
        check_range("weight_decay value", weight_decay)
        check_range("initial_accumulator_value value", initial_accumulator_value)
        check_range("epsilon value", eps)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def slots(self, group: Group) -> dict[str, float]:
        return {"sum": group["initial_accumulator_value"]}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        lr, step = float(group["lr"]), count_step(state)
        return partial(root_sum, figures=(lr / (1 + (step - 1) * group["lr_decay"]), group["eps"]))


def root_sum(xp: Any, p: Any, g: Any, total: Any, t: Any, u: Any, *, figures: tuple[float, float]) -> None:
    """One step of Adagrad on a block of elements."""
    size, eps = figures
    xp.multiply(g, g, out=t)
    total += t
    xp.sqrt(total, out=t)
    t += eps
    xp.divide(g, t, out=t)
    t *= size
    p -= t


root_sum = serve("adagrad", root_sum, at=1)


class Adadelta(ElementwiseOptimizer):
    """Needs no learning rate: the size of past updates sets the size of the next.

    Math: v ← ρ·v + (1 − ρ)·g²; Δ = √(d + ε)/√(v + ε) · g; d ← ρ·d + (1 − ρ)·Δ²; θ ← θ − lr·Δ
    Source: Zeiler 2012, *ADADELTA: an adaptive learning rate method*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_range("learning rate", lr)
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}")
        check_range("epsilon value", eps)
        check_range("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def slots(self, group: Group) -> dict[str, float]:
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        count_step(state)
        lr, rho, eps = float(group["lr"]), group["rho"], group["eps"]
        return partial(by_past_steps, figures=(1 - rho, eps, lr))


def by_past_steps(xp: Any, p: Any, g: Any, v: Any, d: Any, t: Any, u: Any, *, figures: tuple[float, ...]) -> None:
    """One step of Adadelta on a block of elements."""
    share, eps, lr = figures
    mix_square(xp, v, g, share, t)
    xp.add(v, eps, out=t)
    xp.sqrt(t, out=t)
    xp.add(d, eps, out=u)
    xp.sqrt(u, out=u)
    u /= t
    u *= g
    mix_square(xp, d, u, share, t)
    u *= lr
    p -= u


by_past_steps = serve("adadelta", by_past_steps, at=1)
