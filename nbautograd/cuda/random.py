"""Seeds and states of the generators of the GPUs. Each GPU has its own; `torch.manual_seed` seeds all of them."""

from __future__ import annotations

from typing import Any

from nbautograd.core.tensor import Tensor
from nbautograd.ops.random import Generator, default_generators

from .devices import device_count, is_available, number_of


def _generators() -> tuple[Generator, ...]:
    return default_generators("cuda", device_count())


def _one(device: Any) -> Generator:
    return _generators()[number_of(device)]


def manual_seed(seed: int) -> None:
    """Start the generator of the current GPU again from `seed`; without a GPU, nothing."""
    if is_available():
        _one(None).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Start the generators of all GPUs again from `seed`."""
    for generator in _generators():
        generator.manual_seed(seed)


def seed() -> None:
    """Start the generator of the current GPU again from a seed that nobody chose."""
    if is_available():
        _one(None).seed()


def seed_all() -> None:
    """Start the generators of all GPUs again from one seed that nobody chose."""
    generators = _generators()
    if generators:
        manual_seed_all(generators[0].seed())


def initial_seed() -> int:
    """The seed that the generator of the current GPU started from."""
    return _one(None).initial_seed()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """The state of the generator of one GPU, as bytes on the CPU."""
    return _one(device).get_state()


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Go on from a state that `get_rng_state` returned."""
    _one(device).set_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """The states of the generators of all GPUs."""
    return [generator.get_state() for generator in _generators()]


def set_rng_state_all(new_states: Any) -> None:
    """Go on from states that `get_rng_state_all` returned."""
    for generator, state in zip(_generators(), new_states, strict=False):
        generator.set_state(state)
