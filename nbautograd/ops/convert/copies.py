"""Copies: of a tensor, in another dtype or on another device, and of one number everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core import dtype as dtypes
from nbautograd.core.layout import channels_last, channels_last_3d, contiguous_format
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import SHAPES, Make, through, unary


class Clone(Op):
    """A copy with its own memory; gradients flow through it unchanged."""

    tex = {"x": "1"}
    samples = unary()

    def forward(x):
        return x.copy()

    def dx(g):
        return g


class ToCopy(Op):
    """A copy in another dtype or on another device; the gradient is brought back."""

    title = "to"
    promote = "none"
    tex = {"x": "1"}
    samples = through("to", unary(dtype=dtypes.float64), unary(dtype=dtypes.float32), second=False)

    def forward(x, *, dtype=None, device=None):
        cast = x if dtype is None else x.astype(dtype, copy=False)
        moved = cast if device is None else arrays.place(cast, device)
        return moved.copy() if moved is x else moved

    def dx(g, x_dtype, x_device):
        return xp.to_copy(g, dtype=x_dtype, device=x_device)


def _sources(make: Make) -> Any:
    for target, source in (((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (1,)), ((2, 3), (2, 3)),
                           ((2, 2, 3), (2, 1)), ((1,), ()), ((2, 0), (1, 0)), ((3, 1), (1, 1))):  # fmt: skip
        yield make(*target), make(*source)


class CopyFrom(Op):
    """The numbers of `y` in place of those of `x`, in the shape, dtype and device of `x`."""

    node_name = "CopyBackwards"
    elementwise = True
    promote = "none"
    tex = {"x": "0", "y": "1"}
    samples = through("copy_", _sources)

    def forward(x, y):
        y = arrays.place(y, arrays.device_of(x))
        return xp.broadcast_to(y, x.shape).astype(x.dtype)

    def into(x, y, *, out):
        if y.ndim > x.ndim:
            raise ValueError("it would be made larger")
        np.copyto(out, y, casting="unsafe")

    def refuse(x, y):
        try:
            shape = np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return None
        return f"output with shape {list(x.shape)} doesn't match the broadcast shape {list(shape)}"

    def dx(g):
        return xp.zeros_like(g)

    def dy(g, y_dtype, y_device):
        return xp.to_copy(g, dtype=y_dtype, device=y_device)


class FillNumber(Op):
    """One number everywhere: what was there before gets no gradient."""

    node_name = "FillBackward2"
    elementwise = overlaps = True
    tex = {"x": "0"}
    samples = through("fill_", unary(value=2.5))

    def forward(x, *, value):
        return xp.full_like(x, value)

    def into(x, *, value, out):
        out.fill(value)

    def dx(g):
        return xp.zeros_like(g)


class Fill(Op):
    """The number of the 0-d tensor `y` everywhere."""

    node_name = "FillBackward3"
    elementwise = assigns = True
    promote = "none"
    tex = {"x": "0", "y": "1"}
    samples = through("fill_", lambda make: ((make(*shape), make()) for shape in SHAPES))
    forward, dx, dy = CopyFrom.forward, CopyFrom.dx, CopyFrom.dy


class Zero(Op):
    """Zeros everywhere: what was there before gets no gradient."""

    elementwise = overlaps = True
    tex = {"x": "0"}
    samples = through("zero_", unary())

    def forward(x):
        return xp.zeros_like(x)

    def dx(g):
        return xp.zeros_like(g)


@public(hot=True)
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with its own memory, through which gradients flow."""
    copied = Clone.call(input)
    return in_format(copied, memory_format) if memory_format in _RANKS else copied


@public(top=False)
def contiguous(self: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor itself if its elements lie in memory in order, else a copy that does."""
    if memory_format not in (None, contiguous_format):
        return in_format(self, memory_format)
    return self if is_contiguous(self) else Clone.call(self)


@public(top=False)
def is_contiguous(self: Tensor, memory_format: Any = contiguous_format) -> bool:
    """Whether the elements lie in memory in the order of their indices, or with the channels last."""
    if isinstance(self._data, np.generic):
        return True
    if memory_format in _RANKS:
        return self._data.ndim == _RANKS[memory_format] and bool(np.moveaxis(self._data, 1, -1).flags.c_contiguous)
    return bool(self._data.flags.c_contiguous)


_RANKS = {channels_last: 4, channels_last_3d: 5}


def in_format(x: Tensor, memory_format: Any) -> Tensor:
    """`x` with its elements in torch's order of that name, copied if it is not so yet.

    Raises: RuntimeError in torch's words when it has another number of dimensions.
    """
    if memory_format not in _RANKS:
        return contiguous(x)
    if x.ndim != _RANKS[memory_format]:
        raise RuntimeError(f"required rank {_RANKS[memory_format]} tensor to use {memory_format.name} format")
    return x if is_contiguous(x, memory_format) else x.movedim(1, -1).contiguous().movedim(-1, 1)


@public("detach", method=False, hot=True)
def detach(input: Tensor) -> Tensor:
    """The same numbers without the history; see `Tensor.detach`."""
    return input.detach()


@public("detach_", method=False)
def detach_(input: Tensor) -> Tensor:
    """Forget the history of this very tensor; see `Tensor.detach_`."""
    return input.detach_()
