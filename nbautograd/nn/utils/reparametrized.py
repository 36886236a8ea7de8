"""torch's older weight and spectral norm, which compute the weight in a hook before each call.

New programs use `nn.utils.parametrizations`, which compute it where it is read.
"""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor
from nbautograd.nn.module import Module
from nbautograd.nn.parameter import Parameter

from .parametrizations import PowerIteration, norm_except_dim, output_dim


class BeforeForward:
    """Computes the tensor `name` of a module before each call. It is a plain attribute then, not a parameter."""

    kind: str

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, module: Module) -> Tensor:
        """The tensor as it is now."""
        raise NotImplementedError

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.compute(module))

    def put_on(self, module: Module, parts: dict[str, Tensor]) -> None:
        """Compute the tensor before each call from here on, from `parts`: parameters and buffers by their names."""
        del module._parameters[self.name]
        for name, part in parts.items():
            if isinstance(part, Parameter):
                module.register_parameter(name, part)
            else:
                module.register_buffer(name, part)
        module.register_forward_pre_hook(self)

    def check_alone(self, module: Module) -> None:
        """Refuse a second hook for the same tensor.

        Raises: RuntimeError in torch's words.
        """
        if find(module, type(self), self.name) is not None:
            raise RuntimeError(f"Cannot register two {self.kind} hooks on the same parameter {self.name}")

    def take_off(self, module: Module, names: tuple[str, ...]) -> None:
        """Make the tensor a parameter again, in place of those it was computed from."""
        training, module.training = module.training, False  # only training changes what it is computed from
        with no_grad():
            present = self.compute(module)
        module.training = training
        for name in (self.name, *names):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(present.detach()))


def find(module: Module, kind: type[BeforeForward], name: str) -> tuple[int, Any] | None:
    """The number and the hook that computes `name`, if there is one."""
    for number, (hook, *_) in (module._hooks.before if module._hooks else {}).items():
        if isinstance(hook, kind) and hook.name == name:
            return number, hook
    return None


def _taken_away(module: Module, kind: type[BeforeForward], name: str) -> Any:
    found = find(module, kind, name)
    if found is None or module._hooks is None:
        raise ValueError(f"{kind.kind} of '{name}' not found in {module}")
    del module._hooks.before[found[0]]
    return found[1]


class WeightNorm(BeforeForward):
    """w = g · v/‖v‖, from `weight_g` and `weight_v`."""

    kind = "weight_norm"

    def __init__(self, name: str, dim: int | None) -> None:
        super().__init__(name)
        self.dim = -1 if dim is None else dim

    def compute(self, module: Module) -> Tensor:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, self.dim))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length and the direction of each vector of a weight apart; see `parametrizations.weight_norm`."""
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    hook = WeightNorm(name, dim)
    hook.check_alone(module)
    weight = getattr(module, name)
    length = norm_except_dim(weight.detach(), hook.dim)
    hook.put_on(module, {f"{name}_g": Parameter(length), f"{name}_v": Parameter(weight.detach())})
    setattr(module, name, hook.compute(module))
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight an ordinary parameter again.

    Raises: ValueError when it has no weight norm.
    """
    _taken_away(module, WeightNorm, name).take_off(module, (f"{name}_g", f"{name}_v"))
    return module


class SpectralNorm(BeforeForward):
    """w / σ(w), from `weight_orig`; σ is estimated along `weight_u` and `weight_v`."""

    kind = "spectral_norm"

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__(name)
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations = n_power_iterations
        self.power = PowerIteration(dim, eps)

    def compute(self, module: Module) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = self.power.matrix(weight)
        if module.training:
            self.power.steps(matrix, u, v, self.n_power_iterations, left_first=False)
        u, v = u.clone(), v.clone()  # the next call changes them
        return weight / u.dot(matrix.mv(v))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value; see `parametrizations.spectral_norm`."""
    hook = SpectralNorm(name, n_power_iterations, output_dim(module) if dim is None else dim, eps)
    hook.check_alone(module)
    weight = getattr(module, name)
    with no_grad():
        u, v = hook.power.start(hook.power.matrix(weight))
    hook.put_on(module, {f"{name}_orig": weight, f"{name}_u": u, f"{name}_v": v})
    setattr(module, name, weight.detach())
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight an ordinary parameter again.

    Raises: ValueError when it has no spectral norm.
    """
    _taken_away(module, SpectralNorm, name).take_off(module, (f"{name}_orig", f"{name}_u", f"{name}_v"))
    return module
