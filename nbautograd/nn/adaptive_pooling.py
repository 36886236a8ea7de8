"""Layers that are told how many windows to reduce their input to."""

from __future__ import annotations

from typing import Any, ClassVar

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .conv import each
from .module import Module


class _AdaptiveAvgPool(Module):
    _n: ClassVar[int]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return getattr(F, f"adaptive_avg_pool{self._n}d")(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` bins of a row."""

    _n = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of `output_size` bins of an image; with an output size of 1, the mean of every channel.

    Shape: x (N, C, H, W) or (C, H, W) → (N, C, *output_size)
    """

    _n = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of `output_size` bins of a volume."""

    _n = 3


class _AdaptiveMaxPool(Module):
    _n: ClassVar[int]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return getattr(F, f"adaptive_max_pool{self._n}d")(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of `output_size` bins of a row."""

    _n = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of `output_size` bins of an image."""

    _n = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of `output_size` bins of a volume."""

    _n = 3


class _FractionalMaxPool(Module):
    _n: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, self._n)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else each(output_size, self._n)
        self.output_ratio = None if output_ratio is None else each(output_ratio, self._n)
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        function = getattr(F, f"fractional_max_pool{self._n}d")
        sizes = (self.kernel_size, self.output_size, self.output_ratio)
        return function(input, *sizes, self.return_indices, _random_samples=self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest element of every window of an image; the windows' places are random.

    Source: Graham 2014, *Fractional max-pooling*.
    """

    _n = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest element of every window of a volume; the windows' places are random."""

    _n = 3
