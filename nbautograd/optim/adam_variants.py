"""What became of Adam: the largest gradient instead of the mean square, Nesterov's look ahead, a careful start."""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Any

from nbautograd.core.call import wrap
from nbautograd.fast import serve

from .adam import AdamFamily, mix, mix_square
from .elementwise import Update, check_range, count_step
from .optimizer import Group


class Adamax(AdamFamily):
    """Adam with the largest recent gradient in place of the root of the mean square.

    Math: m ← β₁·m + (1 − β₁)·g; u ← max(β₂·u, |g| + ε); θ ← θ − lr/(1 − β₁ᵗ) · m/u
    Source: Kingma and Ba 2015, section 7.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            capturable=capturable,
        )

    def slots(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        step = count_step(state)
        beta1, beta2 = (float(beta) for beta in group["betas"])
        figures = (1 - beta1, beta2, float(group["lr"]) / (1 - beta1**step), group["eps"])
        return partial(by_largest, figures=figures)


def by_largest(xp: Any, p: Any, g: Any, m: Any, largest: Any, t: Any, u: Any, *, figures: tuple[float, ...]) -> None:
    """One step of Adamax on a block of elements."""
    share, fade, size, eps = figures
    mix(xp, m, g, share, t)
    xp.abs(g, out=t)
    t += eps
    largest *= fade
    xp.maximum(largest, t, out=largest)
    xp.divide(m, largest, out=t)
    t *= size
    p -= t


by_largest = serve("adamax", by_largest, at=1)


class NAdam(AdamFamily):
    """Adam that looks ahead as Nesterov's momentum does.

    Source: Dozat 2016, *Incorporating Nesterov momentum into Adam*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_range("momentum_decay value", momentum_decay)
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
        )

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        step = count_step(state)
        beta1, beta2 = (float(beta) for beta in group["betas"])
        lr, eps, root, shrink = float(group["lr"]), group["eps"], sqrt(1 - beta2**step), self.shrink(group)
        now, ahead = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        kind = state["step"]._data.dtype.type
        product = kind(float(state["mu_product"]) * now if "mu_product" in state else now)
        state["mu_product"] = wrap(product)
        of_gradient = lr * (1 - now) / (1 - float(product))
        of_mean = lr * ahead / (1 - float(product) * ahead)

        return partial(look_ahead, figures=(shrink, 1 - beta1, 1 - beta2, root, eps, of_gradient, of_mean))


def look_ahead(xp: Any, p: Any, g: Any, m: Any, v: Any, t: Any, u: Any, *, figures: tuple[float, ...]) -> None:
    """One step of NAdam on a block of elements."""
    shrink, first, second, root, eps, of_gradient, of_mean = figures
    if shrink != 1:
        p *= shrink
    mix(xp, m, g, first, t)
    mix_square(xp, v, g, second, t)
    xp.sqrt(v, out=t)
    t /= root
    t += eps
    xp.multiply(g, of_gradient, out=u)
    u /= t
    p -= u
    xp.multiply(m, of_mean, out=u)
    u /= t
    p -= u


look_ahead = serve("nadam", look_ahead, at=1)


class RAdam(AdamFamily):
    """Adam that starts as plain momentum and adapts once its second moment can be trusted.

    Source: Liu et al. 2020, *On the variance of the adaptive learning rate and beyond*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        step = count_step(state)
        beta1, beta2 = (float(beta) for beta in group["betas"])
        size, eps, shrink = float(group["lr"]) / (1 - beta1**step), group["eps"], self.shrink(group)
        most = 2 / (1 - beta2) - 1
        length = most - 2 * step * beta2**step / (1 - beta2**step)
        adaptive = length > 5
        if adaptive:
            size *= sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length) * (1 - beta2**step))

        return partial(adapt_later, figures=(shrink, 1 - beta1, 1 - beta2, size, eps, adaptive))


def adapt_later(xp: Any, p: Any, g: Any, m: Any, v: Any, t: Any, u: Any, *, figures: tuple[Any, ...]) -> None:
    """One step of RAdam on a block of elements."""
    shrink, first, second, size, eps, adaptive = figures
    if shrink != 1:
        p *= shrink
    mix(xp, m, g, first, t)
    mix_square(xp, v, g, second, t)
    xp.multiply(m, size, out=u)
    if adaptive:
        xp.sqrt(v, out=t)
        t += eps
        u /= t
    p -= u


adapt_later = serve("radam", adapt_later, at=1)
