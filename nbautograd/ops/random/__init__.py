"""Random tensors, and the generators they come from."""

from __future__ import annotations

from nbautograd.ops.random.generators import Generator, default_generator, default_generators, fork_rng, numbers_of
from nbautograd.ops.random.numbers import keep_mask, normals, uniforms

__all__ = [
    "Generator",
    "default_generator",
    "default_generators",
    "fork_rng",
    "keep_mask",
    "normals",
    "numbers_of",
    "uniforms",
]
