"""The text of calls that are run together, block by block, in buffers that the program owns."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from nbautograd.fast import INSTALLED
from nbautograd.replay.blocks import BLOCK, Group
from nbautograd.replay.buffers import Buffered, Line
from nbautograd.replay.calls import Call, Var
from nbautograd.replay.compiling import chain_of
from nbautograd.replay.expressions import Expressions
from nbautograd.replay.naming import Names
from nbautograd.replay.rows import BY_ROW


class BlockWriter:
    """Writes groups of calls down."""

    def __init__(self, names: Names, write: Expressions) -> None:
        self.names = names
        self.lines: list[str] = []
        self._write = write
        self._buffers: dict[Any, list[Any]] = {}
        """For blocks, by their size and dtype."""
        self._views: dict[int, list[str]] = {}
        """Names of what shows a variable's memory in another form."""

    def _add(self, text: str, depth: int = 1) -> None:
        self.lines.append("    " * depth + text)

    def _group(self, group: Group) -> None:
        """Calls that are run block by block, so that what is between them stays in the cache."""
        names = self.names
        flat = "" if group.form.by_row else "_flat"
        inside: dict[int, str] = {}
        for v in group.inputs:
            name = inside[id(v)] = names.name(v)
            if id(v) in group.uniform:
                inside[id(v)] = names.variable(f"{name}_everywhere")
                self._add(f"{inside[id(v)]} = {name}[(0,) * {name}.ndim]")
            elif id(v) in group.form.cut:
                inside[id(v)] = self._laid_flat(v) if flat else name
                if group.uses[id(v)] == 1:
                    inside[id(v)] += "[s]"
        stored: dict[int, str] = {}
        for v in group.outputs:
            name = names.out(v, group.maker[id(v)])
            self._add(f"{name} = np.empty({v.shape}, np.{v.dtype.name})")
            stored[id(v)] = f"{self._laid_flat(v) if flat else name}[s]"
        compiled = self._compiled(group, inside, stored)
        parts: list[str] = []
        for v in group.inputs:
            if id(v) in group.form.cut and id(v) not in group.uniform and group.uses[id(v)] > 1:
                part = self._view(v, "_s")
                parts.append(f"{part} = {inside[id(v)]}[s]")
                inside[id(v)] = part
        full = {inside[id(v)] for v in group.inputs if id(v) not in group.uniform and group.is_full(v)}
        work = Buffered([self._line(group, call, inside, stored) for call in group.calls], full)
        self._blocks(group, parts, work, int(compiled))

    def _compiled(self, group: Group, inside: dict[int, str], stored: dict[int, str]) -> bool:
        """Write down that a kernel does the group's work, if it can once it is compiled."""
        found = chain_of(group, self._write) if INSTALLED else None
        if found is None:
            return False
        chain, arrays, numbers = found
        given = [inside[id(v)].removesuffix("[s]") for v in arrays]
        given += [self._write.typed(v, inside[id(v)]) for v in numbers]
        given += [stored[id(v)].removesuffix("[s]") for v in group.outputs]
        self._add(f"if not {self.names.bind(chain, 'chain')}({', '.join(given)}):  # one loop, once that is compiled")
        return True

    def _line(self, group: Group, call: Call, inside: dict[int, str], stored: dict[int, str]) -> Line:
        """A call in a block; `inside` are the names of variables there, `stored` the places of results."""
        names = self.names
        if call in group.along_last:
            call.function = BY_ROW.get(call.name, call.function)
        text = self._write.on_arrays(call, lambda x: inside.get(id(x)) or names.name(x))
        inside.update({id(v): names.variable(f"{names.out(v, call)}_s") for v in call.outs})
        stores = [(stored[id(v)], inside[id(v)]) for v in call.outs if id(v) in stored]
        full = all(map(group.is_full, call.outs))
        alike = all(a.dtype == group.dtype for a in call.args if isinstance(a, Var))
        suits = full and alike and len(call.outs) == 1 and not call.several
        return Line([inside[id(v)] for v in call.outs], text, stores, suits, full)

    def _blocks(self, group: Group, parts: list[str], work: Buffered, depth: int) -> None:
        """The loop over blocks: what it reads, and what is done with that in buffers."""
        slices = group.slices(work.count + len(group.inputs) + len(group.outputs))
        buffers = [self.names.local(f"block_{i + 1}") for i in range(work.count)]
        shapes = [group.shape_of(s) for s in slices]
        views = [[room[: prod(shape)].reshape(shape) for room in self._rooms(group, work.count)] for shape in shapes]
        each = [(s, *views[i]) for i, s in enumerate(slices)] if buffers else slices
        found = self.names.bind(each, "rows" if group.form.by_row else "blocks")
        self._add(f"for {', '.join(['s', *buffers])} in {found}:", 1 + depth)
        for line in [*parts, *(line.format(*buffers) for line in work.lines)]:
            self._add(line, 2 + depth)

    def _rooms(self, group: Group, count: int) -> list[Any]:
        """Buffers for blocks of a group: all groups use the same ones."""
        size = max(BLOCK, group.largest)
        rooms = self._buffers.setdefault((size, group.dtype), [])
        while len(rooms) < count:
            rooms.append(np.empty(size, group.dtype))
        return rooms[:count]

    def _laid_flat(self, v: Var) -> str:
        flat = self._view(v, "_flat")
        self._add(f"{flat} = {self.names.name(v)}.reshape(-1)")
        return flat

    def _view(self, v: Var, ending: str) -> str:
        found = self.names.variable(f"{self.names.name(v)}{ending}")
        self._views.setdefault(id(v), []).append(found)
        return found
