"""A trace as straight-line Python, line by line: twin of labextension/src/graph/listing.ts.

First what ran forward, each op under the line of code that it came from; then every step of every backward pass, in the
order in which they happened. Values go by the names of the user where they have one: `h`, `h_2` for the next of that
name, `v7` for one without. The gradient of `h` is `d_h`.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from nbautograd.trace.model import Accumulate, Contribution, Flow, Number, Op, Pass, Seed, Span, Summary, Trace, Value
from nbautograd.trace.plain import clean

LONGEST = 400
CODE = 100
"""So much of a line of the user's code stands in a comment."""
WHOLE = 8
"""A gradient of so many elements, given to `backward`, is written whole."""
LINES = 8
"""An update has no more lines."""
_PLAIN = re.compile(r"[A-Za-z_]+=[A-Za-z0-9_.,()\[\] +-]*")
"""A setting that may stand in a call as it is."""
RESERVED = ("np", "math", "scipy", "gradient", "unbroadcast")


@dataclass(slots=True)
class Line:
    """A line of the listing, and what it tells about."""

    text: str
    op: int | None = None
    """The op that it computes."""
    step: int | None = None
    """The step of the backward pass, counted from 1 over all passes."""


def listing(trace: Trace) -> list[Line]:
    """All lines: forward, then the passes."""
    lines = list(_Listing(trace).lines())
    for line in lines:
        line.text = line.text.rstrip(" ")
    return lines


def kept(trace: Trace) -> str:
    """How much of what ran was kept."""
    counts = ((len(trace.ops), trace.op_count, "ops"), (len(trace.passes), trace.passes_run, "backward passes"))
    parts = [f"{some:,} of {every:,} {what}" for some, every, what in counts if some < every]
    return f"{' and '.join(parts)} kept" if parts else "some details were not kept"


