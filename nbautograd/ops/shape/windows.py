"""Views that show memory in windows, or in strides of one's own choice."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import address, library_of
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.samples import Make, Samples

WINDOWS = (
    ((5,), 0, 2, 1), ((5,), 0, 3, 2), ((4, 5), 1, 2, 3), ((4, 5), 0, 4, 1), ((4, 5), -1, 1, 1), ((2, 6, 3), 1, 3, 3),
    ((2, 6, 3), 1, 2, 1), ((1, 4), -1, 2, 2), ((3, 2, 2, 4), 3, 3, 1),
)  # fmt: skip
STRIDES = (
    ((6,), (2, 3), (3, 1), 0), ((6,), (3,), (2,), 1), ((6,), (4, 3), (1, 1), 0), ((2, 3), (3, 2), (1, 3), 0),
    ((2, 3), (2,), (4,), 1), ((2, 3), (), (), 5), ((2, 2, 3), (2, 2), (6, 2), 1), ((3,), (2, 3), (0, 1), 0),
    ((4, 4), (4,), (5,), 0), ((8,), (0, 2), (2, 1), 0),
)  # fmt: skip


class Places(NamedTuple):
    """Where in memory the elements of a tensor lie, counted in elements."""

    shape: tuple[int, ...]
    steps: tuple[int, ...]
    first: int

    @staticmethod
    def of(data: Any) -> Places:
        """The places of an array's elements."""
        first = (address(data) - address(inplace.storage(data))) // data.itemsize
        return Places(data.shape, tuple(s // data.itemsize for s in data.strides), first)

    def all(self) -> Any:
        """The place of every element, as an array."""
        found = np.full(self.shape, self.first)
        for d, (n, step) in enumerate(zip(self.shape, self.steps, strict=True)):
            found += (np.arange(n) * step).reshape((-1,) + (1,) * (len(self.shape) - d - 1))
        return found

    def end(self) -> int:
        """One more than the last place."""
        if 0 in self.shape:
            return self.first
        return self.first + sum((n - 1) * step for n, step in zip(self.shape, self.steps, strict=True)) + 1


def seen(memory: Any, places: Places) -> Any:
    """A view of `memory` with an element at each of these places."""
    shape, strides = places.shape, [s * memory.itemsize for s in places.steps]
    if isinstance(memory, np.ndarray):  # whose `as_strided` would hide whose memory it is
        return np.ndarray(shape, memory.dtype, memory, places.first * memory.itemsize, strides)
    return library_of(memory).lib.stride_tricks.as_strided(memory[places.first :], shape, strides)


class Unfold(Op):
    """Windows of some size along a dimension, as a new last dimension."""

    view = True
    samples = Samples(lambda make: ((make(*s), d, size, step) for s, d, size, step in WINDOWS), "Tensor.unfold")

    def forward(x, *, dim, size, step):
        (shape, steps, first), memory = Places.of(x), inplace.storage(x).ravel(order="K")
        count = (shape[dim] - size) // step + 1
        shape, steps = (*shape[:dim], count, *shape[dim + 1 :], size), (*steps, steps[dim])
        return seen(memory, Places(shape, (*steps[:dim], steps[dim] * step, *steps[dim + 1 :]), first))

    def dx(g, x_shape, dim, size, step):
        starts = np.arange(0, x_shape[dim] - size + 1, step)
        index = (slice(None),) * dim + (starts[:, None] + np.arange(size),)
        return xp.unindex(xp.moveaxis(g, -1, dim + 1), shape=tuple(x_shape), index=index)


@public(top=False)
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of `size` elements along `dimension`, each `step` further, as a view with a new last dimension.

    Raises: RuntimeError when a window is larger than the dimension.
    """
    if not self.ndim:
        return self.reshape(1)[:size]
    dim = canonical_dim(dimension, self.ndim)
    if size > self.shape[dim]:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {self.shape[dim]} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return Unfold.call(self, dim=dim, size=size, step=step)


def _in_strides(make: Make) -> Any:
    """Tensors that lie in memory in order: elsewhere torch's gradient depends on how it copied them."""
    for more in (0, 1, 3):
        for shape, size, strides, offset in STRIDES:
            yield make(shape[0] + more, *shape[1:]), size, strides, offset


class Strided(Op):
    """The memory of a tensor seen in another shape, with strides of one's own."""

    view = True
    node_name = "AsStridedBackward0"
    samples = Samples(_in_strides, "as_strided")

    def forward(x, *, places, own, length):
        return seen(memory_of(x, own, length), places)

    def dx(g, x_shape, places, own, length):
        memory = xp.unindex(g, shape=(length,), index=(places.all(),))
        return memory[own.all().reshape(-1)].reshape(tuple(x_shape))


def memory_of(x: Any, own: Places, length: int) -> Any:
    """The memory that `x` lies in; where it lies otherwise than the tensor that was asked for, a copy laid out so."""
    memory = inplace.storage(x).ravel(order="K")
    if memory.size == length and Places.of(x) == own:
        return memory
    memory = xp.zeros(length, x.dtype)
    memory[own.all()] = x
    return memory


@public()
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The memory of `input` seen in the shape `size`, neighbours of each dimension `stride` elements apart, as a view.

    Raises: RuntimeError when that leads out of the memory.
    """
    data = inplace.array_of(input)
    own, length = Places.of(data), inplace.storage(data).size
    places = Places(tuple(size), tuple(stride), own.first if storage_offset is None else storage_offset)
    if places.end() > length:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {places.first}, and itemsize "
            f"{data.itemsize} requiring a storage size of {places.end() * data.itemsize} are out of bounds for storage "
            f"of size {length * data.itemsize}"
        )
    return Strided.call(input, places=places, own=own, length=length)


def _written(view: Any) -> Any:
    """A function that writes into what `view` shows of a copy."""

    def scatter(input: Tensor, src: Tensor, *args: Any, **settings: Any) -> Tensor:
        out = input.clone()
        part = view(out, *args, **settings)
        if part.shape != src.shape:
            raise RuntimeError(
                f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
                f"slice size = {list(part.shape)}"
            )
        part.copy_(src)
        return out

    return scatter


def _slice(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    return input[(slice(None),) * canonical_dim(dim, input.ndim) + (slice(start, end, step),)]


for _name, _view in (
    ("as_strided", as_strided),
    ("diagonal", Tensor.diagonal),
    ("select", Tensor.select),
    ("slice", _slice),
):
    _function = _written(_view)
    _function.__name__ = f"{_name}_scatter"
    _function.__doc__ = f"A copy with `src` in the place that `{_name}` shows."
    public(f"{_name}_scatter")(_function)
