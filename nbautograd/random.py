"""torch.random: seeds and states of the default generator."""

from nbautograd.core.absent import refuse_in
from nbautograd.core.public import FUNCTIONS
from nbautograd.ops.random import (
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

Generator = FUNCTIONS["Generator"]

__getattr__ = refuse_in("random")

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]