class _Listing:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.names: list[str] = []
        """Per value, how it is written."""
        self.gradients: list[str] = []
        """Per value, the name of its gradient."""
        self.code = [source.code.split("\n") for source in trace.sources]
        self.place: tuple[object, ...] = ()
        """What the last comment said."""
        self.step = 0
        self._choose_names()

    def lines(self) -> Iterator[Line]:
        trace = self.trace
        if trace.ops:
            yield Line(f"# forward, {clean(trace.cell.label, 60)}")
        if trace.folds:
            yield Line(f"# {kept(trace)}")
        if self._untold():
            yield Line(f"# updates of leaves are not written out: {self._untold()}")
        passes = deque(trace.passes)
        for op in trace.ops:
            waiting = len(passes)
            while passes and (before := passes[0].ops_before) is not None and before <= op.id:
                yield from self._pass(passes[0])
                yield from self._updates(passes.popleft())
            if len(passes) < waiting:
                yield from self._section("# forward again")
            yield from self._comment(op)
            yield Line(self._statement(op), op=op.id)
        for run in passes:
            yield from self._pass(run)
            yield from self._updates(run)
        yield from self._updates(None)
        if trace.error is not None:
            yield from self._section(f"# stopped by {clean(trace.error)}")

    def _section(self, title: str) -> Iterator[Line]:
        self.place = ()
        yield from (Line(""), Line(title))

    def _untold(self) -> str:
        """Who made updates that nobody has written out, at most three."""
        by = list(dict.fromkeys(clean(update.by, 40) for update in self.trace.updates if not update.code))
        return ", ".join([*by[:3], *["…"][: len(by) > 3]])

    def _updates(self, run: Pass | None) -> Iterator[Line]:
        """The updates that used what a pass was the last to add to; of None, those that used earlier traces' alone."""
        place: object = None
        for update in self.trace.updates:
            after = max((c.pass_id for c in update.contributions if c.pass_id is not None), default=None)
            if not update.code or after != (run and run.id):
                continue
            here = (update.by, update.step, update.span and (update.span.source, update.span.line))
            if here != place:
                place = here
                said = [clean(update.by, 40), *([] if update.step is None else [f"loop step {update.step}"])]
                yield from self._section(f"# {', '.join([*said, *self._where(update.span)])}")
            name, word = self.names[update.value], self.gradients[update.value].removeprefix("d_")
            for line in update.code[:LINES]:
                yield Line(clean(line.replace("{w}", word).replace("{p}", name), LONGEST))

    # --- names ---

    def _choose_names(self) -> None:
        taken, counts = set(RESERVED), Counter[str]()
        for value in self.trace.values:
            shown = _number_of(value)
            path = _path(value.name)
            stem = shown or (path[1] if path else f"v{value.id}")
            while not shown and not {stem, f"d_{stem}"}.isdisjoint(taken):
                base = path[1] if path else f"v{value.id}"
                counts[base] += 1
                stem = f"{base}_{counts[base] + 1}"
            taken |= {stem, f"d_{stem}"}
            self.names.append(path[0] if path and path[1] == stem else stem)
            self.gradients.append(f"d_{stem}")

    # --- forward ---

    def _comment(self, op: Op) -> Iterator[Line]:
        """The line of code that an op came from, where it is another one than before."""
        step, module = self._scopes(op)
        line = (op.origin, step, op.span and (op.span.source, op.span.line))
        if (line, module) == self.place:
            return
        again = self.place[:1] == (line,)
        self.place = (line, module)
        parts = [f"from {clean(op.origin, 60)}"] if op.origin else []
        parts += [f"loop step {step}"] if step is not None else []
        said = ", ".join([*parts, *self._where(op.span, module, again)])
        if said:
            yield Line(f"# {said}")

    def _scopes(self, op: Op) -> tuple[int | None, str | None]:
        """The step and the innermost module that an op ran in."""
        step, module, scope = None, None, op.scope
        while scope is not None:
            found = self.trace.scopes[scope]
            if found.kind == "step" and step is None:
                step = found.index
            elif found.kind == "module" and module is None:
                module = clean(found.name, 60)
            scope = found.parent
        return step, module

    def _where(self, span: Span | None, module: str | None = None, again: bool = False) -> list[str]:
        """`line 3: y = x * w`, with the source's name where it is not the traced cell; if `again`, without code."""
        if span is None:
            return [module] if module else []
        label = [clean(self.trace.sources[span.source].label, 40)] if span.source else []
        lines = self.code[span.source]
        code = clean(lines[span.line - 1], CODE).strip(" ") if 0 < span.line <= len(lines) else ""
        line = ", ".join([f"line {span.line}", *([module] if module else [])])
        return [*label, f"{line}: {code}" if code and not again else line]

    def _statement(self, op: Op) -> str:
        return self._filled(op.code or self._call(op), op)

    def _call(self, op: Op) -> str:
        """The line for an op that came without one."""
        results = ", ".join(f"{{out{i or ''}}}" for i in range(len(op.outputs)))
        inputs = [f"{{{i}}}" for i in range(len(op.inputs))]
        settings = [f"{name}={value}" for name, value in op.params.items() if _PLAIN.fullmatch(f"{name}={value}")]
        return f"{results} = {op.name}({', '.join(inputs + settings)})"

    def _filled(self, text: str, op: Op, gradient: str = "") -> str:
        """A text of the schema with names in its holes."""

        def name(hole: re.Match[str]) -> str:
            if hole[0] == "{g}":
                return gradient
            ids, at = (op.outputs, hole[2]) if hole[1] is not None else (op.inputs, hole[3])
            position = int(at or 0)
            return self.names[ids[position]] if position < len(ids) else hole[0]

        return clean(re.sub(r"\{(?:(out)(\d{0,3})|(\d{1,3})|g)\}", name, text), LONGEST)

    # --- backward ---

    def _pass(self, run: Pass) -> Iterator[Line]:
        roots = ", ".join(self.names[root] for root in run.roots)
        number = f" {run.id + 1} of {len(self.trace.passes)}" if len(self.trace.passes) > 1 else ""
        begin = f"backward pass{number} from {roots}" if run.kind == "backward" else f"grad() of {roots}"
        yield from self._section(f"# {', '.join([begin, *self._where(run.span)])}")
        if any(isinstance(event, Flow | Accumulate) and event.before for event in run.events):
            yield Line("# (here a += b stands for a = a + b: no array is changed)")
        received: set[int] = set()
        for event in run.events:
            if event.kind == "free":
                continue
            self.step += 1
            if event.kind == "flow":
                yield from self._comment(self.trace.ops[event.op])
            text = self._event(event, received)
            received.add(event.target if event.kind == "flow" else event.value)
            yield Line(clean(text, LONGEST), step=self.step)
        if run.error is not None:
            self.step += 1
            yield Line(f"# stopped by {clean(run.error)}", step=self.step)

    def _event(self, event: Seed | Flow | Accumulate, received: set[int]) -> str:
        if event.kind == "seed":
            return f"{self.gradients[event.value]} = {_given(event.gradient)}"
        if event.kind == "accumulate":
            name = f"{self.names[event.value]}.grad"
            share = self.gradients[event.value]
            return f"{name} += {share}{_left(event.earlier)}" if event.before else f"{name} = {share}"
        op = self.trace.ops[event.op]
        right = self._filled(self._rule(op, event.input), op, self._upstream(op, received))
        if event.reduced:
            right = f"unbroadcast({right}, {self.names[event.target]}.shape)  # {event.reduced}"
        return f"{self.gradients[event.target]} {'+=' if event.before else '='} {right}"

    def _rule(self, op: Op, position: int) -> str:
        told = op.rules[position] if position < len(op.rules) else None
        return told or f"{op.node or op.name}({{g}})[{position}]"

    def _upstream(self, op: Op, received: set[int]) -> str:
        """The gradient of an op's result; of several, a tuple with None for those that got none."""
        if len(op.outputs) == 1:
            return self.gradients[op.outputs[0]]
        return f"({', '.join(self.gradients[i] if i in received else 'None' for i in op.outputs)})"


