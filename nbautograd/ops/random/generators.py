"""Generators of random numbers: one for the CPU, one for each GPU, and those that people make."""

from __future__ import annotations

import contextlib
import math
import struct
import sys
from collections.abc import Generator as Yields
from typing import Any

import numpy as np

from nbautograd.core import array as arrays
from nbautograd.core.call import wrap
from nbautograd.core.device import gpu_count, usable
from nbautograd.core.modes import state
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor


class Generator:
    """A source of random numbers with a state of its own.

    A GPU draws its own: the same seed gives the same numbers on every GPU, and others on the CPU.

    Example:
        >>> import nbautograd as torch
        >>> g = torch.Generator().manual_seed(0)
        >>> torch.equal(torch.rand(3, generator=g), torch.rand(3, generator=g.manual_seed(0)))
        True
    """

    _STATE = struct.Struct("<Q4QII")
    _OF_GPU = struct.Struct("<2Q")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = usable(arrays.device(device))
        self._seed = 0
        self._made: np.random.Generator | None = None
        self._next: int | None = None
        """On a GPU the number of the next block; see NOTE [Philox]."""

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator inside, made at first use: importing `numpy.random` takes a while.

        That of a GPU is for the distributions that are drawn on the CPU all the same; each time it is a new one.
        """
        if self.on_gpu:
            seed, number = self.advance(1)
            return np.random.Generator(np.random.Philox(key=[seed, 0], counter=[0, 0, 0, number]))
        if self._made is None:
            self._begin(_any_seed())
            assert self._made is not None
        return self._made

    @property
    def on_gpu(self) -> bool:
        """Whether it draws on a GPU."""
        return self.device is not arrays.CPU

    def advance(self, blocks: int) -> tuple[int, int]:
        """The seed and the number of the first of the next `blocks` blocks of a GPU's generator."""
        if self._next is None:
            self._begin(_any_seed())
        first = self._next or 0
        self._next = (first + blocks) % 2**64
        return self._seed, first

    def draw(self, kind: str, shape: Any, dtype: Any, low: Any = 0.0, size: Any = 1.0) -> Any:
        """An array of random numbers on the GPU, of a distribution with two figures; see `nbautograd.fast.cuda`."""
        from nbautograd.fast.cuda import draws

        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        state = self.advance(draws.blocks(kind, dtype, math.prod(shape)))
        library = arrays.cupy()
        with library.cuda.Device(self.device.index):
            return draws.draw(library, kind, shape, dtype, state, (low, size))

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`."""
        if not -(2**63) <= int(seed) < 2**64:
            raise RuntimeError(f"Overflow when unpacking long long: {seed} is no seed of 64 bits")
        if state.observer is not None:
            state.observer.drew(None, (), None)
        self._begin(int(seed) % 2**64)
        return self

    def _begin(self, seed: int) -> None:
        self._seed, self._next = seed, 0
        if not self.on_gpu:
            self._made = np.random.Generator(np.random.SFC64(self._seed))

    def seed(self) -> int:
        """Start again from a seed that nobody chose, and return it."""
        self.manual_seed(_any_seed())
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the generator started from."""
        return self.seed() if self._next is None else self._seed

    def get_state(self) -> Tensor:
        """The state as a tensor of bytes, for `set_state`; that of a GPU is the seed and the number of a block."""
        if self.on_gpu:
            return wrap(np.frombuffer(self._OF_GPU.pack(*self.advance(0)), np.uint8).copy())
        state: Any = self.numpy.bit_generator.state
        packed = self._STATE.pack(self._seed, *state["state"]["state"].tolist(), state["has_uint32"], state["uinteger"])
        return wrap(np.frombuffer(packed, np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Go on from a state that `get_state` returned.

        Raises: RuntimeError for what is no such state.
        """
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        packed = new_state._data.tobytes()
        form = self._OF_GPU if self.on_gpu else self._STATE
        if new_state._data.dtype != np.uint8 or len(packed) != form.size:
            raise RuntimeError("RNG state is wrong size")
        if self.on_gpu:
            seed, number = form.unpack(packed)
            self.manual_seed(seed)._next = number
            return self
        seed, *words, has_uint32, uinteger = self._STATE.unpack(packed)
        self.manual_seed(seed)
        self.numpy.bit_generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": np.array(words, np.uint64)},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }
        return self

    def clone_state(self) -> Generator:
        """Another generator that goes on from here."""
        return Generator(self.device).set_state(self.get_state())


default_generator = Generator()
"""Where random numbers come from when no `generator=` is given."""

_of_gpus: dict[int, Generator] = {}


def default_generators(kind: str, count: int) -> tuple[Generator, ...]:
    """The default generators of all GPUs, made when first asked for."""
    for number in range(count):
        if number not in _of_gpus:
            _of_gpus[number] = Generator(f"{kind}:{number}").manual_seed(default_generator.initial_seed())
    return tuple(_of_gpus[number] for number in range(count))


def _any_seed() -> int:
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])


def generator_of(generator: Any, device: Any = None) -> Generator:
    """`generator`, or the default one of `device`.

    Raises: RuntimeError for a generator of another kind of device.
    """
    if state.observer is not None:
        state.observer.drew(None, (), None)
    if generator is None and (device is None or device is arrays.CPU):
        return default_generator
    where = None if device is None else arrays.device(device)
    if not isinstance(generator, Generator | None):
        raise TypeError(
            "rand() received an invalid combination of arguments - got (int, generator="
            f"{type(generator).__name__}), but expected one of: a torch.Generator, or None"
        )
    if generator is None:
        if where is None or where.type == "cpu":
            return default_generator
        return default_generators("cuda", gpu_count())[usable(where).index or 0]
    if where is not None and generator.device.type != where.type:
        raise RuntimeError(
            f"Expected a '{where.type}' device type for generator but found '{generator.device.type}'"
            f"\n  hint: torch.Generator(device='{where.type}')"
        )
    return generator


def numbers_of(generator: Any, device: Any = None) -> np.random.Generator:
    """NumPy's generator inside `generator`, or inside the default one of `device`."""
    return generator_of(generator, device).numpy


@public(method=False)
def manual_seed(seed: int) -> Generator:
    """Start all default generators again from `seed`: the same program then draws the same numbers.

    On the CPU they are NumPy's: PyTorch draws others from the same seed.
    """
    for generator in _of_gpus.values():
        generator.manual_seed(seed)
    return default_generator.manual_seed(seed)


@public(method=False)
def seed() -> int:
    """Start the default generators again from a seed that nobody chose."""
    return manual_seed(default_generator.seed()).initial_seed()


@public(method=False)
def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


@public(method=False)
def get_rng_state() -> Tensor:
    """The state of the default generator."""
    return default_generator.get_state()


@public(method=False)
def set_rng_state(new_state: Tensor) -> None:
    """Go on from a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


def states() -> list[Tensor]:
    """The states of all default generators, for `restore`."""
    return [generator.get_state() for generator in _all()]


def restore(before: list[Tensor]) -> None:
    """Let the default generators go on from `states`."""
    for generator, held in zip(_all(), before, strict=True):
        generator.set_state(held)


def _all() -> tuple[Generator, ...]:
    return default_generator, *(default_generators("cuda", gpu_count()) if "cupy" in sys.modules else ())


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Yields[None]:
    """Numbers drawn inside the block leave the default generators as they were."""
    if not enabled:
        yield
        return
    before = states()
    try:
        yield
    finally:
        restore(before)


FUNCTIONS["Generator"] = Generator
FUNCTIONS["default_generator"] = default_generator  # type: ignore[assignment]
