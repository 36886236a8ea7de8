"""Finds calls on large arrays to be run together, block by block: elementwise ones, and functions of rows.

NOTE [Blocks]
An elementwise op on a large array waits for memory: it reads arrays that no cache holds, and writes one that the system
has to find room for. Several such ops in a row, run on a block that fits the cache, one after the other, wait once.
What depends on a chain but is not elementwise (a sum, say) is put off until after it, so that a chain forward and the
chain backward become one, unless the latter waits for the former.

A block is a stretch of the arrays laid flat. Where a call spreads an operand over the rows, or computes row by row as
softmax does, it is a part of the first dimension: what such a call gives for some rows depends on those rows alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from nbautograd.core.rules import names_of
from nbautograd.replay.calls import Call, Var
from nbautograd.replay.choosing import text_for

LARGE = 32_768
"""From so many elements on arrays are worth it."""
BLOCK = 32_768
CACHE = 3 << 19
"""So many bytes of blocks are to stay in the cache."""
BY_ROW = {"softmax", "log_softmax", "logsumexp", "sum_dim", "mean_dim", "softmax_dx", "log_softmax_dx", "logsumexp_dx"}
"""Functions along `dim`: of rows, if that is not the first dimension. Their rules are told no shapes."""


@dataclass
class Form:
    """How calls can be run in blocks."""

    shape: tuple[int, ...]
    by_row: bool = False
    cut: set[int] = field(default_factory=set[int])
    """The variables of which a block reads its part."""
    spread: set[int] = field(default_factory=set[int])
    """The variables that every block reads whole."""

    def agrees(self, other: Form) -> bool:
        """Whether calls of both forms can be run together."""
        return self.shape == other.shape and not self.cut & other.spread and not self.spread & other.cut

    def join(self, other: Form) -> None:
        """Be the form of both."""
        self.by_row |= other.by_row
        self.cut |= other.cut
        self.spread |= other.spread


class Group:
    """Calls that are run together."""

    def __init__(self, calls: list[Call], form: Form, uses: Counter[int]) -> None:
        self.calls = calls
        self.form = form
        self.uses = _reads_of(calls)
        """How often each variable is read here."""
        self.outputs = [v for c in calls for v in c.outs if uses[id(v)] != self.uses[id(v)]]
        """What is read elsewhere too."""
        own = {id(v) for c in calls for v in c.outs}
        found = {id(a): a for c in calls for a in c.args if isinstance(a, Var) and id(a) not in own}
        self.inputs = list(found.values())
        self.along_last = [c for c in calls if not _is_elementwise(c) and _dims(c) in ((-1,), (len(form.shape) - 1,))]
        """The functions along the last dimension."""
        self.uniform = self._uniform()
        """The inputs that are one number everywhere, and may be told as such."""
        self.maker = {id(v): c for c in calls for v in c.outs}

        self.dtype = calls[0].outs[0].dtype

    def _uniform(self) -> set[int]:
        """Those inputs, if what is made of nothing but them, numbers too, goes into expressions only."""
        found = {id(v) for v in self.inputs if v.uniform}
        numbers = set(found)
        for call in self.calls:
            given = {id(a) for a in call.args if isinstance(a, Var)}
            if call.kind != "sum" and not _has_text(call) and given & numbers:
                return set()
            if given <= numbers:
                numbers.update(id(v) for v in call.outs)
        return found

    def is_full(self, v: Var) -> bool:
        """Whether a variable has the blocks' shape, and the dtype of their buffers."""
        return v.shape == self.form.shape and v.dtype == self.dtype

    def shape_of(self, s: slice) -> tuple[int, ...]:
        """The shape of a block."""
        return (s.stop - s.start, *self.form.shape[1:]) if self.form.by_row else (s.stop - s.start,)

    @property
    def largest(self) -> int:
        """How many elements a block has at most."""
        return prod(self.form.shape[1:]) if self.form.by_row else 0

    def slices(self, arrays: int) -> list[slice]:
        """The blocks, when so many arrays are worked on at a time."""
        length, step = prod(self.form.shape), BLOCK
        if self.form.by_row:
            step = max(1, BLOCK * self.form.shape[0] // length)
            length = self.form.shape[0]
        elif arrays * BLOCK * self.dtype.itemsize > CACHE:
            step = BLOCK // 2
        return [slice(i, min(i + step, length)) for i in range(0, length, step)]


def _reads_of(calls: list[Call]) -> Counter[int]:
    return Counter(id(v) for call in calls for v in call.reads())


def grouped(calls: list[Call], uses: Counter[int]) -> Iterator[Call | Group]:
    """The calls in an order that keeps to what depends on what, those that can be run block by block put together.

    `uses` counts how often each variable is read in the whole program.
    """
    opened: list[Call] = []
    together = Form(())
    inside: set[int] = set()
    put_off: list[Call] = []
    waiting: set[int] = set()

    def close() -> Iterator[Call | Group]:
        if opened:
            yield opened[0] if len(opened) == 1 else Group(list(opened), together, uses)
        yield from put_off
        opened.clear()
        put_off.clear()
        inside.clear()
        waiting.clear()

    for call in calls:
        reads = {id(v) for v in call.reads()}
        if reads & waiting or (call.kind not in ("op", "rule", "sum", "fit", "seed", "read") and reads & inside):
            yield from close()
        form = form_of(call)
        if form is not None:
            if opened and (not together.agrees(form) or inside & form.spread):
                yield from close()
            if opened:
                together.join(form)
            else:
                together = form
            opened.append(call)
            inside.update(id(v) for v in call.outs)
        elif reads & inside:
            put_off.append(call)
            waiting.update(id(v) for v in call.outs)
        else:
            yield call
    yield from close()


def form_of(call: Call) -> Form | None:
    """How a call may be run block by block, if at all."""
    if not call.outs or any(v.shape is None or v.dtype.kind != "f" for v in call.outs):
        return None
    if any(map(_has_array, call.settings.values())):
        return None
    form = _elementwise(call) if _is_elementwise(call) else _of_rows(call) if call.name in BY_ROW else None
    if form is None or prod(form.shape) < LARGE:
        return None
    return None if form.by_row and (form.shape[0] < 2 or prod(form.shape[1:]) > 2 * BLOCK) else form


def _is_elementwise(call: Call) -> bool:
    return call.entry is not None or call.kind == "sum"


def _has_text(call: Call) -> bool:
    """Whether what a call computes is an expression, which takes numbers as well as arrays."""
    return _is_elementwise(call) and text_for(call) is not None


def _elementwise(call: Call) -> Form | None:
    """The form of a call each of whose results has the same shape."""
    form = Form(call.outs[0].shape or ())
    if any(v.shape != form.shape for v in call.outs) or "out" in call.settings:
        return None
    for a in call.args:
        if not isinstance(a, Var):
            if not isinstance(a, int | float):
                return None
        elif a.shape == form.shape:
            form.cut.add(id(a))
        elif a.shape is None:
            return None
        elif a.shape:
            form.by_row = True
            alike = len(a.shape) == len(form.shape) and a.shape[0] != 1
            (form.cut if alike else form.spread).add(id(a))
    return form


def _of_rows(call: Call) -> Form | None:
    """The form of a function along a dimension that is not the first."""
    arrays = [a for a in call.args if isinstance(a, Var)]
    shape = (call.outs[0] if call.kind == "rule" else arrays[0]).shape or ()
    if not all(isinstance(d, int) and d % max(1, len(shape)) for d in _dims(call)):
        return None
    if any(v.shape is None or v.shape[:1] != shape[:1] for v in (*arrays, *call.outs)):
        return None
    return Form(shape, by_row=True, cut={id(a) for a in arrays})


def _has_array(value: Any) -> bool:
    return isinstance(value, Var) or hasattr(value, "shape")


def _dims(call: Call) -> tuple[Any, ...]:
    """Along which dimensions a function of rows is taken."""
    of = dict(zip(names_of(call.function), call.args, strict=False)) | call.settings
    return of["dim"] if isinstance(of.get("dim"), tuple) else (of.get("dim"),)
