"""Layers of small windows of weights that slide over their input."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from . import init
from .lazy import LazyModule
from .module import Module
from .parameter import Parameter, UninitializedParameter, parameter

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def each(value: Any, n: int) -> tuple[Any, ...]:
    """A value for each of `n` dimensions."""
    return tuple(value) if isinstance(value, tuple | list) else (value,) * n


class _Conv(Module):
    """What convolutions and their transposes have in common."""

    _n: ClassVar[int]
    transposed: ClassVar[bool] = False
    weight: Parameter
    bias: Parameter | None

    def _build(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        _check(in_channels, out_channels, groups, stride, padding, padding_mode)
        n = self._n
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each(kernel_size, n)
        self.stride = each(stride, n)
        self.padding = padding if isinstance(padding, str) else each(padding, n)
        self.dilation = each(dilation, n)
        self.output_padding = each(output_padding, n)
        self.groups = groups
        self.padding_mode = padding_mode
        self.weight = parameter(self._weight_shape(), device, dtype)
        if bias:
            self.bias = parameter((out_channels,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        ends = (self.out_channels, self.in_channels)
        first, second = ends[::-1] if self.transposed else ends
        return (first, second // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        if 0 in self.weight.shape:
            return
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(init.fans(self.weight)[0])
            init.uniform_(self.bias, -bound, bound)

    def _widths(self) -> list[int]:
        """The border as `F.pad` wants it: the last dimension first, before and after."""
        if isinstance(self.padding, str):
            taps = zip(self.dilation, self.kernel_size, strict=True)
            total = [d * (k - 1) if self.padding == "same" else 0 for d, k in taps]
            return [w for n in reversed(total) for w in (n // 2, n - n // 2)]
        return [p for p in reversed(self.padding) for _ in range(2)]

    def extra_repr(self) -> str:
        n = self._n
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, plain in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            if getattr(self, name) != (plain,) * n:
                text += f", {name}={getattr(self, name)}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


def _check(in_channels: int, out_channels: int, groups: int, stride: Any, padding: Any, padding_mode: str) -> None:
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    for name, channels in (("in", in_channels), ("out", out_channels)):
        if channels % groups:
            raise ValueError(f"{name}_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
        if padding == "same" and any(s != 1 for s in each(stride, 1)):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in PADDING_MODES:
        modes = ", ".join(repr(m) for m in ("zeros", "reflect", "replicate", "circular"))
        raise ValueError(f"padding_mode must be one of {{{modes}}}, but got padding_mode='{padding_mode}'")


class _Forward(_Conv):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (in_channels, out_channels, kernel_size, stride, padding, dilation, 0)
        self._build(*shape, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        function, x, padding = getattr(F, f"conv{self._n}d"), input, self.padding
        if self.padding_mode != "zeros":
            x, padding = F.pad(input, self._widths(), mode=self.padding_mode), 0
        return function(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Forward):
    """A small window of weights slides along a row; each output is the sum of products under it, plus a bias.

    Math: out[o, i] = b[o] + Σ_{c, k} w[o, c, k] · x[c, s·i + d·k − p]; initially uniform within ±1/√(C_in/groups · k)
    Shape: x (N, C_in, L) or (C_in, L) → (N, C_out, (L + 2p − d(k − 1) − 1) / s + 1)
    """

    _n = 1


class Conv2d(_Forward):
    """A small window of weights slides over an image; each output is the sum of products under it, plus a bias.

    Math: out[o, i] = b[o] + Σ_{c, k} w[o, c, k] · x[c, s·i + d·k − p]; initially uniform within ±1/√(C_in/groups · k)
    Shape: x (N, C_in, H, W) or (C_in, H, W) → (N, C_out, H′, W′), each H′ = (H + 2p − d(k − 1) − 1) / s + 1
    Example:
        >>> import nbautograd as torch
        >>> layer = torch.nn.Conv2d(3, 8, kernel_size=3, padding=1)
        >>> layer(torch.zeros(2, 3, 10, 10)).shape
        torch.Size([2, 8, 10, 10])
    """

    _n = 2


class Conv3d(_Forward):
    """A small window of weights slides through a volume; each output is the sum of products under it, plus a bias.

    Shape: x (N, C_in, D, H, W) or (C_in, D, H, W) → (N, C_out, D′, H′, W′)
    """

    _n = 3


class _Transposed(_Conv):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        shape = (in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding)
        self._build(*shape, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        more = self.output_padding if output_size is None else self._missing(input, tuple(output_size))
        function = getattr(F, f"conv_transpose{self._n}d")
        return function(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _missing(self, input: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """The output padding that leads to the size `wanted`.

        Raises: ValueError when none does.
        """
        n = self._n
        others = input.ndim - n
        if len(wanted) == others + n:
            wanted = wanted[others:]
        if len(wanted) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.ndim}D input, output_size must have {n} or {others + n} elements "
                f"(got {len(wanted)})"
            )
        sizes = input.shape[others:]
        figures = zip(sizes, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(size - 1) * s - 2 * p + d * (k - 1) + 1 for size, s, p, d, k in figures]
        most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
        if any(not low <= w <= high for low, w, high in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to {most} "
                f"(for an input of {sizes})"
            )
        return tuple(w - low for w, low in zip(wanted, least, strict=True))


class ConvTranspose1d(_Transposed):
    """Each input adds a small window of weights, scaled, to a longer row: `Conv1d` transposed.

    Shape: x (N, C_in, L) → (N, C_out, (L − 1)s − 2p + d(k − 1) + output_padding + 1)
    """

    _n = 1


class ConvTranspose2d(_Transposed):
    """Each input adds a small window of weights, scaled, to a larger image: `Conv2d` transposed.

    Shape: x (N, C_in, H, W) → (N, C_out, H′, W′), each H′ = (H − 1)s − 2p + d(k − 1) + output_padding + 1
    """

    _n = 2


class ConvTranspose3d(_Transposed):
    """Each input adds a small window of weights, scaled, to a larger volume: `Conv3d` transposed."""

    _n = 3


class _LazyConv(LazyModule):
    """Before a convolution among the bases: the number of input channels comes from the first input."""

    _n: ClassVar[int]
    in_channels: int
    out_channels: int

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        device, dtype = kwargs.get("device"), kwargs.get("dtype")
        super().__init__(0, 0, kernel_size, *args, **kwargs)
        self.out_channels = out_channels
        for name, param in self._parameters.items():
            if param is not None:
                self._parameters[name] = UninitializedParameter(device=device, dtype=dtype)

    def materialize(self, input: Tensor) -> None:
        n = self._n
        if input.ndim not in (n + 1, n + 2):
            raise RuntimeError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {type(self).__name__}, but got input of "
                f"size: {input.shape}"
            )
        self.in_channels = input.shape[-n - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        shapes = {"weight": self._weight_shape(), "bias": (self.out_channels,)}
        for name, param in self._parameters.items():
            if isinstance(param, UninitializedParameter):
                param.materialize(shapes[name])


def _lazy(base: type[_Conv]) -> Any:
    name = f"Lazy{base.__name__}"
    text = f"A `{base.__name__}` that learns from its first input how many channels come in."
    return type(name, (_LazyConv, base), {"becomes": base, "__doc__": text, "__module__": __name__})


LazyConv1d, LazyConv2d, LazyConv3d = (_lazy(base) for base in (Conv1d, Conv2d, Conv3d))
LazyConvTranspose1d = _lazy(ConvTranspose1d)
LazyConvTranspose2d = _lazy(ConvTranspose2d)
LazyConvTranspose3d = _lazy(ConvTranspose3d)
