"""A public function that is no op of the table: made of several ones, or without a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbautograd.ops.samples import Samples


@dataclass
class Composite:
    """What the tests want to know of an op, for a function that is none."""

    name: str
    samples: Samples
    rules: tuple[Any, ...] = (True,)


def composed(functions: dict[str, Samples]) -> list[Composite]:
    """Functions made of several ops, each with its samples."""
    return [Composite(name, samples._replace(named=False)) for name, samples in functions.items()]


def counted(functions: dict[str, Samples]) -> list[Composite]:
    """Functions without a gradient, each with its samples."""
    return [Composite(name, samples, rules=()) for name, samples in functions.items()]
