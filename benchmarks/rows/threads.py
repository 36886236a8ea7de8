"""Heavy steps with the threads of all libraries at work: what a user waits for on a whole machine."""

from benchmarks.libraries import FAST
from benchmarks.row import AtMost
from benchmarks.rows import cnn, mlp, sequences

ROWS = [
    mlp.ROWS[1].on_all_threads(AtMost(1.0)),
    cnn.ROWS[1].on_all_threads(AtMost(2.2), AtMost(1.3, of=FAST)),
    sequences.gpt_row.on_all_threads(AtMost(1.6), AtMost(1.2, of=FAST)),
]
