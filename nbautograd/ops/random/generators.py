"""Generators of random numbers: one for the CPU, one for each GPU, and those that people make."""

from __future__ import annotations

import contextlib
import struct
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

    Numbers are drawn on the CPU, also for a GPU's tensors: the same seed gives the same numbers on every device.

    Example:
        >>> import nbautograd as torch
        >>> g = torch.Generator().manual_seed(0)
        >>> torch.equal(torch.rand(3, generator=g), torch.rand(3, generator=g.manual_seed(0)))
        True
    """

    _STATE = struct.Struct("<Q4QII")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = usable(arrays.device(device))
        self._seed = 0
        self._made: np.random.Generator | None = None

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator inside, made at first use: importing `numpy.random` takes a while."""
        if self._made is None:
            self.seed()
            assert self._made is not None
        return self._made

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`."""
        if not -(2**63) <= int(seed) < 2**64:
            raise RuntimeError(f"Overflow when unpacking long long: {seed} is no seed of 64 bits")
        if state.observer is not None:
            state.observer.drew(None, (), None)
        self._seed = int(seed) % 2**64
        self._made = np.random.Generator(np.random.SFC64(self._seed))
        return self

    def seed(self) -> int:
        """Start again from a seed that nobody chose, and return it."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the generator started from."""
        return self._seed if self._made else self.seed()

    def get_state(self) -> Tensor:
        """The state as a tensor of bytes, for `set_state`."""
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
        if new_state._data.dtype != np.uint8 or len(packed) != self._STATE.size:
            raise RuntimeError("RNG state is wrong size")
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


def numbers_of(generator: Any, device: Any = None) -> np.random.Generator:
    """NumPy's generator inside `generator`, or inside the default one of `device`.

    Raises: RuntimeError for a generator of another kind of device.
    """
    if state.observer is not None:
        state.observer.drew(None, (), None)
    if generator is None and (device is None or device is arrays.CPU):
        return default_generator.numpy
    where = None if device is None else arrays.device(device)
    if not isinstance(generator, Generator | None):
        raise TypeError(
            "rand() received an invalid combination of arguments - got (int, generator="
            f"{type(generator).__name__}), but expected one of: a torch.Generator, or None"
        )
    if generator is None:
        if where is None or where.type == "cpu":
            return default_generator.numpy
        return default_generators("cuda", gpu_count())[usable(where).index or 0].numpy
    if where is not None and generator.device.type != where.type:
        raise RuntimeError(
            f"Expected a '{where.type}' device type for generator but found '{generator.device.type}'"
            f"\n  hint: torch.Generator(device='{where.type}')"
        )
    return generator.numpy


@public(method=False)
def manual_seed(seed: int) -> Generator:
    """Start all default generators again from `seed`: the same program then draws the same numbers.

    They are NumPy's: PyTorch draws others from the same seed.
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


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Yields[None]:
    """Numbers drawn inside the block leave the default generators as they were."""
    if not enabled:
        yield
        return
    generators = (default_generator, *default_generators("cuda", gpu_count()))
    before = [generator.get_state() for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


FUNCTIONS["Generator"] = Generator
FUNCTIONS["default_generator"] = default_generator  # type: ignore[assignment]
