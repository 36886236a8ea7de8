"""What the recorder jots down while code runs, before it becomes a `Trace`: small objects that refer to one another.

There is a note for each op, value and event, so making these three has to be quick.
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

NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class ScopeNote:
    """A module call."""

    owner: Any
    parent: ScopeNote | None
    place: Place
    id: int | None = None

    @property
    def file(self) -> str:
        """Where the module's `forward` is written."""
        code = getattr(self.owner.forward, "__code__", None)
        return "" if code is None else code.co_filename

    @property
    def name(self) -> str:
        """What the module around it calls it; otherwise its class's name."""
        for name, part in getattr(self.parent and self.parent.owner, "_modules", {}).items():
            if part is self.owner:
                return name
        return type(self.owner).__name__


class ValueNote:
    """A tensor. `order` is that of its graph node, which is not held: it would keep alive what its op has saved."""

    __slots__ = (
        "base",
        "device",
        "dtype",
        "from_grad",
        "gradient",
        "id",
        "kind",
        "numbers",
        "order",
        "output",
        "requires_grad",
        "shape",
        "tensor",
        "used",
    )

    def __init__(
        self,
        kind: Literal["leaf", "constant", "op"],
        shape: Sequence[int],
        dtype: Any,
        order: int | None = None,
        tensor: Any = None,
        from_grad: bool = False,
    ) -> None:
        self.kind: Literal["leaf", "constant", "op"] = kind
        self.shape = shape
        self.dtype = dtype
        """NumPy's."""
        self.order = order
        self.tensor = tensor
        """A weak reference."""
        self.requires_grad = order is not None
        self.from_grad = from_grad
        """Whether it is some leaf's `.grad`, or was computed from one."""
        self.device = arrays.CPU
        self.output = 0
        self.used = False
        """Whether an op that was recorded for the way back has taken it in."""
        self.numbers: Any = None
        self.gradient: Any = None
        self.base: ValueNote | None = None
        self.id: int | None = None


class Taken:
    """What an op that is on a row took and gave, where an order does not tell it; see NOTE [Jotting]."""

    __slots__ = ("inputs", "orders", "result", "settings", "target")

    def __init__(
        self,
        orders: Sequence[int | None],
        inputs: Sequence[ValueNote | None],
        result: ValueNote | None,
        settings: Mapping[str, Any],
    ) -> None:
        self.orders = orders
        """The nodes of the inputs."""
        self.inputs = inputs
        """Their values; None where there is none, and for scalars of the graph."""
        self.result = result
        self.settings = settings
        self.target: Any = None
        """A weak reference to what the result was put into."""


class OpNote:
    """An op that ran."""

    __slots__ = (
        "entry",
        "id",
        "in_place",
        "inputs",
        "order",
        "origin",
        "outputs",
        "params",
        "place",
        "recorded",
        "scope",
        "slots",
    )

    def __init__(
        self,
        entry: Any,
        order: int,
        inputs: list[ValueNote],
        outputs: list[ValueNote],
        place: Place,
        scope: ScopeNote | None,
        recorded: bool,
        params: Mapping[str, Any] = NONE,
        in_place: bool = False,
    ) -> None:
        self.entry = entry
        self.order = order
        self.inputs = inputs
        self.outputs = outputs
        self.place = place
        self.scope = scope
        self.recorded = recorded
        """Whether it has a node in the graph, whose order is then the opposite of its own."""
        self.params = params
        self.in_place = in_place
        self.origin: str | None = None
        self.slots: list[int] | None = None
        """Where the inputs stood among the op's arguments, when some of those were None."""
        self.id: int | None = None


class EventNote:
    """Something that happened in a backward pass."""

    __slots__ = (
        "after",
        "arrival",
        "before",
        "contribution",
        "earlier",
        "input",
        "kind",
        "local",
        "op",
        "reduced",
        "upstream",
        "value",
    )

    def __init__(
        self,
        kind: Literal["seed", "flow", "accumulate", "free"],
        value: ValueNote | None = None,
        op: OpNote | None = None,
        input: int = 0,  # noqa: A002
        contribution: Any = None,
        after: Any = None,
        arrival: int = 1,
    ) -> None:
        self.kind = kind
        self.value = value
        self.op = op
        self.input = input
        self.contribution = contribution
        self.after = after
        self.arrival = arrival
        self.upstream: Any = None
        self.before: Any = None
        self.local: Any = None
        self.reduced: str | None = None
        self.earlier: Sequence[Any] = ()

    def passes_on(self) -> None:
        """Tell the two values at the ends of the edge which gradient has reached them."""
        assert self.value is not None
        assert self.op is not None
        self.value.gradient = self.after
        outputs = self.op.outputs
        if outputs and outputs[0].gradient is None:
            outputs[0].gradient = self.upstream


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
    events: list[EventNote] = field(default_factory=list[EventNote])
    trail: Any = None
    """What the rest of its events are told from; see `nbautograd.trace.trails`."""
    weight: int = 0
    """How many events those are."""
    gaps: bool = False
    """Whether ops of this trace are not known any more."""
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
