"""Gradient descent, with momentum."""

from __future__ import annotations

from functools import partial
from typing import Any

from nbautograd.fast import serve

from .elementwise import ElementwiseOptimizer, Update, check_range, figure, gradient_text
from .optimizer import Group


class SGD(ElementwiseOptimizer):
    """Gradient descent: a small step against the gradient, with momentum a rolling ball.

    Math: b ← μ·b + (1 − τ)·g; θ ← θ − lr·b (with Nesterov: θ − lr·(g + μ·b)); without momentum θ ← θ − lr·g
    Source: Sutskever et al. 2013, *On the importance of initialization and momentum in deep learning*.
    Example:
        >>> import nbautograd as torch
        >>> w = torch.tensor([4.0], requires_grad=True)
        >>> optimizer = torch.optim.SGD([w], lr=0.25)
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([2.], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_range("learning rate", lr)
        check_range("momentum value", momentum)
        check_range("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    starts_without_history = True  # as torch's momentum buffer, the first gradient cut off

    def slots(self, group: Group) -> dict[str, float]:
        return {"momentum_buffer": 0.0} if group["momentum"] else {}

    def as_text(self, group: Group, state: dict[str, Any]) -> list[str]:
        lr, momentum, keep = (f"{float(n):g}" for n in (group["lr"], group["momentum"], 1 - group["dampening"]))
        g = gradient_text(group, self.decay(group))
        if not group["momentum"]:
            return [f"{{p}} -= {lr} * {g}"]
        share, before = (g, "0 before") if keep == "1" else (f"{keep} * {g}", "the gradient after")
        rolled = f"b_{{w}} = {momentum} * b_{{w}} + {share}  # {before} the first step"
        return [rolled, f"{{p}} -= {lr} * {f'({g} + {momentum} * b_{{w}})' if group['nesterov'] else 'b_{w}'}"]

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        lr, momentum = figure(group, "lr"), float(group["momentum"])
        if not momentum:
            return partial(descend, figures=(lr,))
        keep = 1.0 if state.get("momentum_buffer") is None else 1 - float(group["dampening"])  # the first is not damped
        return partial(roll, figures=(lr, momentum, keep, bool(group["nesterov"])))


def descend(xp: Any, p: Any, g: Any, t: Any, u: Any, *, figures: tuple[Any, ...]) -> None:
    """One step without momentum on a block of elements."""
    (lr,) = figures
    xp.multiply(g, lr, out=t)
    p -= t


def roll(xp: Any, p: Any, g: Any, b: Any, t: Any, u: Any, *, figures: tuple[Any, ...]) -> None:
    """One step with momentum on a block of elements."""
    lr, momentum, keep, nesterov = figures
    b *= momentum
    b += g if keep == 1 else xp.multiply(g, keep, out=t)
    if nesterov:
        xp.multiply(b, momentum, out=t)
        t += g
        t *= lr
    else:
        xp.multiply(b, lr, out=t)
    p -= t


roll = serve("sgd", roll, at=1)
