"""What recording costs: training steps in one cell and a chain of scalars, plain and under a trace without values."""

from dataclasses import replace

from benchmarks.libraries import RECORDED, REFERENCE, SUBJECT
from benchmarks.row import AtMost, Row, Side
from benchmarks.rows import mlp, scalars


def cell_row(base: Row, steps: int, *goals: AtMost) -> Row:
    """A row for a cell that does `steps` of the base row's."""
    row = replace(base, name=f"a cell: {steps} × {base.name}", goals=goals, repeats=steps, sides={})

    @row.of(SUBJECT, REFERENCE)
    def plain(torch):
        side = base.sides[SUBJECT](torch)

        def cell():
            for _ in range(steps):
                side.step()

        return Side(cell, side.read)

    @row.of(RECORDED)
    def recorded(nbautograd):
        side = plain(nbautograd)

        def cell():
            with nbautograd.trace(values="none"):
                side.step()

        return Side(cell, side.read)

    return row


ROWS = [
    cell_row(mlp.ROWS[0], 20, AtMost(1.5, SUBJECT, of=RECORDED)),
    cell_row(mlp.ROWS[0], 200, AtMost(1.5, SUBJECT, of=RECORDED)),
    cell_row(mlp.ROWS[1], 20, AtMost(1.5, SUBJECT, of=RECORDED)),
    cell_row(scalars.chain_row, 1),
    cell_row(scalars.chain_row, 20),
    cell_row(scalars.moons_row, 20),
]
