"""Layers that put a border round their input."""

from __future__ import annotations

from typing import Any, ClassVar

from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .conv import each
from .module import Module


class _Pad(Module):
    """A border whose widths are given from the last dimension on, before and after."""

    _n: ClassVar[int]
    _mode: ClassVar[str]

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = each(padding, 2 * self._n)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(Module):
    _n: ClassVar[int]

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.padding = each(padding, 2 * self._n)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A border of one value round a row."""

    _n = 1


class ConstantPad2d(_ConstantPad):
    """A border of one value round an image."""

    _n = 2


class ConstantPad3d(_ConstantPad):
    """A border of one value round a volume."""

    _n = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """A border of zeros round a row."""

    _n = 1


class ZeroPad2d(_ZeroPad):
    """A border of zeros round an image."""

    _n = 2


class ZeroPad3d(_ZeroPad):
    """A border of zeros round a volume."""

    _n = 3


class ReflectionPad1d(_Pad):
    """A border that mirrors the row at its ends, which are not repeated."""

    _n, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """A border that mirrors the image at its edges, which are not repeated."""

    _n, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """A border that mirrors the volume at its faces, which are not repeated."""

    _n, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """A border that repeats the ends of the row."""

    _n, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """A border that repeats the edges of the image."""

    _n, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """A border that repeats the faces of the volume."""

    _n, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """A border that goes on with the other end of the row."""

    _n, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """A border that goes on with the other side of the image."""

    _n, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """A border that goes on with the other side of the volume."""

    _n, _mode = 3, "circular"
