"""Layers that normalise each channel of each sample by itself, or each channel by its neighbours; and lazy norms."""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .lazy import LazyModule
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, _NormBase
from .parameter import UninitializedParameter, empty


class _InstanceNorm(_NormBase):
    """Normalises each channel of each sample over its length, area or volume.

    Math: y = (x − mean) / √(var + ε) · weight + bias
    Source: Ulyanov, Vedaldi and Lempitsky 2016, *Instance normalization: the missing ingredient for fast stylization*
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self._dims:
            raise ValueError(f"expected {self._expects} input (got {input.ndim}D input)")
        single = input.ndim == self._dims[0]
        self._check_channels(input, 0 if single else 1)
        y = F.instance_norm(
            input.unsqueeze(0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.squeeze(0) if single else y

    def _check_channels(self, input: Tensor, dim: int) -> None:
        if input.shape[dim] == self.num_features:
            return
        text = f"input's size at dim={dim} to match num_features ({self.num_features}), but got: {input.shape[dim]}."
        if self.affine:
            raise ValueError(f"expected {text}")
        warnings.warn(
            f"input's size at dim={dim} does not match num_features. You can silence this warning by not passing in "
            "num_features, which is not used because affine=False",
            stacklevel=4,
        )


class InstanceNorm1d(_InstanceNorm):
    """Normalises each channel of each sample over its length.

    Shape: x (N, C, L) or (C, L) → the same
    """

    _dims = (2, 3)
    _expects = "2D or 3D"


class InstanceNorm2d(_InstanceNorm):
    """Normalises each channel of each image over its area.

    Shape: x (N, C, H, W) or (C, H, W) → the same
    """

    _dims = (3, 4)
    _expects = "3D or 4D"


class InstanceNorm3d(_InstanceNorm):
    """Normalises each channel of each volume.

    Shape: x (N, C, D, H, W) or (C, D, H, W) → the same
    """

    _dims = (4, 5)
    _expects = "4D or 5D"


class LocalResponseNorm(Module):
    """Divides each channel by the activity of the `size` channels around it.

    Math: y = x / (k + α/n Σ x²)^β
    Source: Krizhevsky, Sutskever and Hinton 2012, *ImageNet classification with deep convolutional neural networks*
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class _LazyNorm(LazyModule):
    """Before a normalisation among the bases: the number of channels comes from the first input."""

    num_features: int

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)  # type: ignore[call-arg]
        for name, param in self._parameters.items():
            if param is not None:
                self._parameters[name] = UninitializedParameter(device=device, dtype=dtype)

    def has_uninitialized_params(self) -> bool:
        return self.num_features == 0

    def materialize(self, input: Tensor) -> None:
        self.num_features = input.shape[1]
        for param in self._parameters.values():
            if isinstance(param, UninitializedParameter):
                param.materialize((self.num_features,))
        for name in ("running_mean", "running_var"):
            if self._buffers[name] is not None:
                like = self._buffers[name]
                self._buffers[name] = empty((self.num_features,), like.device, like.dtype)


def _lazy(base: type[_NormBase]) -> Any:
    name = f"Lazy{base.__name__}"
    space = {
        "becomes": base,
        "__doc__": f"A `{base.__name__}` that learns from its first input how many channels there are.",
        "__module__": __name__,
    }
    return type(name, (_LazyNorm, base), space)


LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = (_lazy(base) for base in (BatchNorm1d, BatchNorm2d, BatchNorm3d))
LazyInstanceNorm1d = _lazy(InstanceNorm1d)
LazyInstanceNorm2d = _lazy(InstanceNorm2d)
LazyInstanceNorm3d = _lazy(InstanceNorm3d)
