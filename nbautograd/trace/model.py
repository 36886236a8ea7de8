"""What happened in a traced piece of code, as plain data: the schema that recorder, doctor, exporters and view share.

The schema speaks of values, ops and gradient events, never of an engine: a graph recorded from another library is
expressed with the same words. Everything is plain and serialisable; ids are positions in the lists of the `Trace`.
The JSON schema and the TypeScript types are generated from these classes (`python -m nbautograd.trace.schema`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from nbautograd.words import Words

SCHEMA_VERSION = 1
MIME_TYPE = "application/vnd.nbautograd.trace+json"

Number = float | int | bool | str
"""A number as JSON can hold it: NaN and the infinities are the strings "nan", "inf" and "-inf".

A complex number is text as Python and torch write it, `1-2j`; figures such as `norm` are those of its magnitude."""


@dataclass(slots=True)
class Summary:
    """The numbers of one tensor: whole when it is small, figures when it is large."""

    shape: list[int]
    dtype: str
    device: str = "cpu"
    data: list[Number] | None = None
    """Every element in row-major order, or None when there are too many to keep. Where it is given, it tells `min`,
    `max`, `mean` and `std`, and they are left out."""
    min: Number | None = None
    max: Number | None = None
    mean: Number | None = None
    std: Number | None = None
    norm: Number | None = None
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    histogram: list[int] | None = None
    """Counts in 16 equal bins from `min` to `max`; only for tensors whose `data` is not kept."""
    sampled: bool = False
    """True when `histogram` counts a sample of the elements."""


@dataclass(slots=True)
class Source:
    """A piece of code that ops came from: the traced cell, another cell, or a file."""

    label: str
    """What a person calls it: `In [3]`, `model.py`."""
    code: str
    cell: str | None = None
    """The notebook's id of the cell, where it is one."""


@dataclass(slots=True)
class Span:
    """A place in the code: lines count from 1, columns from 0, the end is exclusive."""

    source: int
    line: int
    column: int
    end_line: int
    end_column: int
    function: str | None = None


@dataclass(slots=True)
class Cell:
    """Which execution this trace is of."""

    id: str
    label: str
    run: int = 1
    """The how-manieth execution of this very cell, from 1."""
    execution_count: int | None = None


@dataclass(slots=True)
class Scope:
    """A module call or one step of a loop, inside which ops ran."""

    id: int
    kind: Literal["module", "step"]
    name: str
    """The module's path in its parent (`net.fc1`), or the loop's own line for a step."""
    parent: int | None = None
    type: str | None = None
    """The module's class name."""
    index: int | None = None
    """Which step of the loop, from 0."""
    span: Span | None = None


@dataclass(slots=True)
class Value:
    """One tensor: a leaf, a constant, or what an op put out."""

    id: int
    kind: Literal["leaf", "constant", "op"]
    shape: list[int]
    dtype: str
    device: str = "cpu"
    requires_grad: bool = False
    name: str | None = None
    """The variable or parameter name under which the user knows it."""
    op: int | None = None
    output: int = 0
    """Which output of `op` this is."""
    data: Summary | None = None
    grad: Summary | None = None
    """What `.grad` held when the trace ended; for a value that is no leaf, the gradient that reached it last."""
    base: int | None = None
    """The value that this one is a view of."""


@dataclass(slots=True)
class Op:
    """One operation that ran forward."""

    id: int
    name: str
    node: str | None
    """The backward node's name (`MulBackward0`); None when nothing was recorded for backward."""
    inputs: list[int]
    outputs: list[int]
    params: dict[str, str] = field(default_factory=dict)
    span: Span | None = None
    scope: int | None = None
    saved: list[str] = field(default_factory=list)
    """Names of what was kept for backward."""
    local: list[str | None] = field(default_factory=list)
    """Per input, the local derivative as TeX."""
    in_place: bool = False
    origin: str | None = None
    """Who ran it, where it was not the traced code but an earlier cell: `In [3]`."""
    code: str = ""
    """What it computes as a line of Python, `{out} = {0} * {1}`: inputs by position, results `{out}`, `{out1}` …"""
    rules: list[str | None] = field(default_factory=list)
    """Per input, what it sends back there, as Python: `{g} * {1}`, where `{g}` is the gradient of the result."""


@dataclass(slots=True)
class Seed:
    """Backward begins: the root's own gradient."""

    value: int
    gradient: Summary
    kind: Literal["seed"] = "seed"


@dataclass(slots=True)
class Flow:
    """A gradient went along one edge, from an op's output to one of its inputs."""

    op: int
    input: int
    """Position among the op's inputs."""
    target: int
    """The value that receives the contribution."""
    upstream: Summary
    contribution: Summary
    after: Summary
    before: Summary | None = None
    """What the target had received before; None when this is the first contribution."""
    local: Summary | None = None
    """The local derivative in numbers, where `contribution = upstream × local` element by element."""
    reduced: str | None = None
    """The sum that undid a broadcast, in words: `sum over axis 0: (4, 8) → (8,)`."""
    arrival: int = 1
    arrivals: int = 1
    """This is contribution `arrival` of `arrivals` to the target in this pass."""
    kind: Literal["flow"] = "flow"


