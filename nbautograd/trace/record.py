"""The recorder: notes what the engine tells it, within bounds; `assemble` makes a `Trace` of the notes.

NOTE [Steps]
Each round of one loop becomes a `Scope` of kind `step`. Which loop: the innermost one that holds both a backward pass
and an update (so that neither `for layer in layers`, nor `for p in parameters`, nor the loop over epochs is taken for
it), else the innermost round a backward pass, else, where nothing trains, the outermost.
"""

from __future__ import annotations

from typing import Any

from nbautograd.core.node import ORDER, node_and_output
from nbautograd.trace import ledger, provenance
from nbautograd.trace.jots import Jots
from nbautograd.trace.kept import HEAD, TAIL, Kept
from nbautograd.trace.known import Known
from nbautograd.trace.leaves import Leaves
from nbautograd.trace.model import Cell, Source, Trace
from nbautograd.trace.notes import ScopeNote
from nbautograd.trace.passes import EVENTS, Passes
from nbautograd.trace.summary import FULL, WHOLE, Looks, held
from nbautograd.trace.trails import follow
from nbautograd.trace.where import Place, Places, labels

INSIDE = 3
"""The frames from where an op is placed to where the engine tells of it, which are never the user's."""


class Recorder(Passes):
    """Records one piece of code: `start()`, run it, `stop(error)` gives the `Trace`.

    `namespace` is where the user's names are looked up when the code has ended.
    """

    _traces = 0

    def __init__(self, cell: Cell, source: str, filename: str, namespace: dict[str, Any]) -> None:
        super().__init__()
        Recorder._traces += 1
        self.number = Recorder._traces
        self.cell = cell
        self.filename = filename
        self.namespace = namespace
        self.grad_accum: int | None = None
        self.max_nodes = HEAD + TAIL
        labels[filename] = (cell.label, cell.id)
        self.places = Places(filename, Source(cell.label, source, cell.id))
        self.work = None
        self._scopes: list[ScopeNote] = []
        self._begin_notes()

    # --- beginning and end ---

    def _begin_notes(self) -> None:
        whole = FULL if self.values == "full" else WHOLE
        self.kept = Kept()
        self.jots = None
        self.known = Known(self.kept, None if self.values == "none" else lambda data: held(data, whole), self._origin)
        self.leaves = Leaves(self)
        self.looks = Looks(figures=self.values != "none")
        self.last = None

    def start(self) -> None:
        """Begin to watch what runs in this thread and context."""
        self.work = provenance.begins(self.cell.label, self.cell.run)
        ledger.begin()
        self._begin_notes()  # `values` may have been set since
        if self.values == "none":
            self.jots = Jots(self.kept, self.known, self.places, self._scopes, self.settle)
            self.attachment.pad = self.jots.pad(self.attachment, self.op)
        self.begin()

    @property
    def failure(self) -> str | None:
        """What made the recorder give up, if it did."""
        return self.attachment.failure

    def detach(self) -> None:
        """Stop watching; doing it twice does nothing."""
        self.attachment.detach()

    def stop(self, error: BaseException | None = None) -> Trace:
        """Stop watching, and make the trace."""
        try:
            self.detach()
        finally:  # an interrupt may have come in the middle
            self.detach()
        self.count_unseen()
        if self.work is not None:
            self.work.ends()
        self.places.forget()
        self.settle()
        if self.jots is not None:
            self.jots.read()
            for each in self.kept.passes:
                follow(each, self, EVENTS)
            self.settle()
        from nbautograd.trace.assemble import assemble

        trace = assemble(self, error)
        self.known.read = None
        self._begin_notes()  # the notes hold the user's graph, and would do so until the garbage collector comes
        self.jots = self.attachment.pad = None
        self.namespace = {}
        return trace

    def look(self, detailed: bool) -> None:
        again = detailed and not self.detailed
        super().look(detailed)
        if again and self.jots is not None:
            self.jots.look_again()

    # --- what the engine tells: forward ---

    def op(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> None:
        """An op ran forward."""
        if not any(op.rules):  # comparisons, random numbers: no part of the graph
            return
        if self.jots is not None and self.jots.write(op, inputs, params, outputs, in_place):
            return
        self.op_count += 1
        if self.looks_away():
            return
        scope = self._scopes[-1] if self._scopes else None
        self.last = note = self.known.ran(op, inputs, params, outputs, self.places.here(INSIDE), scope)
        if in_place:
            note.in_place = True

    def in_place(self, target: Any, result: Any) -> None:
        """The result of the last op goes into `target`."""
        if not self.detailed:
            return
        if self.jots is not None and self.jots.put(result, target):
            if ledger.leaf_with(target) is not None:
                self.jots.read()
                self.leaves.written(self.known.ops[result._node[ORDER]].outputs[0])
            return
        note = self.last
        if note is not None and note.outputs[0].tensor() is result:
            note.in_place = True
            self.known.put(note.outputs[0], target)
            self.leaves.written(note.outputs[0])

    def renumbered(self, before: int, now: int) -> None:
        """The node of the last op has another order."""
        if self.jots is not None:
            self.jots.renumber(before, now)
        self.known.renumber(before, now)

    def mutated(self, tensor: Any) -> None:
        """Values were changed in place."""
        self.ticked()
        self.known.changed(tensor)
        self.leaves.mutated(tensor, self.current)

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` was replaced."""
        self.leaves.grad_set(tensor, self.current)

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """A module call or an optimizer step begins."""
        if kind == "optimizer":
            self.leaves.step_begins(f"{name}.step", owner)
        elif kind == "module":
            parent = self._scopes[-1] if self._scopes else None
            if not self.detailed:
                place = Place(None)
            elif parent is not None and not self.places.is_users(parent.file):
                place = parent.place  # our own containers call their parts where they were called
            else:
                place = self.places.here()
            self._scopes.append(ScopeNote(owner, parent, place))

    def scope_end(self, kind: str) -> None:
        """The innermost scope was left."""
        if kind == "optimizer":
            self.leaves.step_ends()
        elif kind == "module" and self._scopes:
            self._scopes.pop()

    # --- for error texts ---

    def where(self, tensor: Any) -> str | None:
        """The line that computed `tensor`."""
        return None if tensor._node is None else self.where_node(node_and_output(tensor._node)[0])

    def where_node(self, node: Any) -> str | None:
        """The line that made `node`, or the cell, where that was another."""
        if self.jots is not None:
            self.jots.read()
        note = self.known.ops.get(node[ORDER])
        if note is None or note.place.span is None:
            return self._origin(node)
        span = note.place.span
        lines = self.places.sources[span.source].code.splitlines()
        text = lines[span.line - 1].strip() if span.line <= len(lines) else ""
        return f"line {span.line}: {text}"

    def _origin(self, node: Any) -> str | None:
        work = provenance.builder(node)
        return None if work is None or work is self.work else str(work)
