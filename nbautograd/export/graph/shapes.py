"""What the layout is given, and what it places."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Box:
    """A rectangle to be placed."""

    key: str
    width: float
    height: float
    weight_only: bool = False
    """Computed from parameters alone (a transposed weight): drawn next to its consumer, not at the top."""
    chip_width: float | None = None
    """Width of its reference chips."""


@dataclass(slots=True)
class Edge:
    """From an earlier box to a later one."""

    source: str
    target: str
    order: int
    """Operand position at the consumer."""


@dataclass(slots=True)
class Placed:
    """A box and its centre."""

    key: str
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    chip_of: str | None = None
    """For a reference chip (key `{chip_of}@{consumer}`): the shared leaf that it stands for."""
