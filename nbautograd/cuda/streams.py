"""Streams, in which a GPU does one thing after another, and events, which mark points in them."""

from __future__ import annotations

from typing import Any

from nbautograd.core.device import cupy

from .devices import number_of


class Stream:
    """A queue of work on a GPU; several run side by side. `with stream:` selects one, as `torch.cuda.stream` does.

    Raises: RuntimeError when there is no GPU.
    """

    def __init__(self, device: Any = None, priority: int = 0, *, cupy_stream: Any = None) -> None:
        self._index = number_of(device)
        if cupy_stream is None:
            with cupy().cuda.Device(self._index):
                cupy_stream = cupy().cuda.Stream(non_blocking=True, priority=priority)
        self._stream = cupy_stream
        self._outer: list[Any] = []

    @property
    def cuda_stream(self) -> int:
        """CUDA's own handle."""
        return self._stream.ptr

    @property
    def device(self) -> Any:
        """The GPU it belongs to."""
        from nbautograd.core.device import device

        return device("cuda", self._index)

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        self._stream.synchronize()

    def query(self) -> bool:
        """Whether all its work is done."""
        return self._stream.done

    def record_event(self, event: Event | None = None) -> Event:
        """Mark this point of the queue."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let later work wait for `event`."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Let later work wait for all that `stream` has to do now."""
        self.wait_event(stream.record_event())

    def __enter__(self) -> Stream:
        self._outer.append(cupy().cuda.get_current_stream())
        self._stream.use()
        return self

    def __exit__(self, *exc: object) -> None:
        self._outer.pop().use()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.cuda_stream == other.cuda_stream

    def __hash__(self) -> int:
        return hash(self.cuda_stream)

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device=cuda:{self._index} cuda_stream={self.cuda_stream:#x}>"


class Event:
    """A point in a stream that can be waited for, and two of which tell the time between them.

    Example:
        >>> import nbautograd as torch
        >>> if torch.cuda.is_available():
        ...     start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        ...     start.record()
        ...     end.record()
        ...     end.synchronize()
        ...     milliseconds = start.elapsed_time(end)
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        number_of(None)
        self._event = cupy().cuda.Event(blocking, not enable_timing, interprocess)

    def record(self, stream: Stream | None = None) -> None:
        """Mark the present end of `stream`, or of the current one."""
        self._event.record((stream or current_stream())._stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Let later work of `stream` wait for this point."""
        (stream or current_stream())._stream.wait_event(self._event)

    def query(self) -> bool:
        """Whether the GPU has come to this point."""
        return self._event.done

    def synchronize(self) -> None:
        """Wait until the GPU has come to this point."""
        self._event.synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this point to `end_event`."""
        return cupy().cuda.get_elapsed_time(self._event, end_event._event)


def current_stream(device: Any = None) -> Stream:
    """The stream that new work goes to."""
    index = number_of(device)
    return Stream(index, cupy_stream=cupy().cuda.get_current_stream(index))


def default_stream(device: Any = None) -> Stream:
    """The stream that work goes to unless another is selected."""
    return Stream(device, cupy_stream=cupy().cuda.Stream.null)


def set_stream(stream: Stream | None) -> None:
    """Send new work to `stream`; None changes nothing."""
    if stream is not None:
        stream._stream.use()


class StreamContext:
    """Sends new work to a stream inside a `with` block; None changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self.stream.__enter__()

    def __exit__(self, *exc: object) -> None:
        if self.stream is not None:
            self.stream.__exit__(*exc)


def stream(stream: Stream | None) -> StreamContext:
    """Send new work to `stream` inside a `with` block."""
    return StreamContext(stream)
