"""Who is told of what runs: threads, tasks, nested traces, interrupts."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Literal

import pytest

import nbautograd as nb
from nbautograd.core.modes import state
from nbautograd.core.op import TABLE
from nbautograd.trace.model import Trace
from nbautograd.trace.notes import OpNote


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert (state.observer, state.special, state.paused) == (None, 0, False)


async def traced(doublings: int) -> Trace:
    """Trace a chain, letting others run after each op."""
    x = nb.tensor(1.0, requires_grad=True)
    with nb.trace() as t:
        y = x
        for _ in range(doublings):
            y = y * 2.0
            await asyncio.sleep(0)
        y.backward()
    return t


def holds_only_its_own(t: Trace, doublings: int) -> bool:
    leaves = [v.name for v in t.values if v.kind == "leaf"]
    return t.op_count == doublings and len(t.passes) == 1 and leaves == ["x"]


def test_a_hundred_interleaved_tasks_each_trace_their_own() -> None:
    async def all_of_them() -> list[Trace]:
        return await asyncio.gather(*[traced(1 + i % 7) for i in range(100)])

    for i, t in enumerate(asyncio.run(all_of_them())):
        assert holds_only_its_own(t, 1 + i % 7)


def test_threads_each_trace_their_own() -> None:
    found: dict[int, Trace] = {}

    def work(i: int) -> None:
        found[i] = asyncio.run(traced(1 + i % 7))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(holds_only_its_own(t, 1 + i % 7) for i, t in found.items())


def test_ops_and_changes_of_another_thread_are_not_recorded() -> None:
    x = nb.tensor([1.0, 2.0], requires_grad=True)

    def noise() -> None:
        for _ in range(50):
            (x * 2.0).sum().backward()
            x.grad = None

    with nb.trace() as t:
        thread = threading.Thread(target=noise)
        thread.start()
        thread.join()
        y = x * 3.0
    assert t.op_count == 1
    assert t.passes == []
    assert y.requires_grad


def test_a_task_that_outlives_its_cell_is_not_recorded() -> None:
    async def cell() -> tuple[Trace, asyncio.Task[None]]:
        async def later() -> None:
            await asyncio.sleep(0.01)
            _ = nb.tensor(1.0, requires_grad=True) * 2.0

        with nb.trace() as t:
            _ = nb.tensor(1.0, requires_grad=True) * 2.0
            task = asyncio.create_task(later())
        return t, task

    async def both() -> Trace:
        t, task = await cell()
        with nb.trace() as second:
            await task
        assert second.op_count == 0
        return t

    assert asyncio.run(both()).op_count == 1


def test_a_trace_inside_a_trace_takes_over_and_gives_back() -> None:
    x = nb.tensor(1.0, requires_grad=True)
    with nb.trace() as outer:
        a = x * 1.0
        with nb.trace() as inner:
            b = a * 2.0
            c = b * 3.0
        d = c * 4.0
    assert (outer.op_count, inner.op_count) == (2, 2)
    assert float(d.detach()) == 24.0


def test_an_exception_gives_the_part_that_ran() -> None:
    x = nb.tensor([1.0, 2.0], requires_grad=True)
    recording = nb.trace()
    t = recording.__enter__()
    _ = x * 2.0
    assert recording.__exit__(ValueError, ValueError("enough"), None) is False
    assert t.error == "ValueError: enough"
    assert [op.name for op in t.ops] == ["mul"]


def test_the_lines_of_a_script_are_told() -> None:
    x = nb.tensor(3.0, requires_grad=True)
    with nb.trace("a block") as t:
        loss = x * x
        loss.backward()
    span = t.ops[0].span
    assert t.cell.label == "a block"
    assert span is not None
    assert t.sources[span.source].code.splitlines()[span.line - 1].strip() == "loss = x * x"
    assert [v.name for v in t.values] == ["x", "loss"]


def test_the_runs_of_one_block_are_counted() -> None:
    runs: list[int] = []
    for _ in range(3):
        with nb.trace() as t:
            pass
        runs.append(t.cell.run)
    assert [r - runs[0] for r in runs] == [0, 1, 2]


def test_a_trace_keeps_nothing_alive() -> None:
    def once() -> Trace:
        x = nb.ones(1000, requires_grad=True)
        with nb.trace() as t:
            (x * x).sum().backward()
        return t

    def alive() -> int:
        gc.collect()
        return sum(str(getattr(type(o), "__module__", "")).startswith("nbautograd.trace.") for o in gc.get_objects())

    def ran(times: int) -> int:
        assert [once().op_count for _ in range(times)] == [2] * times
        return alive()

    before, after = map(ran, (1, 30))  # from one place in the code, which is noted once for all
    assert after <= before + 30  # what is left is the short record of which work made which nodes


def test_a_recorder_that_fails_does_not_fail_the_users_code(monkeypatch: pytest.MonkeyPatch) -> None:
    x = nb.tensor(3.0, requires_grad=True)
    with nb.trace() as t:
        y = x * x
        monkeypatch.setattr("nbautograd.trace.where.Places.here", lambda self, depth: 1 / 0)
        with pytest.warns(UserWarning, match="stopped recording"):
            z = y * 2.0
        z.backward()
    assert x.grad is not None
    assert float(x.grad) == 12.0
    assert [op.name for op in t.ops] == ["mul"]
    assert "ZeroDivisionError" in t.folds[-1].why


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it came in a weak reference's callback
def test_an_interrupt_anywhere_leaves_no_recorder_behind() -> None:
    def work() -> None:
        w = nb.tensor([1.0, 2.0], requires_grad=True)
        with nb.trace():
            for _ in range(10):
                (w * w).sum().backward()
                w.grad = None

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    work()
    begin = time.perf_counter()
    work()
    duration = time.perf_counter() - begin
    rng = random.Random(0)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(200):
            try:
                signal.setitimer(signal.ITIMER_REAL, max(1e-5, rng.random() * duration))
                work()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass
            signal.setitimer(signal.ITIMER_REAL, 0)
            nb.set_grad_enabled(True)  # an interrupt at the door of `no_grad` may leave it behind, as in any library
            gc.collect(0)
            assert (state.observer, state.special, state.paused) == (None, 0, False)
    finally:
        signal.signal(signal.SIGALRM, before)
    with nb.trace() as t:
        _ = nb.tensor(1.0, requires_grad=True) * 2.0
    assert t.op_count == 1


def test_the_graph_dies_with_its_last_variable_and_not_later() -> None:
    def once() -> weakref.ref[object]:
        x = nb.ones(10, requires_grad=True)
        with nb.trace():
            y = x * 2.0
            y.sum().backward(retain_graph=True)
        return weakref.ref(y)

    def notes() -> int:
        return sum(type(o) is OpNote for o in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = notes()  # a test that was interrupted may have left some
        saved = once()
        assert saved() is None
        assert notes() == before
    finally:
        gc.enable()


def test_an_op_that_is_watched_has_rules_of_its_own_whichever_of_its_kin_was_watched_first():
    x = nb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    upstream = nb.tensor(float("nan"))
    with nb.trace():
        x.amax(0)
        (gradient,) = nb.autograd.grad(x.max(), x, upstream)
    assert gradient[:2].tolist() == [0, 0]
    for op in {op for op in TABLE.values() if op.__base__ in TABLE.values()}:
        assert op.watched is None or op.watched is not op.__base__.watched


@pytest.mark.parametrize("values", ["none", "stats"])
def test_what_was_noted_is_gone_with_the_trace_without_the_garbage_collector(values: Literal["none", "stats"]) -> None:
    def noted() -> int:
        return sum(type(o).__name__ in ("EventNote", "OpNote", "ValueNote", "Trail") for o in gc.get_objects())

    x = nb.tensor(3.0, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        before = noted()
        with nb.trace(values=values):
            ((x * x).tanh() + nb.ones(2)).sum().backward()
        assert noted() == before
    finally:
        gc.enable()
