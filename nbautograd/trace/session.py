"""Tracing by hand: `with nb.trace() as t:`, and saying that gradients are added up on purpose."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from nbautograd.trace import provenance, where
from nbautograd.trace.model import Cell, Trace
from nbautograd.trace.record import Recorder as Recorder
from nbautograd.trace.seam import current

_runs: dict[str, int] = {}


@contextmanager
def trace(label: str | None = None, values: Literal["none", "stats", "full"] = "stats") -> Generator[Trace]:
    """Record what the block does; the trace is complete when the block ends.

    Of large tensors and gradients it keeps figures (`stats`), all numbers (`full`), or shapes only (`none`, the
    fastest).

    Example:
        >>> import nbautograd as nb
        >>> x = nb.tensor(3.0, requires_grad=True)
        >>> with nb.trace() as t:
        ...     (x * x).backward()
        >>> [op.node for op in t.ops]
        ['MulBackward0']
    """
    frame = sys._getframe(2)
    filename = frame.f_code.co_filename
    name = f"{filename}:{frame.f_lineno}"
    _runs[name] = _runs.get(name, 0) + 1
    work = provenance.running() if where.is_cell(filename) else None
    place = work.label if work else f"{filename.rpartition('/')[2]}, line {frame.f_lineno}"
    recorder = Recorder(Cell(name, label or place, _runs[name]), _source(filename), filename, {})
    recorder.values = values
    result = Trace(recorder.cell)
    error: BaseException | None = None
    try:
        recorder.start()
        yield result
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            recorder.detach()
        finally:  # an interrupt may have come in the middle
            recorder.detach()
        recorder.namespace = {**frame.f_globals, **frame.f_locals}
        finished = recorder.stop(error)
        del frame, error  # they hold the caller's variables, and the caller holds us
        for field in Trace.__dataclass_fields__:
            setattr(result, field, getattr(finished, field))


def _source(filename: str) -> str:
    import linecache

    return "".join(linecache.getlines(filename))


@contextmanager
def accumulate(k: int) -> Generator[None]:
    """Say that `k` backward passes are added up before an update, so that nobody warns about it."""
    recorder = current()
    if recorder is not None:
        recorder.grad_accum = k
    yield
