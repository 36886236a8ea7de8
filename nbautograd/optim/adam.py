"""Adam and its relatives: running means of the gradient and of its square."""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Any

from nbautograd.fast import serve

from .elementwise import ElementwiseOptimizer, Update, check_betas, check_range, count_step, figure, gradient_text
from .optimizer import Group


def mix(xp: Any, mean: Any, new: Any, share: float, t: Any) -> None:
    """mean ← mean + share · (new − mean)"""
    xp.subtract(new, mean, out=t)
    t *= share
    mean += t


def mix_square(xp: Any, mean: Any, new: Any, share: float, t: Any) -> None:
    """mean ← (1 − share) · mean + share · new²"""
    mean *= 1 - share
    xp.multiply(new, new, out=t)
    t *= share
    mean += t


class AdamFamily(ElementwiseOptimizer):
    """What Adam and its relatives share: their options, and what they keep of each element."""

    def __init__(self, params: Any, lr: Any, betas: Any, eps: float, weight_decay: float, **more: Any) -> None:
        check_range("learning rate", lr)
        check_range("epsilon value", eps)
        check_betas(betas)
        check_range("weight_decay value", weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, **more})

    def slots(self, group: Group) -> dict[str, float]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def shrink(self, group: Group) -> float:
        """What decoupled weight decay multiplies each parameter by."""
        return 1 - figure(group, "lr") * group["weight_decay"] if group.get("decoupled_weight_decay") else 1.0


class Adam(AdamFamily):
    """Gradient descent whose step adapts to each parameter: as large as the gradient is steady.

    Math: m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; θ ← θ − lr · m̂ / (√v̂ + ε),
        where m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) undo the start from zero
    Source: Kingma and Ba 2015, *Adam: a method for stochastic optimization*.
    Example:
        >>> import nbautograd as torch
        >>> w = torch.tensor([1.0], requires_grad=True)
        >>> optimizer = torch.optim.Adam([w], lr=0.1)
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def slots(self, group: Group) -> dict[str, float]:
        return {**super().slots(group), **({"max_exp_avg_sq": 0.0} if group["amsgrad"] else {})}

    def as_text(self, group: Group, state: dict[str, Any]) -> list[str]:
        g, t = gradient_text(group, self.decay(group)), round(float(state["step"]))
        (beta1, beta2), lr = (f"{float(beta):g}" for beta in group["betas"]), f"{float(group['lr']):g}"
        shrunk = group["weight_decay"] if group.get("decoupled_weight_decay") else 0
        lines = [f"{{p}} *= 1 - {lr} * {shrunk:g}"] if shrunk else []
        lines += [
            f"m_{{w}} = {beta1} * m_{{w}} + (1 - {beta1}) * {g}  # 0 before the first step",
            f"v_{{w}} = {beta2} * v_{{w}} + (1 - {beta2}) * {g} ** 2",
        ]
        lines += ["top_{w} = np.maximum(top_{w}, v_{w})"] if group["amsgrad"] else []
        square = "top_{w}" if group["amsgrad"] else "v_{w}"
        root = f"np.sqrt({square} / (1 - {beta2} ** {t}))"
        return [*lines, f"{{p}} -= {lr} * m_{{w}} / (1 - {beta1} ** {t}) / ({root} + {group['eps']:g})"]

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        lr = figure(group, "lr")
        beta1, beta2 = (float(beta) for beta in group["betas"])
        step = count_step(state)
        root = sqrt(1 - beta2**step)
        size, eps = lr / (1 - beta1**step) * root, group["eps"] * root
        return partial(move, figures=(self.shrink(group), 1 - beta1, 1 - beta2, size, eps))


def move(xp: Any, p: Any, g: Any, m: Any, v: Any, *rest: Any, figures: tuple[float, ...]) -> None:
    """One step of Adam on a block of elements."""
    *top, t, _ = rest
    shrink, first, second, size, eps = figures
    if shrink != 1:
        p *= shrink
    mix(xp, m, g, first, t)
    mix_square(xp, v, g, second, t)
    if top:
        v = xp.maximum(top[0], v, out=top[0])
    xp.sqrt(v, out=t)
    t += eps
    xp.divide(m, t, out=t)
    t *= size
    p -= t


move = serve("adam", move, at=1)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves instead of bending the gradient.

    Math: θ ← (1 − lr·λ)·θ, then a step of Adam
    Source: Loshchilov and Hutter 2019, *Decoupled weight decay regularization*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
