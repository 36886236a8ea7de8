"""A GPU that is not there: devices, streams, events and graphs, and a count of what would have cost time.

NOTE [Graphs]
While a stream captures, a kernel is written down and not run, as on a GPU: its result is memory full of rubbish. A
launch of the graph runs what was written down, on the very memory it had then. So whoever reads a result too early,
frees a buffer that the graph writes to, or feeds new arrays instead of new contents, gets wrong numbers here too.
"""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

COUNT = 2
"""The number of GPUs that are said to be there."""


@dataclass
class Counts:
    """How often what happened."""

    kernels: int = 0
    syncs: int = 0
    """Times the program waited for the device."""
    uploads: int = 0
    """Copies from the host to the device."""


class _Machine(threading.local):
    def __init__(self) -> None:
        self.device = 0
        self.streams: list[Stream] = []
        self.chosen: Stream | None = None
        self.may_synchronize = True


machine = _Machine()
counts = Counts()


class CUDARuntimeError(RuntimeError):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.status = 0


class DeviceSynchronized(RuntimeError):  # noqa: N818  (CuPy's name)
    """Somebody waited for the device where that is forbidden."""


def synchronized() -> None:
    """The program waits here until the device is done."""
    counts.syncs += 1
    if not machine.may_synchronize:
        raise DeviceSynchronized("Device synchronization was detected while disallowed.")
    if current_stream().is_capturing():
        current_stream()._invalid = True
        raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")


def uploaded() -> None:
    """Bytes of the host go to the device. In a graph they would be copied once, or from memory since reused."""
    counts.uploads += 1
    if current_stream().is_capturing():
        current_stream()._invalid = True
        raise CUDARuntimeError("the stand-in refuses copies from the host while a stream is capturing")


@contextlib.contextmanager
def allow_synchronize(allow: bool) -> Iterator[None]:
    warnings.warn("cupyx.allow_synchronize will be removed in future releases", stacklevel=3)
    before, machine.may_synchronize = machine.may_synchronize, allow
    try:
        yield
    finally:
        machine.may_synchronize = before


def run(kernel: Callable[[], Any]) -> None:
    """Run a kernel that writes into memory of the device, now or whenever its graph is launched."""
    counts.kernels += 1
    stream = current_stream()
    if stream.is_capturing():
        stream._recorded.append(kernel)
    else:
        kernel()


class Device:
    def __init__(self, device: Any = None) -> None:
        self.id = machine.device if device is None else int(device)
        self._before: list[int] = []

    def use(self) -> None:
        set_device(self.id)

    def __enter__(self) -> Device:
        self._before.append(machine.device)
        set_device(self.id)
        return self

    def __exit__(self, *exc: object) -> None:
        set_device(self._before.pop())

    def synchronize(self) -> None:
        synchronized()

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def compute_capability(self) -> str:
        return "90"

    @property
    def mem_info(self) -> tuple[int, int]:
        return memory_info()


def set_device(number: int) -> None:
    if not 0 <= number < COUNT:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    machine.device = number


def memory_info() -> tuple[int, int]:
    from .memory import TOTAL, default_pool

    return TOTAL - default_pool.total_bytes(), TOTAL


def properties(number: int) -> dict[str, Any]:
    return {
        "name": b"a stand-in: no GPU at all",
        "major": 9,
        "minor": 0,
        "totalGlobalMem": memory_info()[1],
        "multiProcessorCount": 1,
    }


class Stream:
    """A queue in which everything is done as soon as it is put there, unless it captures."""

    _made = 1

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
        self.null_stream = null
        Stream._made += 1
        self.ptr = 0 if null else Stream._made
        self.device_id = -1 if null else machine.device
        self.is_non_blocking, self.priority = non_blocking, priority or 0
        self._recorded: list[Callable[[], Any]] = []
        self._capturing = self._invalid = False

    def __enter__(self) -> Stream:
        machine.streams.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        machine.streams.pop()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.ptr == other.ptr

    def __hash__(self) -> int:
        return hash(self.ptr)

    def use(self) -> Stream:
        machine.chosen = self
        return self

    @property
    def done(self) -> bool:
        return True

    def synchronize(self) -> None:
        synchronized()

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event._time = time.perf_counter()
        return event

    def wait_event(self, event: Event) -> None: ...

    def is_capturing(self) -> bool:
        return self._capturing

    def begin_capture(self, mode: Any = None) -> None:
        if not self.ptr:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        self._capturing, self._invalid, self._recorded = True, False, []

    def end_capture(self) -> Graph:
        self._capturing = False
        if self._invalid:
            raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated: operation failed due to a previous error")
        return Graph(tuple(self._recorded))


Stream.null = Stream(null=True)  # type: ignore[attr-defined]


def current_stream() -> Stream:
    return machine.streams[-1] if machine.streams else machine.chosen or Stream.null  # type: ignore[attr-defined]


class Graph:
    """What a stream captured; see NOTE [Graphs]."""

    def __init__(self, kernels: tuple[Callable[[], Any], ...]) -> None:
        self._kernels = kernels

    def launch(self, stream: Any = None) -> None:
        if (stream or current_stream()).is_capturing():
            raise CUDARuntimeError("a graph launched inside a capture is not modelled")
        counts.kernels += 1
        with np.errstate(all="ignore"):
            for kernel in self._kernels:
                kernel()

    def upload(self, stream: Any = None) -> None: ...


class Event:
    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.disable_timing = disable_timing
        self._time: float | None = None

    @property
    def done(self) -> bool:
        return True

    def record(self, stream: Any = None) -> None:
        self._time = time.perf_counter()

    def synchronize(self) -> None:
        synchronized()


def elapsed(start: Event, end: Event) -> float:
    if start._time is None or end._time is None or start.disable_timing or end.disable_timing:
        raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
    return 1000 * (end._time - start._time)