@dataclass(slots=True)
class Accumulate:
    """A leaf added what the pass brought to its `.grad`."""

    value: int
    contribution: Summary
    after: Summary
    before: Summary | None = None
    """What `.grad` held already; None when it was empty."""
    earlier: list[Contribution] = field(default_factory=list)
    """Where `before` came from, oldest first."""
    kind: Literal["accumulate"] = "accumulate"


@dataclass(slots=True)
class Free:
    """The pass let go of what these ops had saved."""

    ops: list[int]
    kind: Literal["free"] = "free"


@dataclass(slots=True)
class Pass:
    """One backward pass, with its events in the order in which they happened."""

    id: int
    kind: Literal["backward", "grad"]
    roots: list[int]
    events: list[Seed | Flow | Accumulate | Free] = field(default_factory=list)
    span: Span | None = None
    create_graph: bool = False
    retain_graph: bool = False
    error: str | None = None
    ops_before: int | None = None
    """How many of the trace's ops had run when it began."""


@dataclass(slots=True)
class Contribution:
    """One backward pass's share of a leaf's `.grad`."""

    cell: str
    label: str
    """`In [3]`, or what else the traced code is called."""
    run: int
    gradient: Summary
    line: int | None = None
    pass_id: int | None = None
    """The pass in this trace; None when it came from an earlier one."""
    consumed: int = 0
    """How many updates had used it already."""
    step: int | None = None
    """Which step of the loop it came from, where it was in one."""
    passes: int = 1
    """How many backward passes are told as one, in the middle of very many."""


@dataclass(slots=True)
class Ledger:
    """What a leaf's `.grad` is made of when the trace ends."""

    value: int
    name: str
    total: Summary | None
    contributions: list[Contribution] = field(default_factory=list)
    cleared: bool = False
    """Whether this run cleared it at least once."""
    consumed: bool = False
    """Whether this run updated the leaf from it at least once."""


@dataclass(slots=True)
class Update:
    """A leaf's values were changed, by an optimizer or by hand."""

    value: int
    name: str
    by: str
    """`SGD.step`, or `in-place` for a change by hand."""
    contributions: list[Contribution] = field(default_factory=list)
    """What `.grad` was made of at that moment."""
    cleared: Span | None = None
    """Where the gradient was cleared after backward and before this update, if it was."""
    span: Span | None = None
    step: int | None = None
    code: list[str] = field(default_factory=list)
    """What the optimizer did to the leaf `{p}`, as Python, line by line; `{w}` is its name as one word."""


@dataclass(slots=True)
class Finding:
    """Something the doctor has to say."""

    code: str
    severity: Literal["error", "warning", "note"]
    title: str
    message: str
    hint: str
    """What to do, with code between backticks."""
    mute: str
    """The one line that silences it."""
    span: Span | None = None
    values: list[int] = field(default_factory=list)
    ops: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Fold:
    """What was counted but not kept, so that nothing is left out in silence."""

    what: str
    """`ops`, `events`, `values`, `steps` …"""
    count: int
    why: str


@dataclass(slots=True)
class StepFigures:
    """One step of a loop in figures, kept also when the step's ops are not."""

    index: int
    ops: int = 0
    events: int = 0
    loss: Number | None = None
    grad_norm: Number | None = None
    kept: bool = False


@dataclass(slots=True)
class Trace:
    """Everything that one traced piece of code did."""

    cell: Cell
    sources: list[Source] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    ledgers: list[Ledger] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    folds: list[Fold] = field(default_factory=list)
    steps: list[StepFigures] = field(default_factory=list)
    op_count: int = 0
    """How many ops ran, folded ones included."""
    error: str | None = None
    """The exception that ended the code, as `Type: message`."""
    grad_accum: int | None = None
    """How many backward passes the user said they would add up on purpose."""
    engine: str = "nbautograd"
    version: int = SCHEMA_VERSION

    @property
    def passes_run(self) -> int:
        """How many backward passes ran, also those that were not kept."""
        return len(self.passes) + sum(fold.count for fold in self.folds if fold.what == "passes")

    def source(self) -> str:
        """What ran as straight-line Python: every op, and every step of every backward pass, in their true order.

        Example:
            >>> import nbautograd as nb
            >>> x, w = nb.tensor(2.0, requires_grad=True), nb.tensor(3.0, requires_grad=True)
            >>> with nb.trace("a line") as t:
            ...     y = x * w + x
            ...     y.backward()
            >>> print(t.source())
            # forward, a line
            # line 2: y = x * w + x
            v2 = x * w
            y = v2 + x
            <BLANKLINE>
            # backward pass from y, line 3: y.backward()
            # (here a += b stands for a = a + b: no array is changed)
            d_y = 1.0
            # line 2: y = x * w + x
            d_v2 = d_y
            d_x = d_y
            d_x += d_v2 * w
            d_w = d_v2 * x
            x.grad = d_x
            w.grad = d_w
            <BLANKLINE>
        """
        from nbautograd.trace.listing import listing

        return Words("".join(f"{line.text}\n" for line in listing(self)))
