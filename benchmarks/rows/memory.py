"""How much memory training takes: the same steps, and what is told is the most that the process held."""

from benchmarks.libraries import CAPTURED, REFERENCE, SUBJECT
from benchmarks.row import AtMost, Row
from benchmarks.rows.sequences import gpt_row

row = Row("GPT, 4 layers, AdamW, peak memory above import", (AtMost(0.4),), rtol=gpt_row.rtol, memory=True)


def with_one_result(setup):
    """To hand over all gradients takes memory, too."""

    def made(library):
        side = setup(library)
        return side._replace(read=lambda: side.read()[:1])

    return made


row.sides |= {name: with_one_result(gpt_row.sides[name]) for name in (SUBJECT, REFERENCE, CAPTURED)}

ROWS = [row]
