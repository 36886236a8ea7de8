"""Ctrl-C at any moment of a cell: nothing stays switched on, no recorder stays behind, and the next cell is right.

`NBAUTOGRAD_INTERRUPTS` says how many moments are tried.
"""

from __future__ import annotations

import random

import pytest

import nbautograd as torch
from nbautograd.core.modes import local, state
from nbautograd.trace import seam
from tests import interrupts
from tests.interrupts import clock, duration, nothing_left

COUNT = interrupts.COUNT or 60

pytestmark = interrupts.MARKS

WORK = """\
w = torch.tensor([1.0, 2.0], requires_grad=True)
for _ in range(3):
    with torch.no_grad(), torch.device("cpu"):
        w * 2
    with torch.inference_mode():
        w * 2
    with torch.autocast("cpu", dtype=torch.float16), torch.autograd.set_detect_anomaly(True):
        w * 2
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t), torch.enable_grad():
        w * w
    with torch.autograd.forward_ad.dual_level():
        w * w
    with nb.trace() as t:
        (w * w).sum().backward()
torch.func.jvp(torch.sin, (w.detach(),), (w.detach(),))
"""
CELLS = {"plain": WORK, "traced": "%%autograd --anomaly -q\n" + WORK, "timed": "%%time\n%%autograd -q\n" + WORK}
NEXT = "%%autograd -q -o after\nv = torch.tensor(3.0, requires_grad=True)\n(v * v).backward()"


@pytest.fixture(autouse=True)
def modes_as_before():
    with nothing_left():
        yield


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_after_an_interrupt_anywhere_nothing_is_left_on_and_the_next_cell_is_right(shell, cell) -> None:
    shell.ns["torch"] = torch
    assert shell.run(cell).error is None
    took = duration(lambda: shell.run(cell))
    chance = random.Random(0)
    with clock() as interrupted:
        for _ in range(COUNT):
            interrupted(lambda: shell.run(cell), chance.random() * took)
            ran = shell.run(NEXT)
            assert (ran.error, shell.ns["v"].grad.item(), shell.ns["after"].op_count) == (None, 6.0, 1)
            assert (local.grad_enabled, local.inference, local.saved_hooks, local.levels) == (True, None, (), ())
            assert (local.cast, local.walk, local.unwatched, state.anomaly) == (None, None, False, False)
            assert (state.attached, state.paused, seam.current()) == (None, False, None)
            assert torch.get_default_device() == torch.device("cpu")


def test_what_a_cell_switches_on_for_good_stays_on_and_what_fails_changes_nothing(shell) -> None:
    shell.ns["torch"] = torch
    shell.run("torch.set_grad_enabled(False)")
    try:
        assert "ZeroDivisionError" in shell.run("with torch.no_grad():\n    1 / 0").error
        assert shell.run("torch.is_grad_enabled()").result is False
        shell.run("%%autograd\nimport signal\nsignal.raise_signal(signal.SIGINT)")
        assert shell.run("torch.is_grad_enabled()").result is False
    finally:
        torch.set_grad_enabled(True)


def test_anomaly_mode_set_in_a_traced_cell_stays_on(shell) -> None:
    shell.ns["torch"] = torch
    shell.run("%%autograd\n_ = torch.autograd.set_detect_anomaly(True)")
    on = torch.is_anomaly_enabled()
    torch.autograd.set_detect_anomaly(False)
    assert on
