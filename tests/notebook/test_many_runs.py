"""A cell that is run again and again: what stays behind is bounded."""

import gc
import os
import tracemalloc

import nbautograd

CELL = """\
%%autograd --quiet
x = tensor([1., 2.], requires_grad=True)
w = tensor([3., -1.], requires_grad=True)
loss = (x * w).sum()
loss.backward()"""

RUNS = 300
MOST = 2**19
"""Most of it is what the last hundreds of runs are remembered by, and grows no more after that."""


def held() -> int:
    """The bytes that this package has allocated and not let go of; IPython keeps every input, which is not ours."""
    gc.collect()
    ours = tracemalloc.Filter(True, os.path.join(os.path.dirname(nbautograd.__file__), "*"))
    return sum(line.size for line in tracemalloc.take_snapshot().filter_traces([ours]).statistics("filename"))


def test_hundreds_of_runs_of_a_cell_keep_less_than_half_a_mebibyte(shell):
    shell.run(CELL, cell="a")
    tracemalloc.start()
    try:
        before = held()
        for _ in range(RUNS):
            shell.run(CELL, cell="a")
        assert held() - before < MOST
    finally:
        tracemalloc.stop()
    assert shell.ns["_autograd"].cell.run == 1 + RUNS
