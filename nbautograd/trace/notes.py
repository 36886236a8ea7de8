"""What the recorder jots down while code runs, before it becomes a `Trace`: small objects that refer to one another.

There is a note for each op, value and event, so these three take the time of their few arguments only: what is
mostly the same is their class's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from nbautograd.core import array as arrays
from nbautograd.trace.ledger import Share
from nbautograd.trace.model import Span
from nbautograd.trace.where import Place


@dataclass(slots=True, eq=False)
class ScopeNote:
    """A module call."""

    name: str
    type: str
    owner: Any
    parent: ScopeNote | None
    place: Place
    id: int | None = None


class ValueNote:
    """A tensor. `node` keeps its graph node alive, so that the node's id stays its own while we record."""

    tensor: Any = None
    """A weak reference."""
    output: int = 0
    numbers: Any = None
    gradient: Any = None
    base: ValueNote | None = None
    used: bool = False
    """Whether an op that was recorded for the way back has taken it in."""
    from_grad: bool = False
    """Whether it is some leaf's `.grad`, or was computed from one."""
    id: int | None = None

    def __init__(
        self,
        kind: Literal["leaf", "constant", "op"],
        shape: Sequence[int],
        dtype: Any,
        node: Any = None,
        requires_grad: bool = False,
        device: Any = arrays.CPU,
    ) -> None:
        self.kind: Literal["leaf", "constant", "op"] = kind
        self.shape = shape
        self.dtype = dtype
        """NumPy's."""
        self.node = node
        self.requires_grad = requires_grad
        self.device = device


class OpNote:
    """An op that ran."""

    params: Mapping[str, Any] = MappingProxyType({})
    in_place: bool = False
    origin: str | None = None
    slots: list[int] | None = None
    """Where the inputs stood among the op's arguments, when some of those were None."""
    id: int | None = None

    def __init__(
        self, entry: Any, order: int, inputs: list[ValueNote], place: Place, scope: ScopeNote | None, node: Any
    ) -> None:
        self.entry = entry
        self.order = order
        self.inputs = inputs
        self.outputs: list[ValueNote] = []
        self.place = place
        self.scope = scope
        self.node = node


class EventNote:
    """Something that happened in a backward pass."""

    before: Any = None
    local: Any = None
    reduced: str | None = None
    arrival: int = 1
    earlier: Sequence[Any] = ()

    def __init__(
        self,
        kind: Literal["seed", "flow", "accumulate", "free"],
        value: ValueNote | None = None,
        op: OpNote | None = None,
        input: int = 0,  # noqa: A002
        upstream: Any = None,
        contribution: Any = None,
        after: Any = None,
    ) -> None:
        self.kind = kind
        self.value = value
        self.op = op
        self.input = input
        self.upstream = upstream
        self.contribution = contribution
        self.after = after


@dataclass(slots=True, eq=False)
class PassNote:
    """One backward pass; `norm2` is the squared norm of what it brought to the leaves."""

    id: int
    kind: Literal["backward", "grad"]
    roots: list[ValueNote]
    place: Place
    retain_graph: bool
    create_graph: bool
    loss: float | None = None
    events: list[EventNote] = field(default_factory=list)
    dropped: int = 0
    """Events beyond what one pass may have."""
    ops: int = 0
    """Ops that ran since the pass before."""
    arrivals: dict[int, int] = field(default_factory=dict)
    norm2: float = 0.0
    error: str | None = None
    after: float = -math.inf
    """The order of the last op before it."""
    told: bool = True
    """Whether its events are noted."""
    held: bool = True
    """Whether it is among the first passes or the last ones."""

    def worse_than(self, other: PassNote) -> bool:
        """Whether its gradient is larger, or the first that is not finite."""
        return math.isfinite(other.norm2) and not self.norm2 <= other.norm2


@dataclass(slots=True, eq=False)
class UpdateNote:
    """A leaf was changed: by whom, where, and what its gradient was made of."""

    tensor: Any
    by: str
    place: Place
    shares: list[Share]
    cleared: Span | None = None
    code: list[str] = field(default_factory=list[str])


def in_words(error: BaseException) -> str:
    """The type of an exception and the first line of what it says."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:500]}" if first else type(error).__name__
