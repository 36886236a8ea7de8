"""Muon: momentum whose steps are made orthogonal."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

from nbautograd.core import dtype as dtypes
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.inplace import write
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from .optimizer import Group, Optimizer, evaluated


class Muon(Optimizer):
    """For matrices: the momentum with all its singular values brought close to one, so that no direction is left out.

    Give it the hidden layers' weights; embeddings, biases and the last layer go to AdamW.

    Math: B ← μ·B + (1 − μ)·g; θ ← (1 − lr·λ)·θ − lr·c · orthogonal(B), or with Nesterov of g + μ·(B − g)
    Source: Jordan et al. 2024, *Muon: an optimizer for hidden layers in neural networks*.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        for holds, problem in (
            (lr >= 0, f"Learning rate should be >= 0 but is: {lr}"),
            (momentum >= 0, f"momentum should be >= 0 but is: {momentum}"),
            (weight_decay >= 0, f"weight decay should be >= 0 but is: {weight_decay}"),
            (adjust_lr_fn in (None, *RATES), f"Adjust learning rate function {adjust_lr_fn} is not supported"),
        ):
            if not holds:
                raise ValueError(problem)
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once."""
        loss = evaluated(closure)
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p._grad is not None:
                        self._advance(group, p, p._grad.detach())
        return loss

    def _advance(self, group: Group, p: Tensor, g: Tensor) -> None:
        state, lr, momentum = self.state[p], float(group["lr"]), group["momentum"]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = g * 0
        mean = state["momentum_buffer"]
        mean.lerp_(g, 1 - momentum)
        update = orthogonalized(
            g.lerp(mean, momentum) if group["nesterov"] else mean,
            group["ns_coefficients"], group["ns_steps"], group["eps"],
        )  # fmt: skip
        rate = RATES[group["adjust_lr_fn"] or "original"](*p.shape)
        write(p, (p.detach() * (1 - lr * group["weight_decay"]) - lr * rate * update)._data)


RATES: dict[str, Callable[[int, int], float]] = {
    "original": lambda rows, columns: sqrt(max(1, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * sqrt(max(rows, columns)),
}
"""What the learning rate is multiplied by, so that it suits matrices of all shapes."""


def orthogonalized(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """`matrix` with its singular values close to one, by Newton and Schulz's iteration in bfloat16, as torch has it."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.to(dtypes.bfloat16)
    x = x.T if tall else x
    x = x / x.norm().clamp(min=eps)
    addmm = FUNCTIONS["addmm"]
    for _ in range(steps):
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)
