"""Layers that bring their inputs to mean 0 and variance 1, then scale and shift them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nbautograd.core.array import CPU, device, place
from nbautograd.core.call import wrap
from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from . import init
from .module import Module
from .parameter import Parameter, empty, parameter


class LayerNorm(Module):
    """Normalises each sample over its last dimensions.

    Math: y = (x − mean) / √(var + ε) · weight + bias
    Shape: x (…, *normalized_shape) → the same
    Source: Ba, Kiros and Hinton 2016, *Layer normalization*.
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        wanted = {"weight": elementwise_affine, "bias": elementwise_affine and bias}
        for name, used in wanted.items():
            self.register_parameter(name, parameter(self.normalized_shape, device, dtype) if used else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        _reset_affine(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divides each sample by the root of its mean square over the last dimensions.

    Math: y = x / √(mean(x²) + ε) · weight
    Source: Zhang and Sennrich 2019, *Root mean square layer normalization*.
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter(
            "weight", parameter(self.normalized_shape, device, dtype) if elementwise_affine else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        _reset_affine(self.weight, None)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalises each sample over groups of channels.

    Shape: x (N, num_channels, …) → the same
    Source: Wu and He 2018, *Group normalization*.
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        for name, used in {"weight": affine, "bias": affine and bias}.items():
            self.register_parameter(name, parameter((num_channels,), device, dtype) if used else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        _reset_affine(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        own_bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={own_bias}"


class _NormBase(Module):
    """Normalises each channel over the batch; in evaluation, by the running figures it kept in training.

    Math: y = (x − mean) / √(var + ε) · weight + bias; running ← (1 − momentum)·running + momentum·figure
    Source: Ioffe and Szegedy 2015, *Batch normalization*.
    """

    _version = 2  # since num_batches_tracked is saved
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dims: tuple[int, ...] = ()
    _expects: str = ""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, used in {"weight": affine, "bias": affine and bias}.items():
            self.register_parameter(name, parameter((num_features,), device, dtype) if used else None)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, empty((num_features,), device, dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", _count(device) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget what was seen of the data."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0, and forget the running figures."""
        self.reset_running_stats()
        _reset_affine(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self._dims:
            raise ValueError(f"expected {self._expects} input (got {input.ndim}D input)")
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain average of all batches
                factor = 1.0 / float(self.num_batches_tracked)
        follows = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if follows else None,
            self.running_var if follows else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            factor,
            self.eps,
        )

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: Any, *rest: Any
    ) -> None:
        key = prefix + "num_batches_tracked"
        if local_metadata.get("version", 1) < 2 and self.track_running_stats and key not in state_dict:
            state_dict[key] = self.num_batches_tracked  # type: ignore[index]
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """What batch norms have in common, and programs ask for with `isinstance`."""


class BatchNorm1d(_BatchNorm):
    """Normalises each channel over the batch; in evaluation, by the running figures it kept in training.

    Math: y = (x − mean) / √(var + ε) · weight + bias
    Shape: x (N, C) or (N, C, L) → the same
    Source: Ioffe and Szegedy 2015, *Batch normalization*.
    """

    _dims = (2, 3)
    _expects = "2D or 3D"


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of images over the batch; in evaluation, by the running figures it kept in training.

    Shape: x (N, C, H, W) → the same
    """

    _dims = (4,)
    _expects = "4D"


class BatchNorm3d(_BatchNorm):
    """Normalises each channel of volumes over the batch; in evaluation, by the running figures it kept in training.

    Shape: x (N, C, D, H, W) → the same
    """

    _dims = (5,)
    _expects = "5D"


def _reset_affine(weight: Parameter | None, bias: Parameter | None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


def _count(where: Any) -> Tensor:
    return wrap(place(np.zeros((), np.int64), CPU if where is None else device(where)))
