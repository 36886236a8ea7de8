"""Layers that reduce every window of their input to one number."""

from __future__ import annotations

from typing import Any, ClassVar

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .conv import each
from .module import Module


class _MaxPool(Module):
    _n: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        function = getattr(F, f"max_pool{self._n}d")
        where = (self.kernel_size, self.stride, self.padding, self.dilation)
        return function(input, *where, ceil_mode=self.ceil_mode, return_indices=self.return_indices)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of every window of a row.

    Shape: x (N, C, L) or (C, L) → (N, C, L′)
    """

    _n = 1


class MaxPool2d(_MaxPool):
    """The largest element of every window of an image; without a stride, windows lie side by side.

    Shape: x (N, C, H, W) or (C, H, W) → (N, C, H′, W′), each H′ = (H + 2p − d(k − 1) − 1) / s + 1
    """

    _n = 2


class MaxPool3d(_MaxPool):
    """The largest element of every window of a volume."""

    _n = 3


class _MaxUnpool(Module):
    _n: ClassVar[int]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, self._n)
        self.stride = each(kernel_size if stride is None else stride, self._n)
        self.padding = each(padding, self._n)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        function = getattr(F, f"max_unpool{self._n}d")
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Zeros, with the elements put where a `MaxPool1d` took them from."""

    _n = 1


class MaxUnpool2d(_MaxUnpool):
    """Zeros, with the elements put where a `MaxPool2d` took them from."""

    _n = 2


class MaxUnpool3d(_MaxUnpool):
    """Zeros, with the elements put where a `MaxPool3d` took them from."""

    _n = 3


class AvgPool1d(Module):
    """The mean of every window of a row.

    Shape: x (N, C, L) or (C, L) → (N, C, L′)
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = each(kernel_size, 1)
        self.stride = each(kernel_size if stride is None else stride, 1)
        self.padding = each(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        where = (self.kernel_size, self.stride, self.padding)
        return F.avg_pool1d(input, *where, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    _n: ClassVar[int]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        function = getattr(F, f"avg_pool{self._n}d")
        where = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return function(input, *where, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of every window of an image.

    Shape: x (N, C, H, W) or (C, H, W) → (N, C, H′, W′)
    """

    _n = 2


class AvgPool3d(_AvgPool):
    """The mean of every window of a volume."""

    _n = 3


class _LPPool(Module):
    _n: ClassVar[int]

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        function = getattr(F, f"lp_pool{self._n}d")
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The `norm_type`-norm of every window of a row."""

    _n = 1


class LPPool2d(_LPPool):
    """The `norm_type`-norm of every window of an image."""

    _n = 2


class LPPool3d(_LPPool):
    """The `norm_type`-norm of every window of a volume."""

    _n = 3
