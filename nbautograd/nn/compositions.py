"""The functions of `torch.nn.functional` that are made of others: their gradients follow from the chain rule alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nbautograd.core.argument_types import guarded
from nbautograd.core.limits import finfo
from nbautograd.core.op import TABLE
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.core.tensor import Tensor

COMPOSED: dict[str, Callable[..., Any]] = {}
"""Every composition by its name."""


def composed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter `function` among the compositions."""
    COMPOSED[function.__name__] = guarded(function)
    return function


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """`x` where the condition holds, else `y`."""
    return FUNCTIONS["where"](condition, x, y)


@composed
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x₁ᵀ A x₂ + b for each matrix A of `weight`."""
    y = FUNCTIONS["einsum"]("...i,oij,...j->...o", input1, weight, input2)
    return y if bias is None else y + bias


@composed
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Each sample divided by the root of its mean square over the last dimensions."""
    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    eps = finfo(input.dtype).eps if eps is None else eps
    if input.is_cuda and (weight is None or weight.dtype is input.dtype):
        return TABLE["rms_norm"].call(input, weight, axes=dims, eps=eps)[0]
    y = input * ((input * input).mean(dims, keepdim=True) + eps).rsqrt()
    return y if weight is None else y * weight


@composed
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample normalised by itself (or, for evaluation, by running figures).

    Raises: ValueError when a channel has one element only and is to be normalised by itself.
    """
    n, channels, *rest = input.shape
    if use_input_stats and math.prod(rest) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    figures = [running_mean, running_var]
    repeated = [None if t is None else t.repeat(n) for t in figures]
    y = FUNCTIONAL["batch_norm"](
        input.reshape(1, n * channels, *rest),  # every channel of every sample as a channel of its own
        *repeated,
        *(None if t is None else t.repeat(n) for t in (weight, bias)),
        use_input_stats,
        momentum,
        eps,
    )
    if use_input_stats:
        for running, each in zip(figures, repeated, strict=True):
            if running is not None and each is not None:
                running.copy_(each.reshape(n, channels).mean(0))
    return y.reshape(n, channels, *rest)


@composed
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Each channel divided by the activity of the channels around it."""
    if input.ndim < 3:
        # the gap is in PyTorch's text too
        raise ValueError(f"Expected 3D or higher dimensionality {' ' * 25}input (got {input.ndim} dimensions)")
    channels = input.shape[1]
    padded = FUNCTIONAL["pad"](input * input, (0, 0) * (input.ndim - 2) + (size // 2, (size - 1) // 2))
    around = sum(padded.narrow(1, i, channels) for i in range(size)) / size
    return input / (around * alpha + k) ** beta


def _in_place(name: str) -> None:
    """`relu_` and its like: the tensor itself is changed."""

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return FUNCTIONAL[name](input, *args, **kwargs, inplace=True)

    function.__name__ = function.__qualname__ = f"{name}_"
    function.__doc__ = f"Like `{name}`, in place: the tensor itself is changed and returned."
    composed(function)


for _name in ("celu", "elu", "hardtanh", "leaky_relu", "relu", "rrelu", "selu", "threshold"):
    _in_place(_name)