def _path(name: str | None) -> tuple[str, str] | None:
    """How a variable or parameter is written, and its name as one word: `net[0].weight`, `net_0_weight`."""
    parts = (name or "").split(".")
    if not name or len(name) > 60 or not _is_word(parts[0]):
        return None
    if not all(_is_word(part) or re.fullmatch("[0-9]+", part) for part in parts):
        return None
    rest = "".join(f".{part}" if _is_word(part) else f"[{part}]" for part in parts[1:])
    return parts[0] + rest, "_".join(parts)


def _is_word(text: str) -> bool:
    return (text[:1].isalpha() or text[:1] == "_") and all(c.isalnum() or c == "_" for c in text)


def _number_of(value: Value) -> str | None:
    """A number that the code has without a name."""
    data = value.data.data if value.data else None
    if value.kind != "constant" or value.name is not None or value.shape or not data or len(data) != 1:
        return None
    return None if isinstance(data[0], str) else _number(data[0], value.dtype)


def _number(value: Number, dtype: str) -> str:
    if isinstance(value, bool | str):
        return str(value) if isinstance(value, bool) else f"float('{value}')"
    if re.match("u?int", dtype):
        text = str(int(value))
    else:
        text = repr(float(value)) if math.isfinite(value) else f"float('{value}')"
    return f"({text})" if text.startswith("-") else text


def _given(gradient: Summary) -> str:
    """The gradient that a pass begins with."""
    data, shape = gradient.data, f"({', '.join(map(str, gradient.shape))}{',' * (len(gradient.shape) == 1)})"
    if (data and all(each == 1 for each in data)) or (not data and gradient.min == gradient.max == 1):
        return "1.0" if not gradient.shape else f"np.ones({shape})"
    if not data or len(data) > WHOLE or gradient.dtype.startswith("complex"):
        return f"gradient  # what backward was given, of shape {shape}"
    parts = [_number(each, gradient.dtype).strip("()") for each in data]
    if not gradient.shape:
        return parts[0]
    for size in reversed(gradient.shape):
        parts = [f"[{', '.join(parts[i : i + size])}]" for i in range(0, len(parts), max(1, size))]
    return f"np.array({', '.join(parts)})"


def _left(earlier: list[Contribution]) -> str:
    """Where the gradient came from that a leaf held already."""
    if not earlier:
        return ""
    if len(earlier) > 1:
        return f"  # on top of what {len(earlier)} passes left there"
    (one,) = earlier
    line = "" if one.line is None else f", line {one.line}"
    return f"  # on top of what {clean(one.label, 60)}, run {one.run}{line}, left there"
