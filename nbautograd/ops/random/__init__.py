"""Random tensors, and the generators they come from."""

from __future__ import annotations

from nbautograd.ops.random.generators import (
    Generator,
    default_generator,
    default_generators,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    numbers_of,
    seed,
    set_rng_state,
)
from nbautograd.ops.random.numbers import keep_mask, normals, uniforms

__all__ = [
    "Generator",
    "default_generator",
    "default_generators",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "keep_mask",
    "manual_seed",
    "normals",
    "numbers_of",
    "seed",
    "set_rng_state",
    "uniforms",
]
