"""Adam and its relatives: running means of the gradient and of its square."""

from __future__ import annotations

from math import sqrt
from typing import Any

from nbautograd.core.call import wrap

from .elementwise import ElementwiseOptimizer, Update, check_betas, check_range, count_step
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
        return 1 - float(group["lr"]) * group["weight_decay"] if group.get("decoupled_weight_decay") else 1.0


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

    def rule(self, group: Group, state: dict[str, Any]) -> Update:
        step = count_step(state)
        beta1, beta2 = (float(beta) for beta in group["betas"])
        root = sqrt(1 - beta2**step)
        size, eps = float(group["lr"]) / (1 - beta1**step) * root, group["eps"] * root
        shrink = self.shrink(group)

        def update(xp: Any, p: Any, g: Any, m: Any, v: Any, *rest: Any) -> None:
            *top, t, _ = rest
            if shrink != 1:
                p *= shrink
            mix(xp, m, g, 1 - beta1, t)
            mix_square(xp, v, g, 1 - beta2, t)
            if top:
                v = xp.maximum(top[0], v, out=top[0])
            xp.sqrt(v, out=t)
            t += eps
            xp.divide(m, t, out=t)
            t *= size
            p -= t

        return update


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
        size, eps = float(group["lr"]) / (1 - beta1**step), group["eps"]

        def update(xp: Any, p: Any, g: Any, m: Any, largest: Any, t: Any, u: Any) -> None:
            mix(xp, m, g, 1 - beta1, t)
            xp.abs(g, out=t)
            t += eps
            largest *= beta2
            xp.maximum(largest, t, out=largest)
            xp.divide(m, largest, out=t)
            t *= size
            p -= t

        return update


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

        def update(xp: Any, p: Any, g: Any, m: Any, v: Any, t: Any, u: Any) -> None:
            if shrink != 1:
                p *= shrink
            mix(xp, m, g, 1 - beta1, t)
            mix_square(xp, v, g, 1 - beta2, t)
            xp.sqrt(v, out=t)
            t /= root
            t += eps
            xp.multiply(g, of_gradient, out=u)
            u /= t
            p -= u
            xp.multiply(m, of_mean, out=u)
            u /= t
            p -= u

        return update


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

        def update(xp: Any, p: Any, g: Any, m: Any, v: Any, t: Any, u: Any) -> None:
            if shrink != 1:
                p *= shrink
            mix(xp, m, g, 1 - beta1, t)
            mix_square(xp, v, g, 1 - beta2, t)
            xp.multiply(m, size, out=u)
            if adaptive:
                xp.sqrt(v, out=t)
                t += eps
                u /= t
            p -= u

        return update
